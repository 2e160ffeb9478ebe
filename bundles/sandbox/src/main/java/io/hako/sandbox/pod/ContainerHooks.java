// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.NetworkNamespace;
import io.hako.host.shim.HookRun;
import io.hako.ocispec.OciHook;
import io.hako.ocispec.OciSpec;
import io.hako.ttrpc.CallScope;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs one container's hooks on the host, by its shim, in the order and with the state that the OCI
 * runtime-spec has (runtime.md, "Lifecycle" and "State"). A request that is repeated after a crash
 * runs them again.
 */
final class ContainerHooks {
    private static final Logger LOG = LoggerFactory.getLogger(ContainerHooks.class);
    private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

    private final Pod pod;
    private final String container;
    private final Path bundle;
    private final OciSpec spec;

    ContainerHooks(Pod pod, String container, Path bundle, OciSpec spec) {
        this.pod = pod;
        this.container = container;
        this.bundle = bundle;
        this.spec = spec;
    }

    /** Of a container that was created; its bundle says them until it is deleted. */
    static Optional<ContainerHooks> of(Pod pod, String container) {
        Path bundle = Path.of(pod.container(container).facts().bundle());
        try {
            return Optional.of(new ContainerHooks(pod, container, bundle, OciSpec.read(bundle)));
        } catch (DriverException e) {
            LOG.warn(
                    "Sandbox {}: the hooks of container {} are not run: {}",
                    pod.owner(),
                    container,
                    e.getMessage());
            return Optional.empty();
        }
    }

    /**
     * prestart and createRuntime.
     *
     * @param network namespace that the pod's machine will be in; absent: it runs, and its monitor
     *     is in the namespace
     * @throws DriverException FAILED_PRECONDITION or DEADLINE_EXCEEDED as a hook failed; the
     *     container is not to be made then
     */
    void creating(Optional<NetworkNamespace> network, Call call) {
        for (OciHook hook : spec.hooks().creating()) {
            run(
                    hook,
                    network.isPresent()
                            ? new HookRun.Input(open(state("creating")), network, "}")
                            : withMonitor("creating"),
                    call);
        }
    }

    /** poststart. A failure changes nothing for the container. */
    void started(Call call) {
        tryAll("poststart", spec.hooks().started(), withMonitor("running"), call);
    }

    /** poststop. A failure changes nothing for the container. */
    void deleted(Call call) {
        HookRun.Input input =
                new HookRun.Input(GSON.toJson(state("stopped")), Optional.empty(), "");
        tryAll("poststop", spec.hooks().deleted(), input, call);
    }

    private void tryAll(String point, List<OciHook> hooks, HookRun.Input input, Call call) {
        for (OciHook hook : hooks) {
            try {
                run(hook, input, call);
            } catch (DriverException e) {
                LOG.warn(
                        "Sandbox {}: a {} hook of container {} failed, and the others go on: {}",
                        pod.owner(),
                        point,
                        container,
                        e.getMessage());
            }
        }
    }

    private void run(OciHook hook, HookRun.Input input, Call call) {
        try {
            pod.shim(call)
                    .runHook(
                            new HookRun(
                                    hook.path(),
                                    hook.args(),
                                    hook.env(),
                                    bundle,
                                    limit(hook, call),
                                    input),
                            call);
        } catch (DriverException e) {
            if (e.failure() == FailureKind.UNSUPPORTED) {
                throw DriverException.unsupported(
                        "The hook %s cannot be run: the shim of sandbox %s is older than hooks. Make the pod anew."
                                .formatted(hook.path(), pod.owner()));
            }
            throw e;
        }
    }

    /** A hook that nobody waits for any more would go on beside what undoes it. */
    private static Optional<Duration> limit(OciHook hook, Call call) {
        Duration left = call.remaining();
        boolean hooksOwn =
                left.compareTo(CallScope.UNLIMITED) >= 0
                        || hook.timeout().filter(own -> own.compareTo(left) < 0).isPresent();
        return hooksOwn ? hook.timeout() : Optional.of(left);
    }

    private JsonObject state(String status) {
        JsonObject state = new JsonObject();
        state.addProperty("ociVersion", spec.version());
        state.addProperty("id", container);
        state.addProperty("status", status);
        state.addProperty("bundle", bundle.toString());
        state.add("annotations", GSON.toJsonTree(spec.annotations()));
        return state;
    }

    private HookRun.Input withMonitor(String status) {
        JsonObject state = state(status);
        state.addProperty("pid", pod.record().machine().pid());
        return new HookRun.Input(GSON.toJson(state), Optional.empty(), "");
    }

    /** Up to the pid, which the shim adds. */
    private static String open(JsonObject state) {
        String text = GSON.toJson(state);
        return text.substring(0, text.length() - 1) + ",\"pid\":";
    }
}
