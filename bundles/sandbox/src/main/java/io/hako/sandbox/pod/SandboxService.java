// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import io.hako.driverhost.DriverAdmin;
import io.hako.driverhost.DriverHost;
import io.hako.guest.CgroupFigures;
import io.hako.guest.Guests;
import io.hako.host.Machine;
import io.hako.host.shim.Shim;
import io.hako.host.shim.Shims;
import io.hako.host.shim.Subscription;
import io.hako.observability.EventLog;
import io.hako.sandbox.Connection;
import io.hako.sandbox.CreateTask;
import io.hako.sandbox.DebugSession;
import io.hako.sandbox.DebugTask;
import io.hako.sandbox.ExecTask;
import io.hako.sandbox.Overhead;
import io.hako.sandbox.ProcessExit;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.ProcessState;
import io.hako.sandbox.RequestKey;
import io.hako.sandbox.SandboxView;
import io.hako.sandbox.Sandboxes;
import io.hako.sandbox.TaskEvent;
import io.hako.sandbox.TaskPid;
import io.hako.settings.SettingsFile;
import io.hako.state.FrameworkPaths;
import io.hako.state.StateStore;
import io.hako.ttrpc.CallScope;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@link Sandboxes}: finds the pod, and has it do what is asked. */
@Component(service = Sandboxes.class, immediate = true)
public final class SandboxService implements Sandboxes {
    private static final Logger LOG = LoggerFactory.getLogger(SandboxService.class);

    /** containerd gives State 2 s (io.containerd.timeout.task.state). */
    private static final Duration LIMIT_OF_ADOPTION = Duration.ofSeconds(1);

    private static final Duration QUIT_LIMIT = Duration.ofSeconds(5);
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

    private final Node node;
    private final Pods pods;

    @Activate
    public SandboxService(
            BundleContext context,
            @Reference StateStore store,
            @Reference Shims shims,
            @Reference DriverHost drivers,
            @Reference DriverAdmin admin,
            @Reference Guests guests,
            @Reference Machine machine,
            @Reference SettingsFile settings,
            @Reference EventLog events) {
        this(
                new Node(
                        store,
                        shims,
                        drivers,
                        admin,
                        guests,
                        machine,
                        new HostRemains(machine),
                        settings.settings(),
                        Path.of(FrameworkPaths.required(context, "hako.run")).resolve("pods"),
                        events,
                        new Retries(FIRST_PAUSE, LONGEST_PAUSE)));
    }

    SandboxService(Node node) {
        this.node = node;
        pods = new Pods(node);
    }

    @Deactivate
    void deactivate() {
        pods.close();
    }

    @Override
    public int create(RequestKey key, CreateTask task, Call call) {
        return new Verbs(pods.getOrBegin(key.sandbox(), task.bundle(), call))
                .create(key, task, call);
    }

    @Override
    public int start(RequestKey key, ProcessId process, Call call) {
        return verbs(key, call).start(key, process, call);
    }

    @Override
    public void exec(RequestKey key, ExecTask task, Call call) {
        verbs(key, call).exec(key, task, call);
    }

    @Override
    public void kill(RequestKey key, ProcessId process, int signal, boolean all, Call call) {
        verbs(key, call).kill(key, process, signal, all, call);
    }

    @Override
    public ProcessExit delete(RequestKey key, ProcessId process, Call call) {
        return verbs(key, call).delete(key, process, call);
    }

    @Override
    public void update(RequestKey key, String container, String resources, Call call) {
        new LimitChange(pods.get(key.sandbox(), call)).run(key, container, resources, call);
    }

    @Override
    public ProcessExit await(OwnerId sandbox, ProcessId process, Call call) {
        return pods.find(sandbox)
                .flatMap(pod -> pod.exits().ended(process))
                .orElseGet(() -> pods.get(sandbox, call).exits().await(process, call));
    }

    @Override
    public ProcessState state(OwnerId sandbox, ProcessId process) {
        // What ended while no daemon ran is not to be shown as running once more.
        pods.find(sandbox).ifPresent(pod -> pod.awaitReadyFor(LIMIT_OF_ADOPTION));
        return queries(sandbox).state(process);
    }

    @Override
    public List<TaskPid> pids(OwnerId sandbox, String container) {
        return queries(sandbox).pids(container);
    }

    @Override
    public void pause(OwnerId sandbox, String container, Call call) {
        new Freezing(pods.get(sandbox, call)).pause(container, call);
    }

    @Override
    public void resume(OwnerId sandbox, String container, Call call) {
        new Freezing(pods.get(sandbox, call)).resume(container, call);
    }

    @Override
    public void resizePty(OwnerId sandbox, ProcessId process, int columns, int rows, Call call) {
        new Queries(pods.get(sandbox, call)).resizePty(process, columns, rows, call);
    }

    @Override
    public void closeIo(OwnerId sandbox, ProcessId process, Call call) {
        new Queries(pods.get(sandbox, call)).closeIo(process, call);
    }

