// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.junit.Assume.assumeTrue;

import io.hako.api.driver.ProcessSpec;
import io.hako.api.types.Confinement;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.MemorySize;
import io.hako.api.types.OwnerId;
import io.hako.api.types.PassedFile;
import io.hako.host.shim.Shim;
import io.hako.host.shim.ShimEvent;
import io.hako.host.shim.ShimProcess;
import io.hako.host.shim.ShimRegistry;
import io.hako.shim.proto.CreateTaskRequest;
import io.hako.shim.proto.CreateTaskResponse;
import io.hako.shim.proto.Empty;
import io.hako.shim.proto.KillRequest;
import io.hako.shim.proto.ShutdownRequest;
import io.hako.shim.proto.WaitRequest;
import io.hako.shim.proto.WaitResponse;
import io.hako.ttrpc.CallScope;
import io.hako.ttrpc.SocketFrameChannel;
import io.hako.ttrpc.TtrpcClient;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/**
 * The endpoint and the shim's program itself. Runs where -Dhako.native names the directory of the
 * built programs, as root; skipped otherwise.
 */
public class RealShimTest {
    private static final OwnerId OWNER = new OwnerId("test", "a");
    private static final String TASK = "containerd.task.v2.Task";

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    @Rule public final Timeout limit = Timeout.seconds(60);

    private final FakeSandboxes sandboxes = new FakeSandboxes();
    private final ShimRegistry shims = new ShimRegistry();
    private Path run;
    private Path bundle;
    private Optional<ShimEndpoint> endpoint = Optional.empty();
    private Optional<Path> program = Optional.empty();

    @Before
    public void start() throws Exception {
        program =
                Optional.ofNullable(System.getProperty("hako.native"))
                        .map(Path::of)
                        .map(directory -> directory.resolve("containerd-shim-hako-v2"))
                        .filter(Files::isExecutable);
        assumeTrue("the shim is not built", program.isPresent());
        run = folder.getRoot().toPath().resolve("run");
        bundle = folder.newFolder("bundle").toPath();
        Files.writeString(bundle.resolve("config.json"), "{\"ociVersion\":\"1.0.2\"}");
        endpoint = Optional.of(new ShimEndpoint(run, 1, shims, sandboxes));
        assertEquals("unix://" + run.resolve("pods/test@a/shim.sock"), shim("start"));
    }

    @After
    public void stop() throws Exception {
        if (program.isPresent()) {
            shim("delete");
            endpoint.ifPresent(ShimEndpoint::stop);
        }
    }

    @Test
    public void shimIntroducesItself() throws IOException {
        Shim shim = shims.await(OWNER, call());

        assertEquals(bundle, shim.identity().bundle());
        assertEquals(run.resolve("pods/test@a"), shim.identity().podDirectory());
        assertTrue(ProcessHandle.of(shim.identity().pid()).isPresent());
    }

    @Test
    public void processIsLaunchedItsEndIsToldAndItsOutputKept() throws Exception {
        Shim shim = shims.await(OWNER, call());
        BlockingQueue<ShimEvent> events = new LinkedBlockingQueue<>();
        shim.subscribe(events::add);

        ShimProcess launched =
                shim.launch(spec("worker", "echo hello; exit 7"), Shim.Placement.SHIMS_OWN, call());

        assertEquals("worker", launched.role());
        ShimEvent.ProcessExited exited =
                (ShimEvent.ProcessExited) events.poll(20, TimeUnit.SECONDS);
        assertEquals(launched.pid(), exited.process().pid());
        assertEquals(
                Optional.of(new ExitStatus.Exited(7)),
                exited.process().end().map(ShimProcess.End::status));
        assertEquals(
                "hello\n",
                new String(shim.output("worker", call()).newest(), StandardCharsets.UTF_8));
        assertEquals(List.of(exited.process()), shim.processes(call()));
        shim.forget("worker", call());
        assertEquals(List.of(), shim.processes(call()));
    }

    @Test
    public void filesAreKeptByNumberUntilReleased() {
        Shim shim = shims.await(OWNER, call());
        PassedFile memory = new PassedFile.Memfd("memory", MemorySize.ofMebibytes(1));
        ProcessSpec spec =
                new ProcessSpec(
                        "holder",
                        List.of("/bin/sh", "-c", "true"),
                        Map.of(),
                        List.of(memory),
                        Optional.empty(),
                        Confinement.NONE,
                        MemorySize.ofKibibytes(4));
        shim.launch(spec, Shim.Placement.SHIMS_OWN, call());

        Map<String, Integer> kept = shim.kept(call());

        Path held =
                Path.of(
                        "/proc",
                        Integer.toString(shim.identity().pid()),
                        "fd",
                        kept.get("memory").toString());
        assertTrue(held + " is not open", Files.exists(held));
        shim.release("memory", call());
        assertEquals(Map.of(), shim.kept(call()));
    }

