// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import io.hako.api.types.Confinement;
import io.hako.api.types.Confinement.HostUser;
import io.hako.api.types.Confinement.Namespace;
import io.hako.api.types.Confinement.OwnRoot;
import io.hako.api.types.NetworkNamespace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What QEMU's process may do: a user of the pod's own, in namespaces of its own but for a network
 * that the spec gives; no capabilities, no way to gain any; and of files the programs of the
 * system.
 *
 * @param entropy the device that the guest's random numbers come from
 */
record MonitorConfinement(
        QemuSettings settings, Accelerator accelerator, HostUser user, Path entropy) {
    private static final Path KVM = Path.of("/dev/kvm");

    Confinement in(Optional<NetworkNamespace> network) {
        Set<Namespace> namespaces = EnumSet.allOf(Namespace.class);
        if (network.isPresent()) {
            namespaces.remove(Namespace.NETWORK);
        }
        return new Confinement(
                namespaces,
                Optional.of(user),
                true,
                Optional.of(Set.of()),
                Optional.of(new OwnRoot(readable(), Set.of())));
    }

    private Set<Path> readable() {
        Path firmware = Path.of(settings.firmware());
        // Where it looks for its data if it was not installed with the system.
        Path data = settings.binary().resolve("../../share/qemu").normalize();
        return Stream.of(
                        Stream.of(entropy),
                        Stream.of(KVM).filter(_ -> accelerator == Accelerator.KVM),
                        Stream.of(firmware).filter(Path::isAbsolute),
                        Stream.of(data).filter(Files::isDirectory))
                .flatMap(paths -> paths)
                .collect(Collectors.toUnmodifiableSet());
    }
}
