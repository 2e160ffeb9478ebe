// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import static org.junit.Assert.assertEquals;

import io.hako.api.types.OwnerId;
import io.hako.host.shim.Shim;
import io.hako.host.shim.ShimRegistry;
import io.hako.host.shim.Shims;
import io.hako.shim.proto.CreateTaskRequest;
import io.hako.shim.proto.CreateTaskResponse;
import io.hako.shim.proto.Mount;
import io.hako.ttrpc.CallScope;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.rules.ExternalResource;
import org.junit.rules.TemporaryFolder;

/**
 * An endpoint on a socket of its own, between shims that are played and sandboxes that exist in
 * memory.
 */
final class RunningEndpoint extends ExternalResource {
    static final long EPOCH = 3;
    static final OwnerId OWNER = new OwnerId("test", "a");

    private final TemporaryFolder folder = new TemporaryFolder();
    private final FakeSandboxes sandboxes = new FakeSandboxes();
    private final ShimRegistry shims = new ShimRegistry();
    private final BlockingQueue<String> comings = new LinkedBlockingQueue<>();
    private final List<FakeShim> linked = new ArrayList<>();
    private Optional<ShimEndpoint> endpoint = Optional.empty();

    @Override
    protected void before() throws IOException {
        folder.create();
        endpoint = Optional.of(new ShimEndpoint(run(), EPOCH, shims, sandboxes));
        shims.listen(
                new Shims.Listener() {
                    @Override
                    public void appeared(Shim shim) {
                        comings.add("+" + shim.identity().owner());
                    }

                    @Override
                    public void lost(Shim shim) {
                        comings.add("-" + shim.identity().owner());
                    }
                });
    }

    @Override
    protected void after() {
        stop();
        linked.forEach(FakeShim::close);
        folder.delete();
    }

    /** As the component's deactivation does. */
    void stop() {
        endpoint.ifPresent(ShimEndpoint::stop);
    }

    Path run() {
        return folder.getRoot().toPath().resolve("run");
    }

    FakeSandboxes sandboxes() {
        return sandboxes;
    }

    ShimRegistry shims() {
        return shims;
    }

    /** Which sandboxes' shims came (+) and went (-). */
    BlockingQueue<String> comings() {
        return comings;
    }

    /** A shim of sandbox "a" whose link is up. */
    FakeShim link() throws IOException {
        FakeShim shim = FakeShim.linked(run(), FakeShim.hello("a"), EPOCH);
        linked.add(shim);
        return shim;
    }

    /** containerd has the shim make container "a", over connection 1. */
    static void create(FakeShim shim, String service) {
        CreateTaskRequest create =
                CreateTaskRequest.newBuilder()
                        .setId("a")
                        .setBundle("/bundles/a")
                        .addRootfs(
                                Mount.newBuilder()
                                        .setType("overlay")
                                        .setSource("overlay")
                                        .addOptions("lowerdir=/l"))
                        .setStdin("/f/a-in")
                        .setStdout("/f/a-out")
                        .setStderr("/f/a-err")
                        .build();
        CreateTaskResponse answer =
                shim.ask(1, service, "Create", create, CreateTaskResponse.parser());
        assertEquals(FakeSandboxes.PID, answer.getPid());
    }

    static <T> CompletableFuture<T> inBackground(Supplier<T> work) {
        return CompletableFuture.supplyAsync(work, task -> Thread.ofVirtual().start(task));
    }

    static CallScope call() {
        return CallScope.within(Duration.ofSeconds(20));
    }

    static <T> T take(BlockingQueue<T> queue) throws InterruptedException {
        return Optional.ofNullable(queue.poll(20, TimeUnit.SECONDS))
                .orElseThrow(AssertionError::new);
    }
}
