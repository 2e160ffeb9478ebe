// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.hypervisor.Vm;
import io.hako.api.network.NetworkAttachment;
import io.hako.api.storage.StorageAttachment;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import io.hako.driverhost.Lease;
import io.hako.driverhost.SandboxDrivers;
import io.hako.driverhost.SandboxSite;
import io.hako.host.shim.Shim;
import io.hako.host.shim.ShimIdentity;
import io.hako.sandbox.ProcessId;
import io.hako.state.ContainerRecord;
import io.hako.state.Entry;
import io.hako.state.MachinePhase;
import io.hako.state.ProcessRecord;
import io.hako.state.SandboxJournal;
import io.hako.state.SandboxRecord;
import io.hako.ttrpc.CallScope;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * One sandbox's parts, for those who act on it. What is known of it is in the journal's record and
 * nowhere else.
 *
 * <p>{@link #locked} orders the verbs that make or take away; signals, exits, states and lists go
 * past it.
 */
final class Pod {
    /**
     * Slots of the machine and of the directory that it shares: short, since their workspaces hold
     * sockets.
     */
    static final String VM_SLOT = "h0";

    static final String SHARE_SLOT = "s0";

    /** Before the number of an interface, from 0. */
    static final String NETWORK_SLOT = "n";

    private static final Duration SHIM_LIMIT = Duration.ofSeconds(30);

    private final Node node;
    private final SandboxJournal journal;
    private final Path directory;
    private final Exits exits;
    private final GuestLink guest;
    private final Requests requests;
    private final HostEffects effects;
    private final PodEvents events;
    private final Addresses addresses;
    private final Monitor monitor = new Monitor();
    private final Removal removal = new Removal(this);
    private final NetworkFollower follower = new NetworkFollower(this);
    private final Consumer<Pod> onGone;
    private final CallScope life = CallScope.unlimited();
    private final Readiness readiness = new Readiness();
    private final VerbOrder order = new VerbOrder();
    private volatile Optional<ShimIdentity> shim = Optional.empty();
    private volatile Optional<Lease<Vm>> vm = Optional.empty();
    private volatile Optional<Lease<StorageAttachment>> share = Optional.empty();
    private volatile List<Lease<NetworkAttachment>> networks = List.of();

    /**
     * @param addresses of the whole node
     * @param onGone told once, when nothing is left of it
     */
    Pod(
            Node node,
            SandboxJournal journal,
            Path directory,
            Addresses addresses,
            Consumer<Pod> onGone) {
        this.node = node;
        this.journal = journal;
        this.directory = directory;
        this.addresses = addresses;
        this.onGone = onGone;
        exits = new Exits(journal);
        guest =
                new GuestLink(
                        journal.owner(),
                        directory.resolve("guest.sock"),
                        node.guests(),
                        new Shortages(journal));
        requests = new Requests(journal);
        effects = new HostEffects(journal, node.machine());
        events = new PodEvents(journal, node.events());
        journal.watch(new TaskEvents(journal, events::tell));
    }

    Node node() {
        return node;
    }

    OwnerId owner() {
        return journal.owner();
    }

    SandboxJournal journal() {
        return journal;
    }

    SandboxRecord record() {
        return journal.record();
    }

    Path directory() {
        return directory;
    }

    Exits exits() {
        return exits;
    }

    GuestLink guest() {
        return guest;
    }

    /** Keeps the guest's network as the namespace is, from the start or adoption on. */
    NetworkFollower follower() {
        return follower;
    }

    Requests requests() {
        return requests;
    }

    HostEffects effects() {
        return effects;
    }

    PodEvents events() {
        return events;
    }

    Addresses addresses() {
        return addresses;
    }

    Monitor monitor() {
        return monitor;
    }

    Removal removal() {
        return removal;
    }

    /** Ends when nobody here has anything to do with the sandbox any more. */
    CallScope life() {
        return life;
    }

    Optional<Lease<Vm>> vm() {
        return vm;
    }

    Optional<Lease<StorageAttachment>> share() {
        return share;
    }

    /** In the order of the guest's interfaces. */
    List<Lease<NetworkAttachment>> networks() {
        return networks;
    }

    void networks(List<Lease<NetworkAttachment>> leases) {
        networks = List.copyOf(leases);
    }

    void vm(Lease<Vm> lease) {
        vm = Optional.of(lease);
    }

    void share(Lease<StorageAttachment> lease) {
        share = Optional.of(lease);
    }

    SandboxDrivers drivers() {
        return node.drivers()
                .sandbox(new SandboxSite(journal, directory, effects.cgroup().orElse("")));
    }

    /** The shim as it last said hello. */
    Optional<ShimIdentity> shimIdentity() {
        return shim;
    }

    void shimIdentity(ShimIdentity identity) {
        shim = Optional.of(identity);
    }

    /** The shim's link of this moment. */
    Shim shim(Call call) {
        return node.shims().await(owner(), Bounded.both(Bounded.within(SHIM_LIMIT, call), life));
    }

    MachinePhase phase() {
        return record().machine().phase();
    }

    void phase(MachinePhase phase, String reason) {
        int pid = monitor.pid() == 0 ? record().machine().pid() : monitor.pid();
        journal.append(new Entry.Machine(phase, pid, reason));
    }

    ContainerRecord container(String id) {
        return record().container(id)
                .orElseThrow(
                        () ->
                                new DriverException(
                                        FailureKind.NOT_FOUND,
                                        "Sandbox %s has no container %s.".formatted(owner(), id)));
    }

    ProcessRecord process(ProcessId id) {
        return container(id.container())
                .process(id.exec())
                .orElseThrow(
                        () ->
                                new DriverException(
                                        FailureKind.NOT_FOUND,
                                        "Container %s has no process \"%s\"."
                                                .formatted(id.container(), id.exec())));
    }

    /** Whether it is the container that stands for the machine itself. */
    boolean isSandbox(String id) {
        return container(id).facts().sandbox();
    }

    /**
     * @throws DriverException FAILED_PRECONDITION with the reason, unless the agent can be spoken
     *     to
     */
    void requireRunning(String what) {
        Entry.Machine machine = record().machine();
        if (machine.phase() != MachinePhase.RUNNING) {
            String why = machine.reason().isEmpty() ? "" : " " + machine.reason();
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "The process cannot be %s: the virtual machine of sandbox %s is %s.%s"
                            .formatted(
                                    what,
                                    owner(),
                                    machine.phase().name().toLowerCase(Locale.ROOT),
                                    why));
        }
    }

    /** One at a time of those that make or take away. */
    <T> T locked(Supplier<T> work) {
        return order.inTurn(work);
    }

    /**
     * Like {@link #locked}, for work that must come to it.
     *
     * @param patience how long others may go on; then {@code end} is run, to make them give up
     */
    <T> T locked(Duration patience, Runnable end, Supplier<T> work) {
        return order.inTurn(patience, end, work);
    }

    /** Adoption is over, or there was none: verbs may begin. */
    void ready() {
        readiness.ready();
    }

    /** Its shim is dead: verbs wait until nothing is left of it, and then find it gone. */
    void dead() {
        readiness.notReady();
        life.cancel();
    }

    /** Nothing is left of it; the journal is removed. */
    void gone() {
        readiness.gone();
        life.cancel();
        disconnect();
        onGone.accept(this);
        events.tell("remove", UnaryOperator.identity());
    }

    /**
     * The machine has ended, or is let go: nobody here speaks to the guest any more. Idempotent.
     */
    void disconnect() {
        follower.close();
        guest.close();
    }

    boolean isGone() {
        return readiness.isGone();
    }

    void awaitReady(Call call) {
        if (!readiness.await(call)) {
            throw new DriverException(FailureKind.DEADLINE_EXCEEDED, removal.whyNotReady());
        }
    }

    /** Waits until verbs may begin, but no longer than this. */
    void awaitReadyFor(Duration limit) {
        readiness.await(CallScope.within(limit));
    }
}
