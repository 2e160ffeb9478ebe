// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import static org.junit.Assert.assertEquals;

import io.hako.itests.cri.api.ContainerConfig;
import io.hako.itests.cri.api.Int64Value;
import io.hako.itests.cri.api.LinuxContainerSecurityContext;
import io.hako.itests.cri.api.NamespaceMode;
import io.hako.itests.cri.api.NamespaceOption;
import io.hako.itests.cri.api.PodSandboxConfig;
import io.hako.itests.cri.api.SecurityProfile;
import io.hako.itests.machine.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.AfterClass;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;

/** A pod's and its containers' securityContext, as it holds inside. */
public class CriSecurityTest {
    private static final Node NODE = new Node();
    private static final NodeNetwork NETWORK = new NodeNetwork(NODE);
    private static final CriServer SERVER = new CriServer(NODE, NETWORK);

    /** CAP_CHOWN and CAP_NET_ADMIN, capabilities(7). */
    private static final long CHOWN = 1;

    private static final long NET_ADMIN = 1 << 12;

    @ClassRule
    public static final RuleChain RULES = RuleChain.outerRule(NODE).around(NETWORK).around(SERVER);

    private static CriPod pod;

    @BeforeClass
    public static void runPod() {
        PodSandboxConfig.Builder config = CriPod.config(SERVER, "security");
        config.getLinuxBuilder()
                .putSysctls("net.ipv4.ip_unprivileged_port_start", "80")
                .putSysctls("kernel.shm_rmid_forced", "1");
        pod = CriPod.run(SERVER, config.build());
    }

    @AfterClass
    public static void removePod() {
        pod.close();
        SERVER.nothingLeft();
    }

    @Test
    public void aUserHasItsGroupsAndNoRights() {
        ContainerConfig.Builder config = CriPod.container("user", "sleep", "1000");
        security(config)
                .setRunAsUser(Int64Value.newBuilder().setValue(1000))
                .setRunAsGroup(Int64Value.newBuilder().setValue(2000))
                .addAllSupplementalGroups(List.of(3000L, 4000L))
                .setNoNewPrivs(true);
        CriContainer user = pod.start(config);

        assertEquals("1000 2000", user.sh("echo $(id -u) $(id -g)"));
        assertEquals("2000 3000 4000", user.sh("id -G"));
        assertEquals("0000000000000000", status(user, "CapEff"));
        assertEquals("1", status(user, "NoNewPrivs"));
    }

    @Test
    public void capabilitiesAreAddedAndDropped() {
        ContainerConfig.Builder config = CriPod.container("capabilities", "sleep", "1000");
        security(config)
                .getCapabilitiesBuilder()
                .addAddCapabilities("NET_ADMIN")
                .addDropCapabilities("CHOWN");
        CriContainer container = pod.start(config);

        long bounding = Long.parseUnsignedLong(status(container, "CapBnd"), 16);
        assertEquals(NET_ADMIN, bounding & (NET_ADMIN | CHOWN));
        assertEquals("refused", container.sh("chown 1 /tmp 2>/dev/null || echo refused"));
    }

    @Test
    public void theDefaultFilterIsActiveAndUnconfinedIsNone() {
        ContainerConfig.Builder filtered = CriPod.container("filtered", "sleep", "1000");
        security(filtered).setSeccomp(profile(SecurityProfile.ProfileType.RuntimeDefault));
        ContainerConfig.Builder free = CriPod.container("free", "sleep", "1000");
        security(free).setSeccomp(profile(SecurityProfile.ProfileType.Unconfined));
        CriContainer with = pod.start(filtered);
        CriContainer without = pod.start(free);

        assertEquals("2", status(with, "Seccomp"));
        assertEquals("refused", with.sh("unshare -U true 2>/dev/null || echo refused"));
        assertEquals("0", status(without, "Seccomp"));
        without.sh("unshare -U true");
    }

    @Test
    public void aFilterOfTheNodesOwnRefusesWhatItSays() throws IOException {
        Path profile =
                Files.writeString(
                        SERVER.directory().resolve("no-mkdir.json"),
                        """
                        {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}
                        """);
        ContainerConfig.Builder config = CriPod.container("localhost", "sleep", "1000");
        security(config)
                .setSeccomp(
                        profile(SecurityProfile.ProfileType.Localhost)
                                .setLocalhostRef(profile.toString()));
        CriContainer container = pod.start(config);

        assertEquals("refused", container.sh("mkdir /tmp/x 2>/dev/null || echo refused"));
        assertEquals("made", container.sh("touch /tmp/x && echo made"));
    }

    @Test
    public void sysctlsAreThePods() {
        CriContainer container = pod.start(CriPod.container("sysctls", "sleep", "1000"));

        assertEquals("80", container.sh("cat /proc/sys/net/ipv4/ip_unprivileged_port_start"));
        assertEquals("1", container.sh("cat /proc/sys/kernel/shm_rmid_forced"));
    }

    @Test
    public void whatIsReadOnlyOrMaskedIsSo() {
        ContainerConfig.Builder config = CriPod.container("readonly", "sleep", "1000");
        security(config)
                .setReadonlyRootfs(true)
                .addReadonlyPaths("/proc/sys")
                .addMaskedPaths("/proc/keys");
        CriContainer container = pod.start(config);

        assertEquals("refused", container.sh("touch /x 2>/dev/null || echo refused"));
        assertEquals(
                "refused",
                container.sh("(echo 1 > /proc/sys/vm/swappiness) 2>/dev/null || echo refused"));
        assertEquals("", container.sh("cat /proc/keys"));
    }

    @Test
    public void processesAreSharedIfThePodAsksForIt() {
        PodSandboxConfig.Builder pods = CriPod.config(SERVER, "processes");
        NamespaceOption shared = NamespaceOption.newBuilder().setPid(NamespaceMode.POD).build();
        pods.getLinuxBuilder().getSecurityContextBuilder().setNamespaceOptions(shared);
        ContainerConfig.Builder one = CriPod.container("one", "sleep", "1001");
        security(one).setNamespaceOptions(shared);
        ContainerConfig.Builder two = CriPod.container("two", "sleep", "1002");
        security(two).setNamespaceOptions(shared);
        try (CriPod sharing = CriPod.run(SERVER, pods.build())) {
            CriContainer first = sharing.start(one);
            CriContainer second = sharing.start(two);

            assertEquals("sleep 1001 sleep 1002", sleeps(first));
            second.sh("kill $(ps -o pid,args | awk '$2 == \"sleep\" && $3 == 1001 {print $1}')");
            assertEquals(143, first.ended().getExitCode());
            assertEquals("sleep 1002", sleeps(second));
        }
    }

    @Test
    public void processesAreNotSharedUnasked() {
        pod.start(CriPod.container("other", "sleep", "1004"));

        assertEquals("sleep 1003", sleeps(pod.start(CriPod.container("alone", "sleep", "1003"))));
    }

    /** The processes that sleep, as the container sees them. */
    private static String sleeps(CriContainer container) {
        return container.sh("echo $(ps -o args | grep '^sleep' | sort)");
    }

    private static LinuxContainerSecurityContext.Builder security(ContainerConfig.Builder config) {
        return config.getLinuxBuilder().getSecurityContextBuilder();
    }

    private static SecurityProfile.Builder profile(SecurityProfile.ProfileType type) {
        return SecurityProfile.newBuilder().setProfileType(type);
    }

    /** A line of the container's /proc/self/status, without its name. */
    private static String status(CriContainer container, String name) {
        return container.sh("awk '/^" + name + ":/ {print $2}' /proc/self/status");
    }
}
