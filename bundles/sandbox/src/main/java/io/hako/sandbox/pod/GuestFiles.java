// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.GuestPath;
import io.hako.api.types.MemorySize;
import io.hako.guest.PodNeeds;
import io.hako.guest.PodPlaces;
import io.hako.host.shim.Shim;
import io.hako.ocispec.CriAnnotations;
import io.hako.ocispec.GuestPlaces;
import io.hako.ocispec.OciMount;
import io.hako.ocispec.OciSpec;
import io.hako.sandbox.CreateTask;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * A container's files in the pod's shared directory: CONTAINER/rootfs, and one entry for each host
 * path that it mounts. The guest has the same below {@link #GUEST_SHARE}. Nothing but what is
 * mounted there can be written to by the guest, see {@link #tree}.
 */
record GuestFiles(Pod pod, String container, OciSpec spec) {
    static final GuestPath GUEST_SHARE = new GuestPath("/run/hako/share/0");

    private static final String SHARED_MEMORY = "/dev/shm";
    private static final String TMPFS = "tmpfs";

    /** What the guest is given: {@link #tree}, mounted here for reading alone. */
    static Path share(Pod pod) {
        return pod.directory().resolve("share");
    }

    /** The same directory for the daemon, which makes in it what is mounted on in the share. */
    static Path tree(Pod pod) {
        return pod.directory().resolve("tree");
    }

    GuestPath rootfs() {
        return inGuest().resolve("rootfs");
    }

    /**
     * config.json as the guest's agent gets it.
     *
     * @param places what {@link #needs} led to
     */
    String guestSpec(Optional<PodPlaces> places) {
        return spec.withGuestPaths(
                new GuestPlaces(
                        container,
                        rootfs(),
                        mount -> inGuest(mount, places),
                        network().inGuest(inGuest()),
                        places.flatMap(PodPlaces::processes)));
    }

    private GuestPath inGuest(OciMount.HostPath mount, Optional<PodPlaces> places) {
        return ofPod(mount) ? places.orElseThrow().sharedMemory() : inGuest().resolve(name(mount));
    }

    /**
     * What the container has in common with others of its pod, besides the guest; absent: nothing.
     */
    Optional<PodNeeds> needs() {
        Optional<OciMount.HostPath> shared = mounts().filter(this::ofPod).findFirst();
        if (shared.isEmpty() && !spec.sharesProcesses()) {
            return Optional.empty();
        }
        return Optional.of(
                new PodNeeds(spec.sharesProcesses(), Map.of(), shared.flatMap(GuestFiles::size)));
    }

    /**
     * The server of a pod makes a file system for its shared memory, in a directory that it names
     * after the sandbox. A guest has memory of its own for that. (What a user mounts at the same
     * place is a mount like any other.)
     */
    private boolean ofPod(OciMount.HostPath mount) {
        CriAnnotations cri = spec.cri();
        return cri.role() == CriAnnotations.Role.CONTAINER
                && mount.destination().equals(SHARED_MEMORY)
                && StreamSupport.stream(mount.source().spliterator(), false)
                        .anyMatch(part -> part.toString().equals(cri.sandbox()));
    }

    private static Optional<MemorySize> size(OciMount.HostPath mount) {
        try {
            FileStore store = Files.getFileStore(mount.source());
            return Optional.of(store.getTotalSpace())
                    .filter(bytes -> bytes > 0 && store.type().equals(TMPFS))
                    .map(MemorySize::new);
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The size of the shared memory %s could not be read.".formatted(mount.source()),
                    e);
        }
    }

    /**
     * @throws DriverException NOT_FOUND for a mount whose source is not there, UNSUPPORTED for one
     *     that no share can carry
     */
    void check() {
        mounts().forEach(
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
        HostEffects effects = pod.effects();
        String slot = HostEffects.slot(container);
        effects.directory(slot, tree(pod).resolve(container));
        HostEffects.Mount root = place("rootfs", false);
        if (rootfs.isEmpty()) {
            effects.mount(slot, "rbind", spec.rootfs().toString(), root, List.of(), shim, call);
        }
        for (CreateTask.RootfsMount mount : rootfs) {
            effects.mount(slot, mount.type(), mount.source(), root, mount.options(), shim, call);
        }
        for (OciMount.HostPath mount : mounts().filter(each -> !ofPod(each)).toList()) {
            effects.mount(
                    slot,
                    mount.options().contains("rbind") ? "rbind" : "bind",
                    mount.source().toString(),
                    place(name(mount), Files.isRegularFile(mount.source())),
                    options(mount),
                    shim,
                    call);
        }
        network()
                .write(slot, container)
                .forEach(
                        file ->
                                effects.mount(
                                        slot,
                                        "bind",
                                        file.toString(),
                                        place(file.getFileName().toString(), true),
                                        List.of("rprivate"),
                                        shim,
                                        call));
    }

    /**
     * What the source's owner mounts in it later is seen if the spec says so; nothing goes back.
     */
    private static List<String> options(OciMount.HostPath mount) {
        boolean follows = mount.options().contains("rslave") || mount.options().contains("slave");
        String propagation = follows ? "rslave" : "rprivate";
        return mount.readOnly() ? List.of("ro", propagation) : List.of(propagation);
    }

    private HostEffects.Mount place(String name, boolean file) {
        return new HostEffects.Mount(
                share(pod).resolve(container).resolve(name),
                Optional.of(tree(pod).resolve(container).resolve(name)),
                file);
    }

    private NetworkFiles network() {
        return new NetworkFiles(pod, spec);
    }

    private GuestPath inGuest() {
        return GUEST_SHARE.resolve(container);
    }

    private Stream<OciMount.HostPath> mounts() {
        return spec.mounts().stream()
                .filter(OciMount.HostPath.class::isInstance)
                .map(OciMount.HostPath.class::cast);
    }

    private String name(OciMount.HostPath mount) {
        return "mount-" + mounts().toList().indexOf(mount);
    }
}
