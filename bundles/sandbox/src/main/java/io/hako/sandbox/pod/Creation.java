// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.Names;
import io.hako.api.types.NetworkNamespace;
import io.hako.guest.GuestStdio;
import io.hako.guest.PodPlaces;
import io.hako.observability.Event;
import io.hako.ocispec.CriAnnotations;
import io.hako.ocispec.OciSpec;
import io.hako.sandbox.CreateTask;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.RequestKey;
import io.hako.sandbox.StdioPaths;
import io.hako.settings.PodSettings;
import io.hako.settings.ProfileChoice;
import io.hako.state.Entry;
import io.hako.state.MachinePhase;
import io.hako.state.ProcessPhase;
import io.hako.ttrpc.CallScope;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes one container, and for a sandbox's first one the machine. What cannot be is refused before
 * anything is touched.
 */
final class Creation {
    private static final Logger LOG = LoggerFactory.getLogger(Creation.class);
    private static final int LONGEST_ID = 76;
    private static final Duration UNDO_LIMIT = Duration.ofSeconds(30);

    private final Pod pod;
    private final RequestKey key;
    private final CreateTask task;
    private final boolean first;
    private final Steps steps;
    private Optional<ContainerHooks> hooks = Optional.empty();

    Creation(Pod pod, RequestKey key, CreateTask task) {
        this.pod = pod;
        this.key = key;
        this.task = task;
        first = pod.phase() == MachinePhase.STARTING;
        steps = new Steps(pod.journal(), first);
    }

    /**
     * Returns once the container is created, or undoes whatever was begun.
     *
     * @return the task's pid
     */
    int run(Call call) {
        long begun = System.nanoTime();
        try {
            create(call);
            if (first) {
                pod.events().tell("start", event -> event.took(since(begun)));
            }
            return pod.record().machine().pid();
        } catch (DriverException e) {
            failed(e, begun);
            undo();
            throw e;
        } catch (RuntimeException e) {
            DriverException failure =
                    new DriverException(
                            FailureKind.INTERNAL,
                            "Container %s could not be created: %s".formatted(task.container(), e),
                            e);
            failed(failure, begun);
            undo();
            throw failure;
        }
    }

    private void failed(DriverException e, long begun) {
        Event.Subject subject = first ? Event.Subject.POD : Event.Subject.CONTAINER;
        pod.events()
                .tell(
                        Event.of(subject, first ? "start-failed" : "create-failed")
                                .at(task.container(), "")
                                .because(e.getMessage())
                                .took(since(begun)));
    }

    private static Duration since(long begun) {
        return Duration.ofNanos(System.nanoTime() - begun);
    }

    private void create(Call call) {
        Names.name("The id of a container", task.container(), LONGEST_ID);
        OciSpec spec = OciSpec.read(task.bundle());
        spec.check();
        boolean sandbox = place(spec) == CriAnnotations.Role.SANDBOX;
        GuestFiles files = new GuestFiles(pod, task.container(), spec);
        if (!sandbox) {
            files.check();
        }
        if (first) {
            firstOf(spec, files, sandbox, call);
        } else {
            pod.requireRunning("created");
            PodGrowth growth = new PodGrowth(pod);
            growth.admit(task.container(), spec.resources(), call);
            Entry.Process process = announce(spec, sandbox);
            hooks(spec).creating(Optional.empty(), call);
            mount(files, call);
            container(files, process, call);
            growth.settle(call);
        }
        pod.journal().append(new Entry.Moved(task.container(), "", ProcessPhase.CREATED));
        if (!sandbox) {
            new ProcessWatch(pod).start(ProcessId.first(task.container()));
        }
    }

    /** The machine comes with it; a sandbox container is no more than that. */
    private void firstOf(OciSpec spec, GuestFiles files, boolean sandbox, Call call) {
        PodSettings settings = pod.node().settings().forPod(profile(spec), spec.annotations());
        MachineStart machine = new MachineStart(pod, steps, settings);
        Plan plan = machine.plan(spec, call);
        Entry.Process process = announce(spec, sandbox);
        if (!spec.hooks().creating().isEmpty()) {
            NetworkNamespace network = machine.prepareNetwork(spec, call);
            steps.time("hooks", () -> hooks(spec).creating(Optional.of(network), call));
            plan = machine.plan(spec, call);
        }
        machine.boot(plan, spec, call);
        if (!sandbox) {
            mount(files, call);
        }
        machine.greet(spec, call);
        if (!sandbox) {
            container(files, process, call);
        }
    }