    @Override
    public CgroupFigures stats(OwnerId sandbox, String container, Call call) {
        return new Figures(pods.get(sandbox, call)).of(container, call);
    }

    @Override
    public Connection connect(OwnerId sandbox, String container) {
        return queries(sandbox).connect(container);
    }

    @Override
    public Optional<Runnable> shutdown(RequestKey key, boolean now, Call call) {
        Optional<Pod> pod = pods.find(key.sandbox());
        if (pod.isPresent()) {
            pod.get().awaitReady(call);
            if (!emptied(pod.get(), key, call)) {
                return Optional.empty();
            }
        }
        return Optional.of(() -> quit(key));
    }

    /** What cannot be taken away now is taken away later, and then the shim quits all the same. */
    private boolean emptied(Pod pod, RequestKey key, Call call) {
        try {
            return pod.locked(() -> empty(pod, call));
        } catch (DriverException e) {
            pod.removal().goOn(e, () -> quit(key));
            throw e;
        }
    }

    /** Takes the sandbox away if no container is left. */
    private static boolean empty(Pod pod, Call call) {
        if (!pod.record().containers().isEmpty()) {
            return false;
        }
        if (!pod.isGone()) {
            Teardown teardown = new Teardown(pod);
            teardown.machine("", call);
            teardown.everything(call);
        }
        return true;
    }

    /** The shim that asked: another may have come by its id, and serves another sandbox. */
    private void quit(RequestKey key) {
        try {
            Call call = CallScope.within(QUIT_LIMIT);
            Shim shim = node.shims().await(key.sandbox(), call);
            if (shim.identity().instance().equals(key.instance())) {
                shim.quit(call);
            }
        } catch (DriverException e) {
            LOG.warn("Sandbox {}: its shim did not quit: {}", key.sandbox(), e.getMessage());
        }
    }

    @Override
    public List<ProcessId> processes(OwnerId sandbox) {
        return queries(sandbox).processes();
    }

    @Override
    public Subscription follow(Consumer<TaskEvent> receiver) {
        return pods.follow(receiver);
    }

    @Override
    public void told(TaskEvent event) {
        pods.find(event.sandbox()).ifPresent(pod -> TaskEvents.told(pod, event));
    }

    @Override
    public List<SandboxView> list() {
        return Stream.concat(pods.all().map(Views::view), pods.unreadable().stream())
                .sorted(
                        Comparator.comparing(SandboxView::created)
                                .thenComparing(view -> view.id().toString()))
                .toList();
    }

    @Override
    public SandboxView find(String idPrefixOrName) {
        List<SandboxView> all = list();
        List<SandboxView> exact =
                all.stream().filter(view -> isNamed(view, idPrefixOrName)).toList();
        List<SandboxView> found =
                exact.isEmpty() && !idPrefixOrName.isEmpty()
                        ? all.stream()
                                .filter(view -> view.sandboxId().startsWith(idPrefixOrName))
                                .toList()
                        : exact;
        return switch (found.size()) {
            case 0 ->
                    throw new DriverException(
                            FailureKind.NOT_FOUND,
                            "There is no sandbox \"%s\".".formatted(idPrefixOrName));
            case 1 -> found.getFirst();
            default ->
                    throw new DriverException(
                            FailureKind.FAILED_PRECONDITION,
                            "\"%s\" stands for %d sandboxes: give more of the id (%s)."
                                    .formatted(
                                            idPrefixOrName,
                                            found.size(),
                                            String.join(
                                                    ", ",
                                                    found.stream()
                                                            .map(SandboxView::sandboxId)
                                                            .toList())));
        };
    }

    private static boolean isNamed(SandboxView view, String text) {
        return view.sandboxId().equals(text)
                || view.id().toString().equals(text)
                || !text.isEmpty() && view.name().equals(text);
    }

    @Override
    public String inspect(String idPrefixOrName) {
        return Inspection.json(found(idPrefixOrName));
    }

    @Override
    public DebugSession debug(DebugTask task, Call call) {
        Pod pod = found(task.sandbox());
        pod.awaitReady(call);
        return DebugShell.start(pod, task, call);
    }

    @Override
    public Overhead overhead(String idPrefixOrName, Call call) {
        return Views.overhead(found(idPrefixOrName), call);
    }

    private Pod found(String idPrefixOrName) {
        SandboxView view = find(idPrefixOrName);
        return pods.find(view.id())
                .orElseThrow(
                        () -> new DriverException(FailureKind.FAILED_PRECONDITION, view.reason()));
    }

    private Verbs verbs(RequestKey key, Call call) {
        return new Verbs(pods.get(key.sandbox(), call));
    }

    private Queries queries(OwnerId sandbox) {
        return new Queries(
                pods.find(sandbox)
                        .orElseThrow(
                                () ->
                                        new DriverException(
                                                FailureKind.NOT_FOUND,
                                                "There is no sandbox %s.".formatted(sandbox))));
    }
}
