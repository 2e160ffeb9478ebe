// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.hako.api.types.ExitStatus;
import io.hako.fake.node.FakeCall;
import io.hako.fake.node.FakeProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Speaks QMP as QEMU does, one client at a time, for a process that a fake node runs; its guest
 * obeys at once.
 */
final class FakeQemu {
    private final FakeProcess process;
    private final ServerSocketChannel listener;
    private final Map<String, JsonObject> peripherals = new LinkedHashMap<>();
    private final TreeSet<String> backends = new TreeSet<>();
    private final FakeQemuSize size;
    private String status = "prelaunch";

    private FakeQemu(FakeProcess process, ServerSocketChannel listener) {
        this.process = process;
        this.listener = listener;
        size = new FakeQemuSize(process.spec().command());
        readCommandLine(process.spec().command());
    }

    static void start(FakeProcess process, ServerSocketChannel listener) {
        FakeQemu qemu = new FakeQemu(process, listener);
        Thread.ofVirtual().name("fake-qemu").start(qemu::serve);
    }

    private void readCommandLine(List<String> command) {
        for (int i = 0; i + 1 < command.size(); i++) {
            String value = command.get(i + 1);
            switch (command.get(i)) {
                case "-device" ->
                        plug(
                                value.startsWith("{")
                                        ? JsonParser.parseString(value).getAsJsonObject()
                                        : pairs(value));
                case "-chardev" -> backends.add(pairs(value).get("id").getAsString());
                default -> {}
            }
        }
    }

    private static JsonObject pairs(String options) {
        JsonObject all = new JsonObject();
        String[] words = options.split(",");
        all.addProperty("driver", words[0]);
        for (String word : List.of(words).subList(1, words.length)) {
            all.addProperty(word.split("=")[0], word.split("=")[1]);
        }
        return all;
    }

    private void plug(JsonObject device) {
        if (device.has("id")) {
            peripherals.put(device.get("id").getAsString(), device);
        }
    }

    private void serve() {
        while (process.exit().isEmpty()) {
            try (SocketChannel client = listener.accept()) {
                Thread.ofVirtual().start(() -> closeWhenEnded(client));
                talk(client);
            } catch (IOException e) {
                return; // the node is undone
            }
        }
    }

    private void closeWhenEnded(SocketChannel client) {
        process.awaitExit(FakeCall.within(Duration.ofMinutes(5)));
        try {
            client.close();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private void talk(SocketChannel client) throws IOException {
        BufferedReader in = new BufferedReader(Channels.newReader(client, StandardCharsets.UTF_8));
        Writer out = Channels.newWriter(client, StandardCharsets.UTF_8);
        say(out, "{\"QMP\":{\"version\":{},\"capabilities\":[]}}");
        try {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                answer(JsonParser.parseString(line).getAsJsonObject(), out);
            }
        } catch (IOException e) {
            // The client or the process is gone: the next client is waited for.
        }
    }

    private void answer(JsonObject request, Writer out) throws IOException {
        JsonObject arguments = request.getAsJsonObject("arguments");
        List<JsonObject> events = new ArrayList<>();
        JsonObject answer = new JsonObject();
        String refusal = "";
        try {
            answer.add("return", perform(request.get("execute").getAsString(), arguments, events));
        } catch (IllegalArgumentException e) {
            refusal = e.getMessage();
        }
        if (!refusal.isEmpty()) {
            answer.add(
                    "error",
                    JsonParser.parseString(
                            "{\"class\":\"GenericError\",\"desc\":\"%s\"}".formatted(refusal)));
        }
        answer.add("id", request.get("id"));
        say(out, answer.toString());
        for (JsonObject event : events) {
            say(out, event.toString());
        }
        if (request.get("execute").getAsString().equals("quit")) {
            process.end(new ExitStatus.Exited(0));
        }
    }

    private JsonElement perform(String command, JsonObject arguments, List<JsonObject> events) {
        return switch (command) {
            case "qmp_capabilities", "quit", "getfd" -> new JsonObject();
            case "cont" -> become("running");
            case "stop" -> become("paused");
            case "query-status" -> object("status", status);
            case "query-chardev" -> list(backends.stream().map(id -> object("label", id)).toList());
            case "qom-list" ->
                    list(peripherals.values().stream().map(FakeQemu::described).toList());
            case "qom-get" -> property(arguments);
            case "chardev-add" -> addBackend(arguments.get("id").getAsString());
            case "chardev-remove" -> removeBackend(arguments.get("id").getAsString());
            case "query-memory-devices" -> size.memoryDevices();
            case "qom-set" -> size.request(arguments);
            case "query-hotpluggable-cpus" -> size.cpus();
            case "device_add" ->
                    FakeQemuSize.isCpu(arguments) ? size.addCpu(arguments) : addDevice(arguments);
            case "device_del" -> removeDevice(arguments.get("id").getAsString(), events);
            default ->
                    throw new IllegalArgumentException(
                            "The command " + command + " has not been found");
        };
    }

    private JsonObject become(String now) {
        status = now;
        return new JsonObject();
    }

    private JsonElement property(JsonObject arguments) {
        String path = arguments.get("path").getAsString();
        JsonObject device = peripherals.get(path.substring(path.lastIndexOf('/') + 1));
        String name = arguments.get("property").getAsString();
        if (device == null) {
            throw new IllegalArgumentException("Device '" + path + "' not found");
        }
        return name.equals("parent_bus")
                ? object("x", "/machine/peripheral/P/" + device.get("bus").getAsString()).get("x")
                : device.get(name);
    }

    private JsonObject addBackend(String id) {
        if (!backends.add(id)) {
            throw new IllegalArgumentException("Chardev '" + id + "' already exists");
        }
        return new JsonObject();
    }

    private JsonObject removeBackend(String id) {
        if (peripherals.values().stream()
                .anyMatch(
                        device ->
                                device.has("chardev")
                                        && device.get("chardev").getAsString().equals(id))) {
            throw new IllegalArgumentException("Chardev '" + id + "' is busy");
        }
        if (!backends.remove(id)) {
            throw new IllegalArgumentException("Chardev '" + id + "' not found");
        }
        return new JsonObject();
    }

    private JsonObject addDevice(JsonObject device) {
        if (peripherals.containsKey(device.get("id").getAsString())) {
            throw new IllegalArgumentException("Duplicate device ID");
        }
        if (!backends.contains(device.get("chardev").getAsString())) {
            throw new IllegalArgumentException("can't find value");
        }
        plug(device);
        return new JsonObject();
    }

    private JsonObject removeDevice(String id, List<JsonObject> events) {
        if (peripherals.remove(id) == null) {
            throw new IllegalArgumentException("Device '" + id + "' not found");
        }
        JsonObject event = object("event", "DEVICE_DELETED");
        event.add("data", object("device", id));
        events.add(event);
        return new JsonObject();
    }

    private static JsonObject described(JsonObject device) {
        JsonObject all = object("name", device.get("id").getAsString());
        all.addProperty("type", "child<" + device.get("driver").getAsString() + ">");
        return all;
    }

    private static JsonObject object(String key, String value) {
        JsonObject object = new JsonObject();
        object.addProperty(key, value);
        return object;
    }

    private static JsonArray list(List<JsonObject> objects) {
        JsonArray array = new JsonArray();
        objects.forEach(array::add);
        return array;
    }

    private static void say(Writer out, String line) throws IOException {
        out.write(line + "\r\n");
        out.flush();
    }
}
