// SPDX-License-Identifier: Apache-2.0
package io.hako.fake.node;

import io.hako.api.driver.DriverEvent;
import io.hako.api.driver.Settings;
import io.hako.api.types.Confinement.HostUser;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.KeptFile;
import io.hako.api.types.MacAddress;
import io.hako.api.types.NetworkNamespace;
import io.hako.api.types.OwnerId;
import io.hako.fake.Faults;
import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * A machine in memory, with a real directory for what drivers write to files. Like the shims of a
 * node it outlives drivers: what one instance made, the next one finds. Thread-safe.
 */
public final class FakeNode implements AutoCloseable {
    private static final long FIRST_USER = 1_879_048_192L;

    private final Path directory;
    private final Map<OwnerId, FakeSandbox> sandboxes = new ConcurrentHashMap<>();
    private final Map<NetworkNamespace, FakeLinks> networks = new ConcurrentHashMap<>();
    private final List<DriverEvent> events = new CopyOnWriteArrayList<>();
    private final List<KeptFile> sent = new CopyOnWriteArrayList<>();
    private final Map<OwnerId, HostUser> users = new ConcurrentHashMap<>();
    private final FakeNodeStore store;
    private final AtomicLong lastPid = new AtomicLong(1000);
    private volatile Consumer<FakeProcess> program = process -> {};

    /**
     * @param directory an existing one that the node may fill; short, since sockets are made in it
     */
    public FakeNode(Path directory) {
        this.directory = directory;
        this.store = new FakeNodeStore(made(directory.resolve("store")));
    }

    /** What every process launched from now on does first, such as printing or ending at once. */
    public void program(Consumer<FakeProcess> program) {
        this.program = program;
    }

    /** Puts an interface into a namespace, as CNI does before a driver comes. */
    public void addLink(NetworkNamespace network, String name, String type, MacAddress mac) {
        network(network).add(name, type, Optional.of(mac));
    }

    /**
     * What a driver is given for one handle. The same owner and slot give the same workspace.
     *
     * @param faults passed before each effect
     */
    public FakeDriverContext context(OwnerId owner, String slot, Settings settings, Faults faults) {
        Path workspace = made(directory.resolve(owner.toString()).resolve(slot));
        return new FakeDriverContext(this, owner, workspace, settings, faults);
    }

    public Optional<FakeProcess> process(OwnerId owner, String role) {
        return sandbox(owner).find(role);
    }

    /** The socket that a process was passed as a listening one. */
    public Optional<ServerSocketChannel> listener(OwnerId owner, String name) {
        return sandbox(owner).listener(name);
    }

    /** What drivers reported, oldest first. */
    public List<DriverEvent> events() {
        return List.copyOf(events);
    }

    /** The kept files that were sent over sockets, oldest first. */
    public List<KeptFile> sentFiles() {
        return List.copyOf(sent);
    }

    /**
     * What a sandbox's drivers have to take away by themselves and have not: processes, mounts; and
     * links, of anyone.
     */
    public List<String> effects(OwnerId owner) {
        List<String> all = new ArrayList<>(sandbox(owner).effects());
        networks.values().forEach(network -> all.addAll(network.effects()));
        return all;
    }

    /**
     * Takes away whatever a sandbox has, without any driver, as the daemon does from its journal.
     */
    public void undo(OwnerId owner) {
        sandbox(owner).undo();
        networks.values().forEach(FakeLinks::undo);
        removeTree(directory.resolve(owner.toString()));
    }

    /** Undoes everything of every sandbox, and removes the store. */
    @Override
    public void close() {
        sandboxes.keySet().forEach(this::undo);
        removeTree(store.directory());
    }

    HostUser user(OwnerId owner) {
        return users.computeIfAbsent(
                owner, key -> new HostUser(FIRST_USER + users.size(), FIRST_USER + users.size()));
    }

    FakeSandbox sandbox(OwnerId owner) {
        return sandboxes.computeIfAbsent(owner, key -> new FakeSandbox());
    }

    FakeLinks network(NetworkNamespace network) {
        return networks.computeIfAbsent(network, FakeLinks::new);
    }

    FakeNodeStore store() {
        return store;
    }

    Consumer<FakeProcess> program() {
        return program;
    }

    long nextPid() {
        return lastPid.incrementAndGet();
    }

    void reported(DriverEvent event) {
        events.add(event);
    }

    void sent(List<KeptFile> files) {
        sent.addAll(files);
    }

    private static Path made(Path directory) {
        try {
            return Files.createDirectories(directory);
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "The directory %s could not be made.".formatted(directory),
                    e);
        }
    }

    private static void removeTree(Path top) {
        if (!Files.exists(top)) {
            return;
        }
        try (Stream<Path> tree = Files.walk(top)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.INTERNAL, "%s could not be removed.".formatted(top), e);
        }
    }
}
