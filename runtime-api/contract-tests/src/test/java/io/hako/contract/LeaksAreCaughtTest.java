// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Finding;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.Settings;
import io.hako.api.network.NetworkAttachment;
import io.hako.api.network.NetworkModel;
import io.hako.api.network.NetworkProfile;
import io.hako.api.network.NetworkSource;
import io.hako.api.types.Call;
import io.hako.fake.FakeNetworkModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.After;
import org.junit.Test;
import org.junit.runner.JUnitCore;
import org.junit.runner.notification.Failure;

/**
 * Each way in which a driver can keep its own classes fails the kit's tests of it, and no other.
 */
public class LeaksAreCaughtTest {
    private static final String READER = "leaks-in-read";
    private static final Set<String> LEAK_TESTS =
            Set.of("aReleasedHandleKeepsNoClass", "aDestroyedHandleKeepsNoClass");

    @After
    public void endReaders() {
        Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals(READER))
                .forEach(Thread::interrupt);
    }

    @Test
    public void aParkedVirtualThread() throws Exception {
        assertCaught(
                ParksAVirtualThread.class,
                "threads run " + ParkedUntilTheWorkspaceIsGone.class.getName() + ".run(");
    }

    @Test
    public void aThreadThatIsBlockedInARead() throws Exception {
        assertCaught(BlocksInRead.class, "threads run " + Blocked.class.getName() + ".run(");
    }

    @Test
    public void aThreadLocalOfItsCallersThread() throws Exception {
        assertCaught(LeavesAThreadLocal.class, "no thread runs them");
    }

    @Test
    public void aShutdownHook() throws Exception {
        assertCaught(LeavesAShutdownHook.class, "no thread runs them");
    }

    private static void assertCaught(Class<?> contract, String named) throws Exception {
        List<Failure> failures = failures(contract);
        assertEquals(
                LEAK_TESTS,
                failures.stream()
                        .map(failure -> failure.getDescription().getMethodName())
                        .collect(Collectors.toSet()));
        failures.forEach(
                failure -> assertTrue(failure.getMessage(), failure.getMessage().contains(named)));
    }

    /** On a thread of its own, with which what a driver leaves there goes. */
    private static List<Failure> failures(Class<?> contract) throws Exception {
        FutureTask<List<Failure>> run =
                new FutureTask<>(() -> new JUnitCore().run(contract).getFailures());
        Thread.ofPlatform().daemon().start(run);
        return run.get();
    }

    public static final class ParksAVirtualThread extends FakeNetworkModelContractTest {
        @Override
        protected NetworkModel newDriver() {
            return new Leaking(
                    context ->
                            Thread.ofVirtual()
                                    .start(new ParkedUntilTheWorkspaceIsGone(context.workspace())));
        }
    }

    private record ParkedUntilTheWorkspaceIsGone(Path workspace) implements Runnable {
        @Override
        public void run() {
            while (Files.exists(workspace)) {
                LockSupport.parkNanos(this, Duration.ofMillis(100).toNanos());
            }
        }
    }

    public static final class BlocksInRead extends FakeNetworkModelContractTest {
        @Override
        protected NetworkModel newDriver() {
            return new Leaking(
                    context -> Thread.ofPlatform().daemon().name(READER).start(new Blocked()));
        }
    }

    private static final class Blocked implements Runnable {
        @Override
        public void run() {
            try {
                Pipe pipe = Pipe.open();
                try (var sink = pipe.sink();
                        var source = pipe.source()) {
                    source.read(ByteBuffer.allocate(1));
                }
            } catch (IOException e) {
                // Interrupted: the test is over.
            }
        }
    }

    public static final class LeavesAThreadLocal extends FakeNetworkModelContractTest {
        private static final ThreadLocal<Object> LAST = new ThreadLocal<>();

        @Override
        protected NetworkModel newDriver() {
            return new Leaking(context -> LAST.set(new Blocked()));
        }
    }

    public static final class LeavesAShutdownHook extends FakeNetworkModelContractTest {
        @Override
        protected NetworkModel newDriver() {
            return new Leaking(
                    context -> Runtime.getRuntime().addShutdownHook(new Thread(new Nothing())));
        }
    }

    private static final class Nothing implements Runnable {
        @Override
        public void run() {}
    }

    /** The fake, which also leaves something behind. */
    private record Leaking(Consumer<DriverContext> leak) implements NetworkModel {
        @Override
        public NetworkProfile profile(Settings settings) {
            return new FakeNetworkModel().profile(settings);
        }

        @Override
        public List<Finding> probe(Settings settings, Call call) {
            return new FakeNetworkModel().probe(settings, call);
        }

        @Override
        public NetworkAttachment connect(NetworkSource source, DriverContext context, Call call) {
            NetworkAttachment made = new FakeNetworkModel().connect(source, context, call);
            leak.accept(context);
            return made;
        }

        @Override
        public NetworkAttachment adopt(HandleState state, DriverContext context, Call call) {
            return new FakeNetworkModel().adopt(state, context, call);
        }
    }
}
