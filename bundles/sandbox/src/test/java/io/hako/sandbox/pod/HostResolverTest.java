// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static org.junit.Assert.assertEquals;

import io.hako.guest.GuestNetwork.Resolver;
import java.nio.file.Path;
import java.util.List;
import org.junit.Test;

public class HostResolverTest {
    @Test
    public void serversSearchListAndOptionsAreTaken() {
        assertEquals(
                new Resolver(
                        List.of("10.0.0.53", "fd00::53"),
                        List.of("a.example", "b.example"),
                        List.of("ndots:2", "rotate")),
                HostResolver.parse(
                        """
                        # of the host
                        nameserver 10.0.0.53
                        domain old.example
                        nameserver\tfd00::53
                        search a.example b.example
                        options ndots:2
                        options rotate
                        sortlist 10.0.0.0
                        """));
    }

    @Test
    public void aServerThatOnlyTheHostItselfReachesIsLeftOut() {
        assertEquals(
                Resolver.NONE,
                HostResolver.parse(
                        "nameserver 127.0.0.53\nnameserver ::1\nnameserver fe80::1%eth0\nnameserver\n"));
    }

    @Test
    public void aHostWithoutTheFileResolvesNothing() {
        assertEquals(Resolver.NONE, HostResolver.read(Path.of("/nonexistent/resolv.conf")));
    }
}
