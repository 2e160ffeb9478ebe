// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import io.hako.host.NetworkState;
import io.hako.host.NetworkState.Prefix;
import io.hako.settings.Ipv4Range;
import io.hako.state.SandboxRecord;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Gives out the addresses of a range, two neighbours for each pod. What is taken is what the pods'
 * journals say, so no list of it can go wrong; what this host has an address in or a route to is
 * left out as well, be it another daemon's. Thread-safe.
 */
final class Addresses {
    private final Ipv4Range range;
    private final Supplier<Stream<SandboxRecord>> pods;
    private final ReentrantLock lock = new ReentrantLock();

    /**
     * @param pods the records of all pods of this node
     */
    Addresses(Ipv4Range range, Supplier<Stream<SandboxRecord>> pods) {
        this.range = range;
        this.pods = pods;
    }

    /**
     * Chooses two addresses for a pod. Where the search begins depends on the pod, so that
     * addresses are not used again at once.
     *
     * @param host this host's namespace
     * @param journal writes the choice into the pod's journal; nobody else chooses meanwhile
     * @throws DriverException EXHAUSTED if none are free
     */
    LinkAddresses claim(OwnerId owner, NetworkState host, Consumer<LinkAddresses> journal) {
        lock.lock();
        try {
            LinkAddresses chosen = choose(owner, foreign(host));
            journal.accept(chosen);
            return chosen;
        } finally {
            lock.unlock();
        }
    }

    private LinkAddresses choose(OwnerId owner, List<Prefix> foreign) {
        Set<LinkAddresses> taken =
                new HashSet<>(pods.get().flatMap(HostEffects::linkAddresses).toList());
        long pairs = range.size() / 2;
        long first = Math.floorMod(owner.toString().hashCode(), pairs);
        for (long i = 0; i < pairs; i++) {
            LinkAddresses candidate = pair((first + i) % pairs);
            if (!taken.contains(candidate)
                    && foreign.stream()
                            .noneMatch(prefix -> holds(prefix, candidate.host().address()))) {
                return candidate;
            }
        }
        throw new DriverException(
                FailureKind.EXHAUSTED,
                "No address in %s is free for a pod: pods have %d of its %d pairs, and this host has addresses in or routes to the rest: set range in [veth] to another one."
                        .formatted(range, taken.size(), pairs));
    }

    private LinkAddresses pair(long number) {
        return new LinkAddresses(
                new Prefix(range.address(2 * number), LinkAddresses.PREFIX_LENGTH),
                new Prefix(range.address(2 * number + 1), LinkAddresses.PREFIX_LENGTH));
    }

    /** Networks that this host is in, or has a route to. */
    private static List<Prefix> foreign(NetworkState host) {
        Stream<Prefix> own =
                host.addresses().stream()
                        .map(NetworkState.Address::prefix)
                        .map(Addresses::atLeastAPair);
        Stream<Prefix> routes =
                host.routes().stream()
                        .flatMap(route -> route.destination().stream())
                        .map(Addresses::atLeastAPair);
        return Stream.concat(own, routes)
                .filter(prefix -> prefix.address() instanceof Inet4Address)
                .toList();
    }

    /** A single address takes its neighbour with it. */
    private static Prefix atLeastAPair(Prefix prefix) {
        return new Prefix(prefix.address(), Math.min(prefix.length(), LinkAddresses.PREFIX_LENGTH));
    }

    private static boolean holds(Prefix network, InetAddress address) {
        byte[] one = network.address().getAddress();
        byte[] other = address.getAddress();
        for (int bit = 0; bit < network.length(); bit++) {
            int mask = 0x80 >> bit % Byte.SIZE;
            if (((one[bit / Byte.SIZE] ^ other[bit / Byte.SIZE]) & mask) != 0) {
                return false;
            }
        }
        return true;
    }
}
