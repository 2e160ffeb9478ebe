// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;
import static org.junit.Assume.assumeTrue;

import io.hako.api.host.Link;
import io.hako.api.host.Links;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MacAddress;
import io.hako.api.types.NetworkNamespace;
import io.hako.ttrpc.CallScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/** In a network namespace of the test's own; needs root. */
public class NetlinkLinksTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    @Rule public final Timeout limit = Timeout.seconds(60);

    @Rule public final HeldNamespace held = new HeldNamespace();

    private LinuxMachine machine;
    private Links links;

    @Before
    public void start() {
        machine = new LinuxMachine(folder.getRoot().toPath());
        links = machine.links(held.network());
    }

    @After
    public void stop() {
        machine.stop();
    }

    @Test
    public void emptyNamespaceHasItsLoopbackAlone() {
        List<Link> all = links.list(call());

        assertEquals(List.of("lo"), all.stream().map(Link::name).toList());
        assertEquals(Optional.empty(), links.find("eth0", call()));
    }

    @Test
    public void tapIsMadeSetUpAndTakenAway() {
        links.createTap("tap0", 1, call());
        links.createTap("tap0", 1, call());
        links.setMtu("tap0", 1400, call());
        links.setMac("tap0", new MacAddress("02:00:00:00:00:05"), call());
        links.setUp("tap0", true, call());

        Link tap = links.find("tap0", call()).orElseThrow();
        assertEquals("tun", tap.type());
        assertEquals(1400, tap.mtu());
        assertEquals(Optional.of(new MacAddress("02:00:00:00:00:05")), tap.mac());
        assertTrue(tap.up());

        links.setUp("tap0", false, call());
        assertEquals(Optional.of(false), links.find("tap0", call()).map(Link::up));
        links.delete("tap0", call());
        links.delete("tap0", call());
        assertEquals(Optional.empty(), links.find("tap0", call()));
    }

    @Test
    public void tapMayHaveSeveralQueues() {
        links.createTap("tap0", 4, call());

        assertEquals(Optional.of("tun"), links.find("tap0", call()).map(Link::type));
    }

    @Test
    public void tapWithTheNameOfAnotherKindIsRefused() {
        DriverException failure =
                assertThrows(DriverException.class, () -> links.createTap("lo", 1, call()));

        assertEquals(FailureKind.ALREADY_EXISTS, failure.failure());
    }

    @Test
    public void redirectJoinsTwoInterfacesBothWaysAndCanBeSetAgain() throws Exception {
        assumeTrue("tc is not there", Files.exists(Path.of("/sbin/tc")));
        links.createTap("one", 1, call());
        links.createTap("two", 1, call());

        links.redirect("one", "two", call());
        links.redirect("one", "two", call());

        String one = filters("one");
        assertEquals(one, 1, one.split("mirred", -1).length - 1);
        assertTrue(one, one.contains("Egress Redirect to device two"));
        assertTrue(one, one.contains("match 00000000/00000000"));
        assertTrue(filters("two").contains("Egress Redirect to device one"));

        links.stopRedirect("one", call());
        links.stopRedirect("one", call());
        assertEquals("", filters("one"));
    }

    @Test
    public void redirectFollowsAnInterfaceThatWasMadeAnew() throws Exception {
        assumeTrue("tc is not there", Files.exists(Path.of("/sbin/tc")));
        links.createTap("one", 1, call());
        links.createTap("two", 1, call());
        links.redirect("one", "two", call());
        links.delete("two", call());
        links.createTap("two", 1, call());

        links.redirect("one", "two", call());

        assertTrue(filters("one"), filters("one").contains("Egress Redirect to device two"));
    }

    @Test
    public void unknownInterfaceIsNotFound() {
        DriverException failure =
                assertThrows(DriverException.class, () -> links.setUp("eth9", true, call()));

        assertEquals(FailureKind.NOT_FOUND, failure.failure());
        assertTrue(
                failure.getMessage(),
                failure.getMessage().startsWith("There is no interface eth9 in /proc/"));
    }

    @Test
    public void missingNamespaceIsNotFound() {
        NetworkNamespace none = new NetworkNamespace(Path.of("/run/netns/hako-none"));

        DriverException failure =
                assertThrows(DriverException.class, () -> machine.links(none).list(call()));

        assertEquals(FailureKind.NOT_FOUND, failure.failure());
        assertEquals(
                "There is no network namespace at /run/netns/hako-none.", failure.getMessage());
    }

    @Test
    public void fileThatIsNoNamespaceIsNotFound() throws IOException {
        NetworkNamespace file = new NetworkNamespace(folder.newFile("file").toPath());

        assertEquals(
                FailureKind.NOT_FOUND,
                assertThrows(DriverException.class, () -> machine.links(file).list(call()))
                        .failure());
    }

    @Test
    public void theDaemonsOwnNamespaceIsNotTouched() throws IOException {
        NetworkNamespace own = new NetworkNamespace(Path.of("/proc/self/ns/net"));
        links.createTap("hako-test-tap", 1, call());

        assertEquals(Optional.empty(), machine.links(own).find("hako-test-tap", call()));
    }

    private String filters(String name) throws Exception {
        return held.run("tc", "filter", "show", "dev", name, "parent", "ffff:");
    }

    private static CallScope call() {
        return CallScope.within(Duration.ofSeconds(20));
    }
}
