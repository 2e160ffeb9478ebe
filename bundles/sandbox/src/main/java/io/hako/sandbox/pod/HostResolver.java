// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.DriverException;
import io.hako.guest.GuestNetwork.Resolver;
import io.hako.host.NetworkState.Prefix;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** This host's resolv.conf(5), as a guest can use it. */
final class HostResolver {
    /**
     * Where systemd-resolved has the real name servers while the first names only its own listener
     * on the loopback.
     */
    private static final List<Path> FILES =
            List.of(Path.of("/etc/resolv.conf"), Path.of("/run/systemd/resolve/resolv.conf"));

    private HostResolver() {}

    /**
     * Of the first file that names a server which can be reached from elsewhere; without one, no
     * servers.
     */
    static Resolver read() {
        List<Resolver> found = FILES.stream().map(HostResolver::read).toList();
        return found.stream()
                .filter(resolver -> !resolver.nameservers().isEmpty())
                .findFirst()
                .orElse(found.getFirst());
    }

    static Resolver read(Path file) {
        try {
            return parse(new String(Files.readAllBytes(file), StandardCharsets.UTF_8));
        } catch (IOException e) { // a host without one resolves nothing, and neither does its guest
            return Resolver.NONE;
        }
    }

    /** The last "search" or "domain" counts, "options" add up (resolv.conf(5)). */
    static Resolver parse(String text) {
        List<String> nameservers = new ArrayList<>();
        List<String> searches = List.of();
        List<String> options = new ArrayList<>();
        for (String line : text.lines().toList()) {
            List<String> words = Arrays.asList(line.strip().split("\\s+"));
            List<String> values = words.subList(1, words.size());
            switch (words.getFirst()) {
                case "nameserver" ->
                        values.stream()
                                .limit(1)
                                .filter(HostResolver::reachable)
                                .forEach(nameservers::add);
                case "search", "domain" -> searches = values;
                case "options" -> options.addAll(values);
                default -> {} // a comment, or the host's own affair such as sortlist
            }
        }
        return new Resolver(nameservers, searches, options);
    }

    /**
     * From within a guest: neither the host's loopback nor an address that only one of the host's
     * links gives a meaning.
     */
    private static boolean reachable(String address) {
        try {
            return !address.contains("%") && !Prefix.of(address).address().isLoopbackAddress();
        } catch (DriverException e) {
            return false;
        }
    }
}
