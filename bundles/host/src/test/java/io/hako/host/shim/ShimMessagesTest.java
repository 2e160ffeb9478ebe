// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.hako.api.driver.ProcessSpec;
import io.hako.api.types.Confinement;
import io.hako.api.types.MemorySize;
import io.hako.api.types.NetworkNamespace;
import io.hako.api.types.PassedFile;
import io.hako.host.shim.proto.GuestPort;
import io.hako.host.shim.proto.Input;
import io.hako.host.shim.proto.JoinStdioRequest;
import io.hako.host.shim.proto.LaunchRequest;
import io.hako.host.shim.proto.ListeningSocket;
import io.hako.host.shim.proto.LogFile;
import io.hako.host.shim.proto.Logger;
import io.hako.host.shim.proto.Memfd;
import io.hako.host.shim.proto.OpenedFile;
import io.hako.host.shim.proto.Output;
import io.hako.host.shim.proto.OwnRoot;
import io.hako.host.shim.proto.Rlimit;
import io.hako.host.shim.proto.TapQueue;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.Test;

/** The records as the shim's messages. */
public class ShimMessagesTest {
    private static final NetworkNamespace NETWORK = new NetworkNamespace(Path.of("/run/netns/a"));

    @Test
    public void launchCarriesTheWholeSpec() {
        ProcessSpec spec =
                new ProcessSpec(
                        "vmm",
                        List.of("/usr/bin/vmm", "-x"),
                        Map.of("A", "b"),
                        List.of(
                                new PassedFile.ListeningSocket("qmp", Path.of("/run/q.sock")),
                                new PassedFile.Memfd("memory", MemorySize.ofMebibytes(2)),
                                new PassedFile.GuestPort("data", PassedFile.GuestPort.Port.DATA),
                                new PassedFile.OpenedFile("kvm", Path.of("/dev/kvm"), true, false),
                                new PassedFile.TapQueue("tap", "tap0", NETWORK, true, false)),
                        Optional.of(NETWORK),
                        new Confinement(
                                Set.of(
                                        Confinement.Namespace.MOUNT,
                                        Confinement.Namespace.PID,
                                        Confinement.Namespace.USER),
                                Optional.of(new Confinement.HostUser(0xFFFF_FFFEL, 5)),
                                true,
                                Optional.of(Set.of()),
                                Optional.of(
                                        new Confinement.OwnRoot(
                                                Set.of(Path.of("/dev/b"), Path.of("/dev/a")),
                                                Set.of(Path.of("/srv"))))),
                        MemorySize.ofKibibytes(64));

        LaunchRequest launch =
                ShimMessages.launch(
                        spec,
                        new Shim.Placement(
                                Optional.of("/hako/a"), List.of(new Shim.ResourceLimit(7, 1, -1))));

        assertEquals(expectedLaunch(), launch);
    }

    private static LaunchRequest expectedLaunch() {
        return LaunchRequest.newBuilder()
                .setRole("vmm")
                .addCommand("/usr/bin/vmm")
                .addCommand("-x")
                .putEnvironment("A", "b")
                .addFiles(
                        named("qmp")
                                .setListeningSocket(
                                        ListeningSocket.newBuilder()
                                                .setPath("/run/q.sock")
                                                .setMode(0600)))
                .addFiles(named("memory").setMemfd(Memfd.newBuilder().setSize(2 << 20)))
                .addFiles(
                        named("data")
                                .setGuestPort(GuestPort.newBuilder().setPort(GuestPort.Port.DATA)))
                .addFiles(
                        named("kvm")
                                .setOpenedFile(
                                        OpenedFile.newBuilder().setPath("/dev/kvm").setWrite(true)))
                .addFiles(
                        named("tap")
                                .setTapQueue(
                                        TapQueue.newBuilder()
                                                .setInterface("tap0")
                                                .setNetworkNamespace("/run/netns/a")
                                                .setVnetHeader(true)))
                .setNetworkNamespace("/run/netns/a")
                .setConfinement(
                        io.hako.host.shim.proto.Confinement.newBuilder()
                                .setNewMountNamespace(true)
                                .setNewPidNamespace(true)
                                .setNewUserNamespace(true)
                                .setUid(-2)
                                .setGid(5)
                                .setNoNewPrivileges(true)
                                .setDropCapabilities(true)
                                .setOwnRoot(
                                        OwnRoot.newBuilder()
                                                .addReadable("/dev/a")
                                                .addReadable("/dev/b")
                                                .addFollowed("/srv")))
                .setOutputKept(65536)
                .setCgroup("/hako/a")
                .addRlimits(Rlimit.newBuilder().setResource(7).setSoft(1).setHard(-1))
                .build();
    }

