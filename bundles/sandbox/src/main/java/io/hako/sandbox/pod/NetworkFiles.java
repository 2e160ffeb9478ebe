// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.GuestPath;
import io.hako.ocispec.OciSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The files in which a container's programs look up names, where hako made its network; whoever
 * brings a network of his own brings these too. The agent writes resolv.conf, the rest is bound
 * beside the container's rootfs.
 */
record NetworkFiles(Pod pod, OciSpec spec) {
    private static final GuestPath RESOLVER = new GuestPath("/etc/resolv.conf");

    /**
     * Where the guest has each of them.
     *
     * @param directory the container's, in the guest
     */
    Map<String, GuestPath> inGuest(GuestPath directory) {
        if (!NetworkDemand.madeByHako(spec)) {
            return Map.of();
        }
        return Map.of(
                "/etc/resolv.conf", RESOLVER,
                "/etc/hosts", directory.resolve("hosts"),
                "/etc/hostname", directory.resolve("hostname"));
    }

    /**
     * Writes those that the agent does not, where no guest can put a link in their place.
     *
     * @return what the container is to see, by their own names
     */
    List<Path> write(String slot, String container) {
        if (!NetworkDemand.madeByHako(spec)) {
            return List.of();
        }
        Path all = pod.directory().resolve("files");
        Path directory = all.resolve(container);
        Path hosts = directory.resolve("hosts");
        Path hostname = directory.resolve("hostname");
        pod.effects().directory(slot, all);
        pod.effects().directory(slot, directory);
        pod.effects().file(slot, hosts, hosts());
        pod.effects().file(slot, hostname, hostname() + "\n");
        return List.of(hosts, hostname);
    }

    /** hosts(5). */
    private String hosts() {
        String own =
                HostEffects.linkAddresses(pod.record())
                        .map(
                                addresses ->
                                        "%s\t%s\n"
                                                .formatted(
                                                        addresses.pod().address().getHostAddress(),
                                                        hostname()))
                        .collect(Collectors.joining());
        return "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n" + own;
    }

    private String hostname() {
        return MachineStart.hostname(pod, spec);
    }
}
