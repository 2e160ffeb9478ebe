// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import static org.junit.Assert.assertEquals;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.hako.itests.cri.NodeNetwork;
import io.hako.itests.machine.Node;
import io.hako.itests.machine.Result;
import io.hako.itests.machine.Running;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A pod's network namespace, which CNI plugins of the distribution fill as a container runtime has
 * them do: one after the other, each with what the one before it answered (CNI specification 1.0,
 * section 4).
 */
final class PodNamespace implements AutoCloseable {
    private static final String PLUGINS = "/usr/lib/cni";

    private final Node node;
    private final NodeNetwork network;
    private final String name;
    private final Map<String, JsonObject> added = new LinkedHashMap<>();
    private final Map<String, JsonElement> answers = new LinkedHashMap<>();

    PodNamespace(Node node, NodeNetwork network, String name) {
        this.node = node;
        this.network = network;
        this.name = "hako-pod-" + ProcessHandle.current().pid() + "-" + name;
        node.program("ip", "netns", "add", this.name);
        ip("link set lo up");
    }

    Path path() {
        return Path.of("/run/netns", name);
    }

    /** Makes an interface by a network configuration list. */
    void add(String link, String list) {
        JsonObject configuration = JsonParser.parseString(list).getAsJsonObject();
        added.put(link, configuration);
        plugins(configuration).forEach(plugin -> call("ADD", link, configuration, plugin));
    }

    private static List<JsonObject> plugins(JsonObject configuration) {
        return configuration.getAsJsonArray("plugins").asList().stream()
                .map(JsonElement::getAsJsonObject)
                .toList();
    }

    private void call(String verb, String link, JsonObject list, JsonObject plugin) {
        JsonObject input = plugin.deepCopy();
        input.add("cniVersion", list.get("cniVersion"));
        input.add("name", list.get("name"));
        if (answers.containsKey(link)) {
            input.add("prevResult", answers.get(link));
        }
        Map<String, String> environment =
                Map.of(
                        "CNI_COMMAND", verb,
                        "CNI_CONTAINERID", name,
                        "CNI_NETNS", path().toString(),
                        "CNI_IFNAME", link,
                        "CNI_PATH", PLUGINS);
        String program = PLUGINS + "/" + plugin.get("type").getAsString();
        // The plugin answers once it has read its input to the end.
        String script = "printf %s \"$1\" | " + program;
        List<String> command = network.inside("sh", "-c", script, "sh", input.toString());
        try (Running running = node.startProgram(command, environment)) {
            Result result = running.finish(Node.LIMIT);
            assertEquals(program + " " + verb + ": " + result, 0, result.exit());
            if (verb.equals("ADD")) {
                answers.put(link, JsonParser.parseString(result.text()));
            }
        }
    }

    /** An address that a plugin gave, without its prefix length. */
    String address(String link, int version) {
        JsonArray ips = answers.get(link).getAsJsonObject().getAsJsonArray("ips");
        return ips.asList().stream()
                .map(ip -> ip.getAsJsonObject().get("address").getAsString())
                .filter(address -> address.contains(":") == (version == 6))
                .map(address -> address.replaceFirst("/.*", ""))
                .findFirst()
                .orElseThrow();
    }

    /** Runs ip(8) in the namespace. */
    String ip(String arguments) {
        return run(("ip " + arguments).split(" "));
    }

    String run(String... command) {
        return node.program(inside(command).toArray(String[]::new)).text();
    }

    List<String> inside(String... command) {
        List<String> all = new ArrayList<>(List.of("nsenter", "--net=" + path()));
        all.addAll(List.of(command));
        return all;
    }

    /** Has the plugins undo what they did, and takes the namespace away. */
    @Override
    public void close() {
        try {
            added.forEach(
                    (link, list) ->
                            plugins(list)
                                    .reversed()
                                    .forEach(plugin -> call("DEL", link, list, plugin)));
        } finally {
            node.program("ip", "netns", "delete", name);
        }
    }
}
