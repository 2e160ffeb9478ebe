// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.Names;
import io.hako.guest.GuestStdio;
import io.hako.host.shim.Shim;
import io.hako.ocispec.OciSpec;
import io.hako.sandbox.CreateTask;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.RequestKey;
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
    private final MachineStart machine;
    private final Steps steps;

    Creation(Pod pod, RequestKey key, CreateTask task) {
        this.pod = pod;
        this.key = key;
        this.task = task;
        first = pod.phase() == MachinePhase.STARTING;
        steps = new Steps(pod.journal(), first);
        machine = new MachineStart(pod, steps);
    }

    /**
     * Returns once the container is created, or undoes whatever was begun.
     *
     * @return the task's pid
     */
    int run(Call call) {
        try {
            create(call);
            return pod.record().machine().pid();
        } catch (DriverException e) {
            undo();
            throw e;
        } catch (RuntimeException e) {
            undo();
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "Container %s could not be created: %s".formatted(task.container(), e),
                    e);
        }
    }

    private void create(Call call) {
        Names.name("The id of a container", task.container(), LONGEST_ID);
        OciSpec spec = OciSpec.read(task.bundle());
        GuestFiles files = new GuestFiles(pod, task.container(), spec);
        String guestSpec = files.guestSpec();
        files.check();
        if (!first) {
            pod.requireRunning("created");
        }
        Optional<Plan> plan = first ? Optional.of(machine.plan(spec, call)) : Optional.empty();
        Entry.Process process =
                Stdio.announced(
                        ProcessId.first(task.container()), task.stdio(), "", new SecureRandom());
        pod.journal().append(facts(spec));
        pod.journal().append(process);
        plan.ifPresent(p -> machine.boot(p, spec, call));
        Shim shim = pod.shim(call);
        steps.time("rootfs", () -> files.mount(task.rootfs(), shim, call));
        plan.ifPresent(p -> machine.greet(spec, call));
        steps.time("container", () -> container(files, guestSpec, process, call));
        steps.time(
                "stdio",
                () ->
                        shim.joinStdio(
                                Stdio.join(process, pod.node().settings().logs().bound()), call));
        pod.journal().append(new Entry.Moved(task.container(), "", ProcessPhase.CREATED));
        new ProcessWatch(pod).start(ProcessId.first(task.container()));
    }

    private void container(GuestFiles files, String guestSpec, Entry.Process process, Call call) {
        GuestStdio stdio =
                Stdio.tokens(
                        process, files.spec().process().rows(), files.spec().process().columns());
        pod.guest()
                .tell(
                        call,
                        (guest, within) ->
                                guest.createContainer(
                                        key.text(),
                                        task.container(),
                                        guestSpec,
                                        files.rootfs(),
                                        stdio,
                                        within));
    }

    private Entry.Container facts(OciSpec spec) {
        return new Entry.Container(
                task.container(),
                task.bundle().toString(),
                spec.annotations().getOrDefault("io.hako.name", ""),
                spec.annotations().getOrDefault("io.hako.image", ""),
                spec.process().args());
    }

    private void undo() {
        Call call = Bounded.both(CallScope.within(UNDO_LIMIT), pod.life());
        try {
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
