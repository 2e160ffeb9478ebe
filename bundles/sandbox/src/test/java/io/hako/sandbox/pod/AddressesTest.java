// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import io.hako.host.NetworkState;
import io.hako.host.NetworkState.Prefix;
import io.hako.settings.Ipv4Range;
import io.hako.state.Entry;
import io.hako.state.JournalObserver;
import io.hako.state.SandboxJournal;
import io.hako.state.StateStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class AddressesTest {
    private static final NetworkState LONELY =
            new NetworkState(List.of(), List.of(), List.of(), List.of());

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private final List<SandboxJournal> pods = new ArrayList<>();
    private StateStore store;

    @Before
    public void makeStore() {
        store = new StateStore(folder.getRoot().toPath(), JournalObserver.NONE);
    }

    @Test
    public void everyPodGetsAPairOfItsOwnUntilNoneIsFree() {
        Addresses addresses = addresses("10.9.8.0/29");
        Set<LinkAddresses> given = new HashSet<>();
        for (int i = 0; i < 4; i++) {
            given.add(claim(addresses, "pod" + i, LONELY));
        }
        assertEquals(
                Set.of(
                        pair("10.9.8.0", "10.9.8.1"),
                        pair("10.9.8.2", "10.9.8.3"),
                        pair("10.9.8.4", "10.9.8.5"),
                        pair("10.9.8.6", "10.9.8.7")),
                given);
        DriverException none =
                assertThrows(DriverException.class, () -> claim(addresses, "pod4", LONELY));
        assertEquals(FailureKind.EXHAUSTED, none.failure());
        assertTrue(
                none.getMessage(),
                none.getMessage()
                        .startsWith(
                                "No address in 10.9.8.0/29 is free for a pod: pods have 4 of its 4 pairs"));
    }

    @Test
    public void whatAPodHadIsFreeOnceItIsUndone() {
        Addresses addresses = addresses("10.9.8.0/31");
        claim(addresses, "one", LONELY);
        pods.getFirst().effects(HostEffects.POD).undone("veth", "hako-one");
        assertEquals(pair("10.9.8.0", "10.9.8.1"), claim(addresses, "two", LONELY));
    }

    @Test
    public void whatTheHostReachesElsewhereIsLeftOut() {
        NetworkState host =
                new NetworkState(
                        List.of(),
                        List.of(
                                new NetworkState.Address("lan", Prefix.of("10.9.8.130/25")),
                                new NetworkState.Address("vpn", Prefix.of("10.9.8.1"))),
                        List.of(
                                route("10.9.8.64/26"),
                                NetworkState.Route.byDefault(
                                        Prefix.of("10.9.8.129").address(), "lan"),
                                route("10.9.8.32/27"),
                                route("10.9.8.16/28"),
                                route("10.9.8.8/29"),
                                route("10.9.8.4/30")),
                        List.of());
        assertEquals(pair("10.9.8.2", "10.9.8.3"), claim(addresses("10.9.8.0/24"), "pod", host));
    }

    private static NetworkState.Route route(String destination) {
        return new NetworkState.Route(
                Optional.of(Prefix.of(destination)),
                Optional.empty(),
                Optional.empty(),
                "lan",
                253,
                0,
                0,
                false,
                false);
    }

    private static LinkAddresses pair(String host, String pod) {
        return new LinkAddresses(Prefix.of(host + "/31"), Prefix.of(pod + "/31"));
    }

    private Addresses addresses(String range) {
        return new Addresses(
                Ipv4Range.parse(range), () -> pods.stream().map(SandboxJournal::record));
    }

    private LinkAddresses claim(Addresses addresses, String id, NetworkState host) {
        OwnerId owner = new OwnerId("hako", id);
        SandboxJournal journal =
                store.create(
                        owner,
                        new Entry.Sandbox(Entry.SCHEMA, "hako", id, "/b", "c0ffee", Instant.EPOCH));
        pods.add(journal);
        return addresses.claim(
                owner,
                host,
                chosen ->
                        journal.effects(HostEffects.POD)
                                .begin("veth", "hako-" + id, chosen.toString()));
    }
}
