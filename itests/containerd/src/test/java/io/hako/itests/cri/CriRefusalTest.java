// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.grpc.StatusRuntimeException;
import io.hako.itests.cri.api.ContainerConfig;
import io.hako.itests.cri.api.Device;
import io.hako.itests.cri.api.Mount;
import io.hako.itests.cri.api.MountPropagation;
import io.hako.itests.cri.api.NamespaceMode;
import io.hako.itests.cri.api.PodSandboxConfig;
import io.hako.itests.machine.Node;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.AfterClass;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;

/** What no virtual machine can give a pod is refused in a sentence that says what to do. */
public class CriRefusalTest {
    private static final Node NODE = new Node();
    private static final NodeNetwork NETWORK = new NodeNetwork(NODE);
    private static final CriServer SERVER = new CriServer(NODE, NETWORK);

    @ClassRule
    public static final RuleChain RULES = RuleChain.outerRule(NODE).around(NETWORK).around(SERVER);

    private static CriPod pod;

    @BeforeClass
    public static void runPod() {
        pod = CriPod.run(SERVER, "refusals");
    }

    @AfterClass
    public static void removePod() {
        pod.close();
        SERVER.nothingLeft();
    }

    @Test
    public void theNodesNetwork() {
        PodSandboxConfig.Builder config = CriPod.config(SERVER, "host-network");
        config.getLinuxBuilder()
                .getSecurityContextBuilder()
                .getNamespaceOptionsBuilder()
                .setNetwork(NamespaceMode.NODE);

        assertRefused(
                config,
                "asks for hostNetwork, but a virtual machine has its own: take it away from the pod");
    }

    @Test
    public void theNodesProcesses() {
        PodSandboxConfig.Builder config = CriPod.config(SERVER, "host-pid");
        config.getLinuxBuilder()
                .getSecurityContextBuilder()
                .getNamespaceOptionsBuilder()
                .setPid(NamespaceMode.NODE);

        assertRefused(
                config,
                "asks for hostPID, but a virtual machine has its own: take it away from the pod");
    }

    @Test
    public void theNodesIpc() {
        PodSandboxConfig.Builder config = CriPod.config(SERVER, "host-ipc");
        config.getLinuxBuilder()
                .getSecurityContextBuilder()
                .getNamespaceOptionsBuilder()
                .setIpc(NamespaceMode.NODE);

        assertRefused(
                config,
                "asks for hostIPC, but a virtual machine has its own: take it away from the pod");
    }

    @Test
    public void propagationToTheNode() throws IOException {
        Path volume = Files.createDirectories(SERVER.directory().resolve("bidirectional"));
        NODE.program("mount", "--bind", volume.toString(), volume.toString());
        NODE.program("mount", "--make-shared", volume.toString());
        try {
            PodSandboxConfig.Builder config = CriPod.config(SERVER, "privileged");
            config.getLinuxBuilder().getSecurityContextBuilder().setPrivileged(true);
            try (CriPod privileged = CriPod.run(SERVER, config.build())) {
                assertRefused(
                        privileged,
                        privileged("two-ways")
                                .addMounts(
                                        mount(volume)
                                                .setPropagation(
                                                        MountPropagation
                                                                .PROPAGATION_BIDIRECTIONAL)),
                        "mountPropagation HostToContainer or None");
                // Without that it is privileged in its machine.
                CriContainer container =
                        privileged.start(privileged("plain").addMounts(mount(volume)));
                container.sh("mount -t tmpfs tmpfs /volume && touch /volume/in-the-machine");
            }
            assertEquals(0, volume.toFile().list().length);
        } finally {
            NODE.program("umount", volume.toString());
        }
    }

    @Test
    public void aSocketOfTheNode() throws IOException {
        Path socket = SERVER.directory().resolve("x.sock");
        try (ServerSocketChannel listening =
                ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            listening.bind(UnixDomainSocketAddress.of(socket));

            assertRefused(
                    CriPod.container("socket", "true").addMounts(mount(socket)),
                    "a socket, pipe or device of the host does not work in a virtual machine");
        }
    }

    @Test
    public void aDeviceNodeAsAVolume() {
        assertRefused(
                CriPod.container("node", "true").addMounts(mount(Path.of("/dev/kmsg"))),
                "a socket, pipe or device of the host");
    }

    @Test
    public void aDeviceOfTheNode() {
        assertRefused(
                CriPod.container("device", "true")
                        .addDevices(
                                Device.newBuilder()
                                        .setContainerPath("/dev/kmsg")
                                        .setHostPath("/dev/kmsg")
                                        .setPermissions("rw")),
                "set privileged_without_host_devices");
    }

    @Test
    public void devicesThatAreTheSameEverywhereAreThere() {
        CriContainer container =
                pod.start(
                        CriPod.container("devices", "sleep", "1000")
                                .addDevices(
                                        Device.newBuilder()
                                                .setContainerPath("/dev/nothing")
                                                .setHostPath("/dev/null")
                                                .setPermissions("rw")));
        container.sh("echo gone > /dev/nothing && test -c /dev/nothing");
    }

    private static ContainerConfig.Builder privileged(String name) {
        ContainerConfig.Builder config = CriPod.container(name, "sleep", "1000");
        config.getLinuxBuilder().getSecurityContextBuilder().setPrivileged(true);
        return config;
    }

    private static Mount.Builder mount(Path from) {
        return Mount.newBuilder().setContainerPath("/volume").setHostPath(from.toString());
    }

    private static void assertRefused(PodSandboxConfig.Builder config, String words) {
        assertSays(
                words,
                assertThrows(
                        StatusRuntimeException.class, () -> CriPod.run(SERVER, config.build())));
    }

    private static void assertRefused(ContainerConfig.Builder config, String words) {
        assertRefused(pod, config, words);
    }

    private static void assertRefused(CriPod pod, ContainerConfig.Builder config, String words) {
        CriContainer container = pod.create(config);
        assertSays(words, assertThrows(StatusRuntimeException.class, container::start));
        container.remove();
    }

    private static void assertSays(String words, StatusRuntimeException refused) {
        assertTrue(refused.toString(), refused.getMessage().contains(words));
    }
}