    /** Whatever happens next, those that are to be run at its end are. */
    private ContainerHooks hooks(OciSpec spec) {
        hooks = Optional.of(new ContainerHooks(pod, task.container(), task.bundle(), spec));
        return hooks.get();
    }

    /** The runtime's options say it, or else the name that the pod's server has for the runtime. */
    private Optional<ProfileChoice> profile(OciSpec spec) {
        return task.profile()
                .or(
                        () ->
                                spec.cri()
                                        .profile()
                                        .map(
                                                name ->
                                                        new ProfileChoice(
                                                                name,
                                                                "annotation "
                                                                        + CriAnnotations.HANDLER)));
    }

    /**
     * @throws DriverException FAILED_PRECONDITION if the container does not fit where its pod is
     */
    private CriAnnotations.Role place(OciSpec spec) {
        CriAnnotations cri = spec.cri();
        if (first && cri.role() == CriAnnotations.Role.CONTAINER) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "Container %s belongs to the sandbox %s, which is not there: create that first."
                            .formatted(task.container(), cri.sandbox()));
        }
        if (!first && cri.role() == CriAnnotations.Role.SANDBOX) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "Container %s is to be a sandbox, but sandbox %s is there already: a shim has one."
                            .formatted(task.container(), pod.owner()));
        }
        return cri.role();
    }

    private Entry.Process announce(OciSpec spec, boolean sandbox) {
        Entry.Process process =
                Stdio.announced(
                        ProcessId.first(task.container()),
                        sandbox ? StdioPaths.NONE : task.stdio(),
                        "",
                        new SecureRandom());
        pod.journal().append(facts(spec, sandbox));
        pod.journal().append(process);
        return process;
    }

    private void mount(GuestFiles files, Call call) {
        steps.time("rootfs", () -> files.mount(task.rootfs(), pod.shim(call), call));
    }

    private void container(GuestFiles files, Entry.Process process, Call call) {
        steps.time("container", () -> inGuest(files, process, call));
        steps.time("stdio", () -> pod.shim(call).joinStdio(Stdio.join(pod, process), call));
    }

    /** What it shares with others of its pod, asked for before it is made. */
    private Optional<PodPlaces> places(GuestFiles files, Call call) {
        String attempt = GuestLink.anew(key.text());
        return files.needs()
                .map(
                        needs ->
                                pod.guest()
                                        .ask(
                                                call,
                                                (guest, within) ->
                                                        guest.preparePod(attempt, needs, within)));
    }

    private void inGuest(GuestFiles files, Entry.Process process, Call call) {
        String attempt = GuestLink.anew(key.text());
        String guestSpec = files.guestSpec(places(files, call));
        GuestStdio stdio =
                Stdio.tokens(
                        process, files.spec().process().rows(), files.spec().process().columns());
        pod.guest()
                .tell(
                        call,
                        (guest, within) ->
                                guest.createContainer(
                                        attempt,
                                        task.container(),
                                        guestSpec,
                                        files.rootfs(),
                                        stdio,
                                        within));
    }

    private Entry.Container facts(OciSpec spec, boolean sandbox) {
        return new Entry.Container(
                task.container(),
                task.bundle().toString(),
                spec.annotations().getOrDefault("io.hako.name", spec.cri().name()),
                spec.annotations().getOrDefault("io.hako.image", spec.cri().image()),
                spec.process().args(),
                sandbox);
    }

    private void undo() {
        Call call = Bounded.both(CallScope.within(UNDO_LIMIT), pod.life());
        try {
            // Before all else is taken away: later there may be no shim to run them.
            hooks.ifPresent(begun -> begun.deleted(call));
            if (first) {
                new Teardown(pod).everything(call);
            } else if (pod.record().container(task.container()).isPresent()) {
                new ContainerEnd(pod).remove(task.container(), key.text() + ":undo", call);
                pod.journal().append(new Entry.Deleted(task.container(), ""));
            }
        } catch (DriverException e) {
            if (first) {
                pod.removal().goOn(e, () -> {});
            } else {
                LOG.error(
                        "Sandbox {}: what was made for container {}, which failed to start, could not be undone; its deletion tries again: {}",
                        pod.owner(),
                        task.container(),
                        e.getMessage());
            }
        }
    }
}
