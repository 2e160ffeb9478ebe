// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.NetworkNamespace;
import io.hako.host.Machine;
import io.hako.host.NetworkEditor;
import io.hako.host.shim.Shim;
import io.hako.state.Effect;
import io.hako.state.EffectLog;
import io.hako.state.SandboxJournal;
import io.hako.state.SandboxRecord;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * What the sandbox itself, rather than a driver, makes on the host: journalled first, undone in
 * reverse.
 */
final class HostEffects {
    /** The slot of what all containers share. */
    static final String POD = "pod";

    private static final String CGROUP = "cgroup";
    private static final String MOUNT = "mount";
    private static final String DIRECTORY = "directory";
    private static final String FILE = "file";
    private static final String NETWORK = "network";
    private static final String VETH = "veth";
    private static final String LOOPBACK = "loopback";

    /**
     * More mounts than anyone stacks on one directory; a bound for a shim that never says it is
     * done.
     */
    private static final int DEEPEST_STACK = 64;

    private final SandboxJournal journal;
    private final Machine machine;

    HostEffects(SandboxJournal journal, Machine machine) {
        this.journal = journal;
        this.machine = machine;
    }

    /** The slot of what belongs to one container. */
    static String slot(String container) {
        return "container." + container;
    }

    void cgroup(String path, Shim shim, Call call) {
        EffectLog log = journal.effects(POD);
        log.begin(CGROUP, path, "");
        shim.prepareCgroup(path, call);
        log.done(CGROUP, path);
    }

    /** The cgroup that was made, or begun to be. */
    Optional<String> cgroup() {
        return journal.effects(POD).effects().stream()
                .filter(e -> e.kind().equals(CGROUP))
                .map(Effect::name)
                .findFirst();
    }

