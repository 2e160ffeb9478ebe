// SPDX-License-Identifier: Apache-2.0
package io.hako.fake.node;

import io.hako.api.host.Link;
import io.hako.api.host.Links;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MacAddress;
import io.hako.api.types.NetworkNamespace;
import io.hako.fake.Faults;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** One network namespace in memory. */
final class FakeLinks {
    private final NetworkNamespace network;
    private final Map<String, Link> links = new TreeMap<>();
    private final Map<String, String> redirects = new HashMap<>();
    private int lastIndex;

    FakeLinks(NetworkNamespace network) {
        this.network = network;
        add("lo", "", Optional.empty());
    }

    synchronized void add(String name, String type, Optional<MacAddress> mac) {
        links.put(name, new Link(name, ++lastIndex, type, mac, 1500, false));
    }

    /** What is not as it was when the links were added. */
    synchronized List<String> effects() {
        Stream<String> taps =
                links.values().stream()
                        .filter(link -> link.type().equals("tun"))
                        .map(link -> "link %s in %s".formatted(link.name(), network));
        Stream<String> redirected =
                redirects.keySet().stream()
                        .map(name -> "redirect on %s in %s".formatted(name, network));
        return Stream.concat(taps, redirected).sorted().toList();
    }

    /** Takes every effect away, as the daemon does from its journal. */
    synchronized void undo() {
        redirects.clear();
        links.values().removeIf(link -> link.type().equals("tun"));
    }

    private synchronized Link required(String name) {
        return find(name)
                .orElseThrow(
                        () ->
                                new DriverException(
                                        FailureKind.NOT_FOUND,
                                        "There is no interface %s in network namespace %s."
                                                .formatted(name, network)));
    }

    private synchronized Optional<Link> find(String name) {
        return Optional.ofNullable(links.get(name));
    }

    private synchronized List<Link> list() {
        return List.copyOf(links.values());
    }

    private synchronized void change(String name, UnaryOperator<Link> change) {
        links.put(name, change.apply(required(name)));
    }

    private synchronized void createTap(String name) {
        Optional<Link> there = find(name);
        if (there.isPresent() && !there.get().type().equals("tun")) {
            throw new DriverException(
                    FailureKind.ALREADY_EXISTS,
                    "The tap %s cannot be made: network namespace %s has another interface of that name."
                            .formatted(name, network));
        }
        if (there.isEmpty()) {
            add(name, "tun", Optional.empty());
        }
    }

    private synchronized void delete(String name) {
        links.remove(name);
        redirects.entrySet().removeIf(e -> e.getKey().equals(name) || e.getValue().equals(name));
    }

    private synchronized void redirect(String one, String other) {
        required(one);
        required(other);
        redirects.put(one, other);
        redirects.put(other, one);
    }

    private synchronized void stopRedirect(String name) {
        redirects.remove(name);
    }

    /** This namespace, as a driver sees it: each change is a step that can fail. */
    Links seenBy(Faults faults) {
        return new View(faults);
    }

    private final class View implements Links {
        private final Faults faults;

        private View(Faults faults) {
            this.faults = faults;
        }

        @Override
        public List<Link> list(Call call) {
            call.checkCancelled();
            return FakeLinks.this.list();
        }

        @Override
        public Optional<Link> find(String name, Call call) {
            call.checkCancelled();
            return FakeLinks.this.find(name);
        }

        @Override
        public void createTap(String name, int queues, Call call) {
            step("create tap " + name, call);
            FakeLinks.this.createTap(name);
        }

        @Override
        public void delete(String name, Call call) {
            step("delete link " + name, call);
            FakeLinks.this.delete(name);
        }

        @Override
        public void setUp(String name, boolean up, Call call) {
            step("set link " + name + (up ? " up" : " down"), call);
            change(name, l -> new Link(l.name(), l.index(), l.type(), l.mac(), l.mtu(), up));
        }

        @Override
        public void setMtu(String name, int mtu, Call call) {
            step("set mtu of link " + name, call);
            change(name, l -> new Link(l.name(), l.index(), l.type(), l.mac(), mtu, l.up()));
        }

        @Override
        public void setMac(String name, MacAddress mac, Call call) {
            step("set mac of link " + name, call);
            change(
                    name,
                    l ->
                            new Link(
                                    l.name(),
                                    l.index(),
                                    l.type(),
                                    Optional.of(mac),
                                    l.mtu(),
                                    l.up()));
        }

        @Override
        public void redirect(String one, String other, Call call) {
            step("redirect " + one + " and " + other, call);
            FakeLinks.this.redirect(one, other);
        }

        @Override
        public void stopRedirect(String name, Call call) {
            step("stop redirect of " + name, call);
            FakeLinks.this.stopRedirect(name);
        }

        private void step(String what, Call call) {
            call.checkCancelled();
            faults.pass(what);
        }
    }
}
