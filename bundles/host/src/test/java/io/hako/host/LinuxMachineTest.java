// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;
import static org.junit.Assume.assumeTrue;

import io.hako.api.host.UnixStream;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.KeptFile;
import io.hako.ttrpc.CallScope;
import java.io.FileOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

public class LinuxMachineTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    @Rule public final Timeout limit = Timeout.seconds(60);

    private Path directory;
    private LinuxMachine machine;

    @Before
    public void start() {
        directory = folder.getRoot().toPath();
        machine = new LinuxMachine(directory);
    }

    @After
    public void stop() {
        machine.stop();
    }

    @Test
    public void bytesGoBothWaysAndTheEndIsSeen() throws IOException {
        try (ServerSocketChannel server = listen("a.sock");
                UnixStream stream =
                        machine.connect(
                                directory.resolve("a.sock"), KeepingShim.nothing(), call());
                SocketChannel peer = server.accept()) {
            stream.write(ByteBuffer.wrap("ping".getBytes(StandardCharsets.UTF_8)), List.of());
            ByteBuffer got = ByteBuffer.allocate(4);
            while (got.hasRemaining()) {
                peer.read(got);
            }
            assertEquals("ping", new String(got.array(), StandardCharsets.UTF_8));
            peer.shutdownOutput();
            assertEquals(-1, stream.read(ByteBuffer.allocate(1)));
        }
        try (var left = Files.list(directory)) {
            assertEquals(List.of(directory.resolve("a.sock")), left.toList());
        }
    }

    @Test
    public void closingEndsAReadThatWaits() throws Exception {
        try (ServerSocketChannel server = listen("a.sock")) {
            UnixStream stream =
                    machine.connect(directory.resolve("a.sock"), KeepingShim.nothing(), call());
            SocketChannel peer = server.accept();
            CompletableFuture<Integer> read = new CompletableFuture<>();
            Thread.ofVirtual().start(() -> read.complete(stream.read(ByteBuffer.allocate(1))));

            stream.close();

            assertEquals(-1, (int) read.get());
            peer.close();
        }
    }

    @Test
    public void connectingWaitsForTheListener() throws Exception {
        Path path = directory.resolve("later.sock");
        Path fresh = directory.resolve("fresh.sock");
        // A socket file that nobody listens on.
        listen("later.sock").close();
        CompletableFuture<UnixStream> stream =
                CompletableFuture.supplyAsync(
                        () -> machine.connect(path, KeepingShim.nothing(), call()),
                        command -> Thread.ofVirtual().start(command));

        try (ServerSocketChannel server = listen("fresh.sock")) {
            Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
            stream.get().close();
            assertTrue(server.isOpen());
        }
    }

    @Test
    public void nobodyListeningUntilTheEndIsUnavailable() throws IOException {
        listen("dead.sock").close();
        Path path = directory.resolve("dead.sock");

        DriverException failure =
                assertThrows(
                        DriverException.class,
                        () ->
                                machine.connect(
                                        path,
                                        KeepingShim.nothing(),
                                        CallScope.within(Duration.ofMillis(20))));

        assertEquals(FailureKind.UNAVAILABLE, failure.failure());
        assertEquals(
                "Nothing listens on %s within the time given for it.".formatted(path),
                failure.getMessage());
    }

    @Test
    public void missingSocketIsNotFoundAtOnce() {
        Path path = directory.resolve("none.sock");

        DriverException failure =
                assertThrows(
                        DriverException.class,
                        () -> machine.connect(path, KeepingShim.nothing(), call()));

        assertEquals(FailureKind.NOT_FOUND, failure.failure());
        assertEquals("There is no socket %s.".formatted(path), failure.getMessage());
    }

    @Test
    public void keptFilesGoAlongWithTheFirstByte() throws IOException {
        Path file = directory.resolve("kept");
        try (FileOutputStream open = new FileOutputStream(file.toFile());
                DescriptorReceiver receiver =
                        DescriptorReceiver.listen(directory.resolve("r.sock"))) {
            int number = DescriptorReceiver.descriptorOf(file);
            KeepingShim shim = new KeepingShim(Map.of("memory", number));
            try (UnixStream stream = machine.connect(directory.resolve("r.sock"), shim, call())) {
                stream.write(
                        ByteBuffer.wrap("hi".getBytes(StandardCharsets.UTF_8)),
                        List.of(new KeptFile("memory")));
                DescriptorReceiver.Received received = receiver.receive();

                assertEquals('h', received.first());
                assertEquals(file, received.target());
                assertTrue(open.getFD().valid());
            }
        }
    }

    @Test
    public void connectionIsHandedOverWithTheFirstByteAndGoesOn() throws IOException {
        try (ServerSocketChannel backend = listen("b.sock");
                ServerSocketChannel server = listen("a.sock");
                UnixStream stream = connected("a.sock");
                UnixStream passed = connected("b.sock");
                SocketChannel peer = server.accept();
                SocketChannel far = backend.accept()) {
            stream.handOver(ByteBuffer.wrap("hi".getBytes(StandardCharsets.UTF_8)), passed);

            assertEquals("it is closed on this side", -1, passed.read(ByteBuffer.allocate(1)));
            // In flight in the peer's queue, the connection lives; it ends with the peer.
            far.configureBlocking(false);
            assertEquals("and yet lives", 0, far.read(ByteBuffer.allocate(1)));
            ByteBuffer got = ByteBuffer.allocate(2);
            while (got.hasRemaining()) {
                peer.read(got);
            }
            assertEquals("hi", new String(got.array(), StandardCharsets.UTF_8));
        }
    }

    private UnixStream connected(String socket) {
        return machine.connect(directory.resolve(socket), KeepingShim.nothing(), call());
    }

    @Test
    public void fileThatIsNotKeptIsNotFound() throws IOException {
        try (ServerSocketChannel server = listen("a.sock");
                UnixStream stream =
                        machine.connect(
                                directory.resolve("a.sock"), KeepingShim.nothing(), call());
                SocketChannel peer = server.accept()) {
            DriverException failure =
                    assertThrows(
                            DriverException.class,
                            () ->
                                    stream.write(
                                            ByteBuffer.wrap(new byte[] {1}),
                                            List.of(new KeptFile("tap"))));

            assertEquals(FailureKind.NOT_FOUND, failure.failure());
            assertEquals(
                    "The shim of sandbox test@a keeps no file \"tap\": it keeps [].",
                    failure.getMessage());
            assertTrue(peer.isConnected());
        }
    }

    @Test
    public void figuresOfThisProcess() {
        ProcessFigures figures = machine.figures(ProcessHandle.current().pid());

        assertTrue(figures.toString(), figures.pss() > figures.anonymous());
        assertTrue(figures.toString(), figures.anonymous() > 1 << 20);
        assertTrue(figures.toString(), figures.cpu().compareTo(Duration.ofMillis(50)) > 0);
    }

    @Test
    public void processThatHasEndedHasNoFigures() throws Exception {
        Process ended = new ProcessBuilder("true").start();
        ended.waitFor();

        DriverException failure =
                assertThrows(DriverException.class, () -> machine.figures(ended.pid()));

        assertEquals(FailureKind.NOT_FOUND, failure.failure());
    }

    @Test
    public void sweepUnmountsAndDeletesButNothingThatWasMounted() throws Exception {
        Path outside = Files.createDirectories(directory.resolve("outside"));
        Files.writeString(outside.resolve("precious"), "x");
        Path pod = Files.createDirectories(directory.resolve("pod"));
        Path target = Files.createDirectories(pod.resolve("share/c"));
        Files.writeString(pod.resolve("shim.log"), "x");
        assumeTrue(
                "mounting needs root",
                run("mount", "--bind", outside.toString(), target.toString()) == 0);
        try {
            assertTrue(Files.exists(target.resolve("precious")));

            machine.sweep(pod, Optional.empty(), call());

            assertFalse(Files.exists(pod));
            assertTrue(Files.exists(outside.resolve("precious")));
            machine.sweep(pod, Optional.empty(), call());
        } finally {
            run("umount", "-q", target.toString());
        }
    }

    @Test
    public void sweepEndsWhatIsInTheCgroupAndRemovesIt() throws Exception {
        String cgroup = "/hako-test-" + ProcessHandle.current().pid();
        List<Path> groups = cgroups(cgroup);
        assumeTrue("making cgroups needs root", !groups.isEmpty());
        Process process = new ProcessBuilder("sleep", "600").start();
        try {
            for (Path group : groups) {
                Files.writeString(group.resolve("cgroup.procs"), Long.toString(process.pid()));
            }

            machine.sweep(directory.resolve("none"), Optional.of(cgroup), call());

            assertTrue(process.waitFor(10, TimeUnit.SECONDS));
            assertEquals(List.of(), groups.stream().filter(Files::exists).toList());
        } finally {
            process.destroyForcibly().waitFor();
            groups.forEach(group -> group.toFile().delete());
        }
    }

    /**
     * Of each hierarchy that needs no set-up before a process can be put into a new group; none
     * without the rights.
     */
    private static List<Path> cgroups(String name) throws IOException {
        return io.hako.host.linux.MountTable.read().ofType("cgroup", "cgroup2").stream()
                .filter(root -> !Files.exists(root.resolve("cpuset.cpus")))
                .map(root -> root.resolve(name.substring(1)))
                .filter(group -> group.toFile().mkdir())
                .filter(group -> Files.isWritable(group.resolve("cgroup.procs")))
                .toList();
    }

    private static int run(String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(command).inheritIO().start().waitFor();
    }

    private ServerSocketChannel listen(String name) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        return server.bind(UnixDomainSocketAddress.of(directory.resolve(name)));
    }

    private static CallScope call() {
        return CallScope.within(Duration.ofSeconds(20));
    }
}