    void directory(String slot, Path path) {
        EffectLog log = journal.effects(slot);
        log.begin(DIRECTORY, path.toString(), "");
        try {
            Files.createDirectories(path);
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The directory %s could not be made.".formatted(path),
                    e);
        }
        log.done(DIRECTORY, path.toString());
    }

    /** A new small file with this content, in a directory that no guest can write to. */
    void file(String slot, Path path, String content) {
        EffectLog log = journal.effects(slot);
        log.begin(FILE, path.toString(), "");
        try {
            Files.writeString(
                    path, content, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The file %s could not be written.".formatted(path),
                    e);
        }
        log.done(FILE, path.toString());
    }

    /**
     * Where something is to be mounted.
     *
     * @param target as the shim has it
     * @param stub the same place by another path, where it is made and removed; absent: by the shim
     * @param file a file is to be mounted, else a directory
     */
    record Mount(Path target, Optional<Path> stub, boolean file) {}

    /** Mounts may be stacked on one target: they are undone together. */
    void mount(
            String slot,
            String type,
            String source,
            Mount place,
            List<String> options,
            Shim shim,
            Call call) {
        EffectLog log = journal.effects(slot);
        String target = place.target().toString();
        log.begin(MOUNT, target, place.stub().map(Path::toString).orElse(""));
        place.stub().ifPresent(stub -> make(stub, place.file()));
        shim.mount(type, source, place.target(), options, call);
        log.done(MOUNT, target);
    }

    private static void make(Path stub, boolean file) {
        try {
            if (!file) {
                Files.createDirectories(stub);
            } else if (!Files.exists(stub)) {
                Files.createFile(stub);
            }
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "%s could not be made, to be mounted on.".formatted(stub),
                    e);
        }
    }

    /** A network namespace, bound to its file. */
    NetworkNamespace network(NetworkNamespace network, Shim shim, Call call) {
        EffectLog log = journal.effects(POD);
        log.begin(NETWORK, network.toString(), "");
        machine.createNetwork(shim, network.path(), call);
        log.done(NETWORK, network.toString());
        return network;
    }

    /** The network namespace that was made. */
    Optional<NetworkNamespace> network() {
        return journal.effects(POD).effects().stream()
                .filter(effect -> effect.kind().equals(NETWORK) && effect.done())
                .map(effect -> new NetworkNamespace(Path.of(effect.name())))
                .findFirst();
    }

    /**
     * A veth pair and all that hangs on it, which goes with its end in the host's namespace.
     *
     * @param name of that end
     * @param claim chooses its addresses and gives them to the journal
     * @param make makes it, with these addresses
     */
    void veth(
            String name,
            Function<Consumer<LinkAddresses>, LinkAddresses> claim,
            Consumer<LinkAddresses> make) {
        EffectLog log = journal.effects(POD);
        make.accept(claim.apply(chosen -> log.begin(VETH, name, chosen.toString())));
        log.done(VETH, name);
    }

    /** Has what processes of the host open to the loopback of a namespace come to the guest's. */
    void loopback(NetworkNamespace network, Shim shim, Call call) {
        EffectLog log = journal.effects(POD);
        log.begin(LOOPBACK, network.toString(), "");
        Shim.LoopbackPorts ports = shim.forwardLoopback(network, call);
        machine.network(network).redirectLoopback(ports.ipv4(), ports.ipv6(), call);
        log.done(LOOPBACK, network.toString());
    }

    private void leaveLoopback(Effect effect, Call call) {
        unlessThereIsNone(
                () ->
                        machine.network(new NetworkNamespace(Path.of(effect.name())))
                                .stopRedirectLoopback(call));
    }

    /**
     * A namespace that is gone took its redirect with it, and a kernel or a shim that can have none
     * has none.
     */
    private static void unlessThereIsNone(Runnable leave) {
        try {
            leave.run();
        } catch (DriverException e) {
            if (e.failure() != FailureKind.NOT_FOUND && e.failure() != FailureKind.UNSUPPORTED) {
                throw e;
            }
        }
    }

    /** Of the links that a sandbox has, or had begun to make. */
    static Stream<LinkAddresses> linkAddresses(SandboxRecord record) {
        return veths(record.effects(POD)).map(Effect::detail).map(LinkAddresses::parse);
    }

    private static Stream<Effect> veths(List<Effect> effects) {
        return effects.stream().filter(effect -> effect.kind().equals(VETH));
    }

    /** Undoes what is neither the shim's nor below the pod's directory. Idempotent. */
    void undoWithoutShim(Call call) {
        EffectLog log = journal.effects(POD);
        for (Effect effect : log.effects().reversed()) {
            switch (effect.kind()) {
                case VETH -> machine.links(NetworkEditor.HOST).delete(effect.name(), call);
                case LOOPBACK -> leaveLoopback(effect, call);
                default -> {
                    continue;
                }
            }
            log.undone(effect.kind(), effect.name());
        }
    }

    /**
     * Undoes what is left of a slot, from the last to the first. Idempotent; what fails stays
     * journalled.
     */
    void undo(String slot, Shim shim, Call call) {
        EffectLog log = journal.effects(slot);
        for (Effect effect : log.effects().reversed()) {
            switch (effect.kind()) {
                case CGROUP -> shim.removeCgroup(effect.name(), call);
                case VETH -> machine.links(NetworkEditor.HOST).delete(effect.name(), call);
                case LOOPBACK -> {
                    leaveLoopback(effect, call);
                    unlessThereIsNone(() -> shim.stopForwarding(call));
                }
                case NETWORK, MOUNT -> {
                    unmount(Path.of(effect.name()), effect.detail().isEmpty(), shim, call);
                    stub(effect).ifPresent(HostEffects::remove);
                }
                case DIRECTORY, FILE -> remove(Path.of(effect.name()));
                default ->
                        throw new DriverException(
                                FailureKind.INTERNAL,
                                "The effect \"%s\" of sandbox %s is not known."
                                        .formatted(effect.kind(), journal.owner()));
            }
            log.undone(effect.kind(), effect.name());
        }
    }

    private static Optional<Path> stub(Effect mount) {
        return Optional.of(mount.detail()).filter(path -> !path.isEmpty()).map(Path::of);
    }

    /**
     * @param remove the target was made by the shim
     */
    private static void unmount(Path target, boolean remove, Shim shim, Call call) {
        for (int depth = 0; depth < DEEPEST_STACK; depth++) {
            shim.unmount(target, remove, call);
            if (!shim.mounts(target, call).contains(target)) {
                return;
            }
        }
        throw new DriverException(
                FailureKind.UNAVAILABLE,
                "The mount %s could not be undone: something mounts there again and again."
                        .formatted(target));
    }

    private static void remove(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (DirectoryNotEmptyException e) {
            // Someone else's file: not hako's to delete. The pod's directory goes with the shim's
            // own clean-up.
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE, "%s could not be removed.".formatted(path), e);
        }
    }
}