    @Test
    public void capabilitiesThatAreKeptAreNumbers() {
        Confinement asItself =
                new Confinement(
                        Set.of(), Optional.empty(), false, Optional.empty(), Optional.empty());
        Confinement asServer =
                new Confinement(
                        Set.of(),
                        Optional.empty(),
                        false,
                        Optional.of(
                                Set.of(
                                        Confinement.Capability.SETFCAP,
                                        Confinement.Capability.CHOWN)),
                        Optional.empty());

        assertFalse(PassedFileMessages.confinement(asItself).getDropCapabilities());
        assertTrue(PassedFileMessages.confinement(asServer).getDropCapabilities());
        assertEquals(
                List.of(0, 31), PassedFileMessages.confinement(asServer).getKeptCapabilitiesList());
    }

    @Test
    public void streamsAreJoinedByTokenWithFifosAndLogs() {
        StdioJoin join =
                new StdioJoin(
                        new StdioId("c", "e"),
                        false,
                        Optional.of(new StdioJoin.Input(Path.of("/f/in"), 1)),
                        Optional.of(new StdioJoin.ToFifo(2, Path.of("/f/out"))),
                        Optional.of(
                                new StdioJoin.ToLog(
                                        3, Path.of("/f/log"), MemorySize.ofMebibytes(1))));

        assertEquals(
                JoinStdioRequest.newBuilder()
                        .setContainerId("c")
                        .setExecId("e")
                        .setStdin(Input.newBuilder().setPath("/f/in").setToken(1))
                        .setStdout(Output.newBuilder().setToken(2).setFifo("/f/out"))
                        .setStderr(
                                Output.newBuilder()
                                        .setToken(3)
                                        .setLog(
                                                LogFile.newBuilder()
                                                        .setPath("/f/log")
                                                        .setBound(1 << 20)))
                        .build(),
                ShimMessages.join(join));
    }

    @Test
    public void streamsAreJoinedWithFilesAndLoggers() {
        StdioJoin join =
                new StdioJoin(
                        new StdioId("c", ""),
                        false,
                        Optional.empty(),
                        Optional.of(new StdioJoin.ToFile(2, Path.of("/f/out"))),
                        Optional.of(
                                new StdioJoin.ToLogger(
                                        3,
                                        new StdioJoin.Logger(
                                                Path.of("/bin/log"),
                                                List.of("a", "b"),
                                                Map.of("CONTAINER_ID", "c"),
                                                Duration.ofSeconds(10)))));

        assertEquals(
                JoinStdioRequest.newBuilder()
                        .setContainerId("c")
                        .setStdout(Output.newBuilder().setToken(2).setFile("/f/out"))
                        .setStderr(
                                Output.newBuilder()
                                        .setToken(3)
                                        .setLogger(
                                                Logger.newBuilder()
                                                        .setPath("/bin/log")
                                                        .addArguments("a")
                                                        .addArguments("b")
                                                        .putEnvironment("CONTAINER_ID", "c")
                                                        .setReadyLimitMs(10_000)))
                        .build(),
                ShimMessages.join(join));
    }

    private static io.hako.host.shim.proto.PassedFile.Builder named(String name) {
        return io.hako.host.shim.proto.PassedFile.newBuilder().setName(name);
    }
}
