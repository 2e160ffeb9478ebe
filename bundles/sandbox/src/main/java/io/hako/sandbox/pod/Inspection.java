// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.hako.sandbox.SandboxView;
import io.hako.state.ContainerRecord;
import io.hako.state.Effect;
import io.hako.state.Entry;
import io.hako.state.ProcessRecord;
import io.hako.state.SandboxRecord;
import java.util.Collection;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;

/**
 * Everything known of a pod, as JSON. Stream tokens are left out: who has one can read the stream.
 */
final class Inspection {
    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    private Inspection() {}

    static String json(Pod pod) {
        SandboxRecord record = pod.record();
        SandboxView view = Views.view(pod);
        JsonObject json = new JsonObject();
        json.addProperty("id", record.identity().id());
        json.addProperty("namespace", record.identity().namespace());
        json.addProperty("name", view.name());
        json.addProperty("image", view.image());
        json.addProperty("state", view.state().name().toLowerCase(Locale.ROOT));
        json.addProperty("reason", view.reason());
        json.addProperty("created", record.identity().created().toString());
        json.addProperty("bundle", record.identity().bundle());
        json.addProperty("pod_directory", pod.directory().toString());
        json.add("machine", machine(record));
        pod.removal().failed().ifPresent(failed -> json.add("removal", removal(failed)));
        json.add("shim", shim(pod));
        network(pod, record).ifPresent(network -> json.add("network", network));
        record.plan()
                .ifPresent(
                        plan -> json.add("settings", array(plan.settings(), Inspection::setting)));
        json.add("containers", array(record.containers().values(), Inspection::container));
        json.add("drivers", array(record.handles().values(), Inspection::handle));
        json.add("effects", array(record.effects(), Inspection::effect));
        json.add("start_steps", array(record.steps(), Inspection::step));
        return GSON.toJson(json);
    }

    private static JsonObject machine(SandboxRecord record) {
        Entry.Machine machine = record.machine();
        JsonObject json = new JsonObject();
        json.addProperty("phase", machine.phase().name().toLowerCase(Locale.ROOT));
        json.addProperty("pid", machine.pid());
        json.addProperty("reason", machine.reason());
        record.plan()
                .ifPresent(
                        plan -> {
                            json.addProperty("memory_bytes", plan.memory());
                            json.addProperty("container_memory_bytes", plan.containerMemory());
                            json.addProperty("cpus", plan.cpus());
                            json.addProperty("boot_memory_bytes", plan.room().bootMemory());
                            json.addProperty(
                                    "container_memory_ceiling_bytes",
                                    plan.room().containerMemoryCeiling());
                            json.addProperty("cpu_ceiling", plan.room().cpuCeiling());
                        });
        return json;
    }

    /** Of what is left, see the drivers' handles and the effects. */
    private static JsonObject removal(Removal.Failed failed) {
        JsonObject json = new JsonObject();
        json.addProperty("failed_attempts", failed.attempts());
        json.addProperty("reason", failed.why());
        return json;
    }

    private static JsonObject shim(Pod pod) {
        JsonObject json = new JsonObject();
        json.addProperty("instance", pod.record().identity().instance());
        json.addProperty("connected", pod.node().shims().find(pod.owner()).isPresent());
        pod.shimIdentity()
                .ifPresent(
                        shim -> {
                            json.addProperty("pid", shim.pid());
                            json.addProperty("version", shim.version());
                        });
        return json;
    }

    /** Of a network that hako made. */
    private static Optional<JsonObject> network(Pod pod, SandboxRecord record) {
        return HostEffects.linkAddresses(record)
                .findFirst()
                .map(
                        addresses -> {
                            JsonObject json = new JsonObject();
                            json.addProperty("namespace", PodNetwork.namespace(pod).toString());
                            json.addProperty("interface", PodNetwork.INTERFACE);
                            json.addProperty("address", addresses.pod().address().getHostAddress());
                            json.addProperty("host_link", new PodNetwork(pod).hostEnd());
                            json.addProperty(
                                    "host_address", addresses.host().address().getHostAddress());
                            return json;
                        });
    }

    private static JsonObject setting(Entry.Setting setting) {
        JsonObject json = new JsonObject();
        json.addProperty("key", setting.key());
        json.addProperty("value", setting.value());
        json.addProperty("from", setting.from());
        return json;
    }

    private static JsonObject container(ContainerRecord container) {
        JsonObject json = new JsonObject();
        json.addProperty("id", container.id());
        json.addProperty("name", container.facts().name());
        json.addProperty("image", container.facts().image());
        json.addProperty("bundle", container.facts().bundle());
        json.addProperty("sandbox", container.facts().sandbox());
        JsonArray command = new JsonArray();
        container.facts().command().forEach(command::add);
        json.add("command", command);
        json.add("processes", array(container.processes().values(), Inspection::process));
        return json;
    }

    private static JsonObject process(ProcessRecord process) {
        JsonObject json = new JsonObject();
        json.addProperty("exec_id", process.facts().exec());
        json.addProperty("state", process.phase().name().toLowerCase(Locale.ROOT));
        json.addProperty("terminal", process.facts().terminal());
        json.addProperty("stdin", process.facts().stdin());
        json.addProperty("stdout", process.facts().stdout());
        json.addProperty("stderr", process.facts().stderr());
        process.exit()
                .ifPresent(
                        exit -> {
                            json.addProperty("exit_status", exit.status());
                            json.addProperty("exited_at", exit.at().toString());
                            json.addProperty("reason", exit.reason());
                        });
        return json;
    }

    private static JsonObject handle(Entry.Handle handle) {
        JsonObject json = new JsonObject();
        json.addProperty("slot", handle.slot());
        json.addProperty("driver", handle.driver());
        json.addProperty("schema", handle.schema());
        json.add("state", JsonParser.parseString(handle.state()));
        json.add("settings", JsonParser.parseString(handle.settings()));
        return json;
    }

    private static JsonObject effect(Effect effect) {
        JsonObject json = new JsonObject();
        json.addProperty("slot", effect.slot());
        json.addProperty("kind", effect.kind());
        json.addProperty("name", effect.name());
        json.addProperty("done", effect.done());
        return json;
    }

    private static JsonObject step(Entry.Step step) {
        JsonObject json = new JsonObject();
        json.addProperty("name", step.name());
        json.addProperty("milliseconds", step.micros() / 1000.0);
        return json;
    }

    private static <T> JsonElement array(Collection<T> values, Function<T, JsonObject> shown) {
        JsonArray array = new JsonArray();
        values.forEach(value -> array.add(shown.apply(value)));
        return array;
    }
}
