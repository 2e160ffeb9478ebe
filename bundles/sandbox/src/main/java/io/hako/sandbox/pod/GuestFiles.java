// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.GuestPath;
import io.hako.host.shim.Shim;
import io.hako.ocispec.OciMount;
import io.hako.ocispec.OciSpec;
import io.hako.sandbox.CreateTask;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A container's files in the pod's shared directory: POD/share/CONTAINER/rootfs, and one entry for
 * each host path that it mounts. The guest has the same below {@link #GUEST_SHARE}.
 */
record GuestFiles(Pod pod, String container, OciSpec spec) {
    static final GuestPath GUEST_SHARE = new GuestPath("/run/hako/share/0");

    static Path share(Pod pod) {
        return pod.directory().resolve("share");
    }

    GuestPath rootfs() {
        return GUEST_SHARE.resolve(container).resolve("rootfs");
    }

    /** config.json as the guest's agent gets it. */
    String guestSpec() {
        GuestPath directory = GUEST_SHARE.resolve(container);
        return spec.withGuestPaths(
                container,
                rootfs(),
                mount -> directory.resolve(name(mount)),
                new NetworkFiles(pod, spec).inGuest(directory));
    }

    /**
     * @throws DriverException NOT_FOUND for a mount whose source is not there, UNSUPPORTED for one
     *     that no share can carry
     */
    void check() {
        hostPaths()
                .forEach(
                        mount -> {
                            if (!Files.exists(mount.source())) {
                                throw new DriverException(
                                        FailureKind.NOT_FOUND,
                                        "The mount at %s has the source %s, which does not exist: create it first."
                                                .formatted(mount.destination(), mount.source()));
                            }
                            if (!Files.isDirectory(mount.source())
                                    && !Files.isRegularFile(mount.source())) {
                                throw DriverException.unsupported(
                                        "The mount at %s has the source %s, which is neither a directory nor a file: a socket, pipe or device of the host does not work in a virtual machine."
                                                .formatted(mount.destination(), mount.source()));
                            }
                        });
    }

    void mount(List<CreateTask.RootfsMount> rootfs, Shim shim, Call call) {
        String slot = HostEffects.slot(container);
        Path directory = share(pod).resolve(container);
        pod.effects().directory(slot, directory);
        new NetworkFiles(pod, spec).write(slot, directory);
        Path target = directory.resolve("rootfs");
        if (rootfs.isEmpty()) {
            pod.effects()
                    .mount(slot, "rbind", spec.rootfs().toString(), target, List.of(), shim, call);
        }
        for (CreateTask.RootfsMount mount : rootfs) {
            pod.effects()
                    .mount(slot, mount.type(), mount.source(), target, mount.options(), shim, call);
        }
        for (OciMount.HostPath mount : hostPaths()) {
            String type = mount.options().contains("rbind") ? "rbind" : "bind";
            pod.effects()
                    .mount(
                            slot,
                            type,
                            mount.source().toString(),
                            directory.resolve(name(mount)),
                            mount.readOnly() ? List.of("ro") : List.of(),
                            shim,
                            call);
        }
    }

    private List<OciMount.HostPath> hostPaths() {
        return spec.mounts().stream()
                .filter(OciMount.HostPath.class::isInstance)
                .map(OciMount.HostPath.class::cast)
                .toList();
    }

    private String name(OciMount.HostPath mount) {
        return "mount-" + hostPaths().indexOf(mount);
    }
}
