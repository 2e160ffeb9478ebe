// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.NetworkNamespace;
import io.hako.host.NetworkState.Address;
import io.hako.host.NetworkState.Prefix;
import io.hako.ttrpc.CallScope;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/** In two network namespaces of the test's own; needs root. */
public class NetworkWatchTest {
    private static final int MOST_SECONDS = 20;

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    @Rule public final Timeout limit = Timeout.seconds(60);

    @Rule public final HeldNamespace one = new HeldNamespace();

    @Rule public final HeldNamespace other = new HeldNamespace();

    private final Semaphore told = new Semaphore(0);
    private LinuxMachine machine;

    @Before
    public void start() {
        machine = new LinuxMachine(folder.getRoot().toPath());
    }

    @After
    public void stop() {
        machine.stop();
    }

    @Test
    public void aChangeInTheNamespaceIsTold() throws Exception {
        try (NetworkWatch watch = machine.watch(one.network(), told::release, call())) {
            for (String change :
                    new String[] {
                        "link add dummy0 type veth peer name dummy1",
                        "link set dummy0 up mtu 1400",
                        "address add 10.1.0.2/24 dev dummy0",
                        "address add fd00:1::2/64 dev dummy0 nodad",
                        "route add 10.2.0.0/16 via 10.1.0.1",
                        "route add fd00:2::/64 via fd00:1::1",
                        "neighbor add 10.1.0.1 lladdr 02:00:00:00:00:01 dev dummy0 nud permanent",
                    }) {
                quiet();
                assertEquals("", one.run(("ip " + change).split(" ")));
                assertTrue(change, told.tryAcquire(MOST_SECONDS, TimeUnit.SECONDS));
            }
        }
    }

    @Test
    public void eachWatchHearsOfItsNamespaceAlone() throws Exception {
        Semaphore elsewhere = new Semaphore(0);
        try (NetworkWatch here = machine.watch(one.network(), told::release, call());
                NetworkWatch there = machine.watch(other.network(), elsewhere::release, call())) {
            machine.links(other.network()).setUp("lo", true, call());
            assertTrue(elsewhere.tryAcquire(MOST_SECONDS, TimeUnit.SECONDS));
            assertEquals(0, told.availablePermits());
        }
    }

    @Test
    public void whatChangesFasterThanItIsReadIsToldAllTheSame() throws Exception {
        Semaphore go = new Semaphore(0);
        Semaphore busy = new Semaphore(0);
        try (NetworkWatch held =
                        machine.watch(
                                other.network(),
                                () -> {
                                    busy.release();
                                    go.acquireUninterruptibly();
                                },
                                call());
                NetworkWatch watch = machine.watch(one.network(), told::release, call())) {
            machine.links(other.network()).setUp("lo", true, call());
            assertTrue(busy.tryAcquire(MOST_SECONDS, TimeUnit.SECONDS));
            // More than a socket's buffer holds (net.core.rmem_default): the kernel drops the rest.
            String flood =
                    "for i in $(seq 1500); do echo address add 10.1.$((i/250)).$((i%250)) dev lo; done";
            assertEquals("", one.run("sh", "-c", "(" + flood + ") | ip -batch -"));
            go.release(MOST_SECONDS);
            assertTrue(told.tryAcquire(MOST_SECONDS, TimeUnit.SECONDS));
            quiet();
            machine.network(one.network())
                    .addAddress(new Address("lo", Prefix.of("10.9.0.1/32")), call());
            assertTrue("it is told of later ones", told.tryAcquire(MOST_SECONDS, TimeUnit.SECONDS));
        }
    }

    @Test
    public void whoeverHasEndedItsWatchHearsNothing() throws Exception {
        NetworkWatch watch = machine.watch(one.network(), told::release, call());
        Semaphore later = new Semaphore(0);
        try (NetworkWatch next = machine.watch(one.network(), later::release, call())) {
            watch.close();
            watch.close();
            machine.links(one.network()).setUp("lo", true, call());
            assertTrue(later.tryAcquire(MOST_SECONDS, TimeUnit.SECONDS));
            assertEquals(0, told.availablePermits());
        }
    }

    @Test
    public void aNamespaceThatIsNotThereIsNotFound() {
        NetworkNamespace none = new NetworkNamespace(Path.of("/run/netns/there-is-none"));
        DriverException failure =
                assertThrows(
                        DriverException.class, () -> machine.watch(none, told::release, call()));
        assertEquals(FailureKind.NOT_FOUND, failure.failure());
    }

    /** Several messages may come of one change, one after the other. */
    private void quiet() throws InterruptedException {
        while (told.tryAcquire(100, TimeUnit.MILLISECONDS)) {
            told.drainPermits();
        }
    }

    private static Call call() {
        return CallScope.within(Duration.ofSeconds(MOST_SECONDS));
    }
}