    @Test
    public void mountsAreMadeListedAndUndone() {
        Shim shim = shims.await(OWNER, call());
        Path target = run.resolve("pods/test@a/scratch");

        shim.mount("tmpfs", "tmpfs", target, List.of("size=4096"), call());
        shim.mount("tmpfs", "tmpfs", target, List.of("size=4096"), call());
        assertEquals(List.of(target), shim.mounts(run.resolve("pods/test@a"), call()));

        shim.unmount(target, true, call());
        shim.unmount(target, true, call());
        assertEquals(List.of(), shim.mounts(run.resolve("pods/test@a"), call()));
        assertFalse(Files.exists(target));
    }

    @Test
    public void waitOutlivesTheDaemon() throws Exception {
        try (TtrpcClient containerd = connect()) {
            create(containerd);
            CompletableFuture<WaitResponse> exit =
                    CompletableFuture.supplyAsync(
                            () ->
                                    containerd.call(
                                            TASK,
                                            "Wait",
                                            WaitRequest.newBuilder().setId("a").build(),
                                            WaitResponse.parser(),
                                            CallScope.unlimited()),
                            task -> Thread.ofVirtual().start(task));
            awaitWait();

            endpoint.orElseThrow().stop();
            endpoint = Optional.of(new ShimEndpoint(run, 2, shims, sandboxes));

            awaitWait();
            KillRequest kill = KillRequest.newBuilder().setId("a").setSignal(9).build();
            containerd.call(TASK, "Kill", kill, Empty.parser(), call());
            assertEquals(137, exit.get().getExitStatus());
        }
    }

    @Test
    public void shutdownEndsTheShim() throws Exception {
        Shim shim = shims.await(OWNER, call());
        ProcessHandle process = ProcessHandle.of(shim.identity().pid()).orElseThrow();
        sandboxes.onQuit(() -> shim.quit(call()));

        try (TtrpcClient containerd = connect()) {
            containerd.call(
                    TASK,
                    "Shutdown",
                    ShutdownRequest.newBuilder().setId("a").build(),
                    Empty.parser(),
                    call());
        }

        process.onExit().get(20, TimeUnit.SECONDS);
        assertFalse(process.isAlive());
    }

    /** Until the sandboxes have been asked to wait, once more than before. */
    private void awaitWait() throws InterruptedException {
        Optional<String> next = Optional.empty();
        while (!next.equals(Optional.of("await a"))) {
            next =
                    Optional.of(
                            Optional.ofNullable(sandboxes.calls().poll(20, TimeUnit.SECONDS))
                                    .orElseThrow(AssertionError::new));
        }
    }

    private void create(TtrpcClient containerd) {
        CreateTaskRequest create =
                CreateTaskRequest.newBuilder().setId("a").setBundle(bundle.toString()).build();
        assertEquals(
                FakeSandboxes.PID,
                containerd
                        .call(TASK, "Create", create, CreateTaskResponse.parser(), call())
                        .getPid());
    }

    private TtrpcClient connect() throws IOException {
        SocketChannel socket =
                SocketChannel.open(
                        UnixDomainSocketAddress.of(run.resolve("pods/test@a/shim.sock")));
        return new TtrpcClient("the shim", new SocketFrameChannel("containerd", socket), () -> {});
    }

    /** Runs the shim's command line in the bundle; what it prints, of {@code start} alone. */
    private String shim(String action) throws IOException, InterruptedException {
        ProcessBuilder command =
                new ProcessBuilder(
                                program.orElseThrow().toString(),
                                "-namespace",
                                "test",
                                "-id",
                                "a",
                                "-address",
                                "",
                                "-publish-binary",
                                "",
                                action)
                        .directory(bundle.toFile())
                        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                        .redirectError(ProcessBuilder.Redirect.INHERIT);
        command.environment().put("HAKO_RUN_DIR", run.toString());
        Process process = command.start();
        byte[] said = process.getInputStream().readAllBytes();
        assertEquals(0, process.waitFor());
        return new String(said, StandardCharsets.UTF_8);
    }

    private static ProcessSpec spec(String role, String script) {
        return new ProcessSpec(
                role,
                List.of("/bin/sh", "-c", script),
                Map.of(),
                List.of(),
                Optional.empty(),
                Confinement.NONE,
                MemorySize.ofKibibytes(4));
    }

    private static CallScope call() {
        return CallScope.within(Duration.ofSeconds(20));
    }
}
