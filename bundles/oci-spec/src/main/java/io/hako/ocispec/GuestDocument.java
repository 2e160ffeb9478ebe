// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.hako.api.types.GuestPath;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Rewrites a config.json for the guest. Whatever hako does not know stays as it is. */
final class GuestDocument {
    /**
     * Resources that name the host's disks, links or huge pages; the pod's own cgroup on the host
     * is where they count.
     */
    private static final List<String> HOST_RESOURCES =
            List.of("blockIO", "network", "rdma", "hugepageLimits");

    /** Numbers of the host's CPUs and memory nodes. */
    private static final List<String> HOST_CPUS = List.of("cpus", "mems");

    /** Controllers of cgroup v2 whose files name the host's CPUs, disks, links or pages. */
    private static final List<String> HOST_CONTROLLERS =
            List.of("cpuset.", "hugetlb.", "io.", "misc.", "rdma.");

    private static final Set<String> SHARED_IN_POD = Set.of("network", "ipc", "uts");

    private GuestDocument() {}

    static String of(OciSpec spec, GuestPlaces places) {
        JsonObject json = spec.source().node().object();
        json.getAsJsonObject("root").addProperty("path", places.rootfs().text());
        json.add("process", OciProcess.withoutLabels(json.getAsJsonObject("process")));
        if (json.has("mounts")) {
            json.add("mounts", mounts(spec, json.getAsJsonArray("mounts"), places));
        }
        addFiles(spec, json, places.files());
        if (joins(spec, "uts")) {
            // The pod's names are the guest's, and were given with its sandbox container.
            json.remove("hostname");
            json.remove("domainname");
        }
        linux(json.getAsJsonObject("linux"), places);
        if (json.get("hooks") instanceof JsonObject hooks) {
            OciHooks.OF_HOST.forEach(hooks::remove);
        }
        return JsonNode.text(json);
    }

    private static boolean joins(OciSpec spec, String type) {
        return spec.namespaces().stream()
                .anyMatch(
                        namespace -> namespace.type().equals(type) && namespace.path().isPresent());
    }

    private static JsonArray mounts(OciSpec spec, JsonArray old, GuestPlaces places) {
        JsonArray changed = new JsonArray();
        for (int i = 0; i < old.size(); i++) {
            JsonObject mount = old.get(i).getAsJsonObject();
            if (spec.mounts().get(i) instanceof OciMount.HostPath host) {
                mount.addProperty("source", places.hostPaths().apply(host).text());
            }
            changed.add(mount);
        }
        return changed;
    }

    private static void addFiles(OciSpec spec, JsonObject json, Map<String, GuestPath> files) {
        Set<String> taken =
                spec.mounts().stream().map(OciMount::destination).collect(Collectors.toSet());
        JsonArray mounts = json.has("mounts") ? json.getAsJsonArray("mounts") : new JsonArray();
        new TreeMap<>(files)
                .forEach(
                        (destination, source) -> {
                            if (!taken.contains(destination)) {
                                mounts.add(bind(source, destination));
                            }
                        });
        if (!mounts.isEmpty()) {
            json.add("mounts", mounts);
        }
    }

    private static JsonObject bind(GuestPath source, String destination) {
        JsonObject mount = new JsonObject();
        mount.addProperty("destination", destination);
        mount.addProperty("type", "bind");
        mount.addProperty("source", source.text());
        JsonArray options = new JsonArray();
        List.of("bind", "rprivate").forEach(options::add);
        mount.add("options", options);
        return mount;
    }

    private static void linux(JsonObject linux, GuestPlaces places) {
        linux.addProperty("cgroupsPath", "/hako/" + places.container());
        linux.remove("intelRdt");
        linux.remove("mountLabel");
        linux.add("namespaces", namespaces(linux.getAsJsonArray("namespaces"), places));
        if (linux.get("resources") instanceof JsonObject resources) {
            resources(resources);
        }
    }

    /** Leaves of {@code linux.resources} what a guest can honour. */
    static void resources(JsonObject resources) {
        HOST_RESOURCES.forEach(resources::remove);
        if (resources.get("cpu") instanceof JsonObject cpu) {
            HOST_CPUS.forEach(cpu::remove);
        }
        if (resources.get("unified") instanceof JsonObject unified) {
            List.copyOf(unified.keySet()).stream()
                    .filter(file -> HOST_CONTROLLERS.stream().anyMatch(file::startsWith))
                    .forEach(unified::remove);
        }
    }

    /**
     * The pod's namespaces are the guest's own, which a container joins by not asking for one. Only
     * the network is shared by every container; ipc and uts are where the caller gave a path to the
     * pod's. Processes share one that the agent makes.
     */
    private static JsonArray namespaces(JsonArray old, GuestPlaces places) {
        JsonArray kept = new JsonArray();
        for (JsonElement entry : old) {
            JsonObject namespace = entry.getAsJsonObject();
            String type = namespace.get("type").getAsString();
            boolean joined =
                    namespace.has("path") && !namespace.get("path").getAsString().isEmpty();
            if (joined && type.equals("pid")) {
                namespace.addProperty("path", places.processes().orElseThrow().text());
            }
            if (!type.equals("network") && !(joined && SHARED_IN_POD.contains(type))) {
                kept.add(namespace);
            }
        }
        return kept;
    }
}
