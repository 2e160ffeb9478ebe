// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The part of {@link FakeQemu} that says how large the machine is; its guest takes all at once. */
final class FakeQemuSize {
    private static final String CPU = "max-x86_64-cpu";

    private final String memoryDevice;
    private final long mostMemory;
    private final int mostCpus;
    private long memory;
    private int cpus;

    FakeQemuSize(List<String> command) {
        String line = String.join(" ", command);
        memoryDevice = first("-device virtio-mem-pci,id=(\\w+)", line, "");
        mostMemory = Long.parseLong(first("id=growth-memory,.*?size=(\\d+)", line, "0"));
        cpus = Integer.parseInt(first("cpus=(\\d+)", line, "1"));
        mostCpus = Integer.parseInt(first("maxcpus=(\\d+)", line, "1"));
    }

    private static String first(String pattern, String text, String absent) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        return matcher.find() ? matcher.group(1) : absent;
    }

    JsonElement memoryDevices() {
        JsonArray all = new JsonArray();
        if (!memoryDevice.isEmpty()) {
            JsonObject data = new JsonObject();
            data.addProperty("id", memoryDevice);
            data.addProperty("size", memory);
            data.addProperty("max-size", mostMemory);
            JsonObject device = new JsonObject();
            device.add("data", data);
            all.add(device);
        }
        return all;
    }

    JsonElement request(JsonObject arguments) {
        if (!arguments.get("path").getAsString().equals("/machine/peripheral/" + memoryDevice)) {
            throw new IllegalArgumentException("Device not found");
        }
        long wanted = arguments.get("value").getAsLong();
        if (wanted > mostMemory) {
            throw new IllegalArgumentException("'requested-size' cannot exceed the memory backend");
        }
        memory = wanted;
        return new JsonObject();
    }

    /** As QEMU does, the highest first. */
    JsonElement cpus() {
        JsonArray all = new JsonArray();
        for (int number = mostCpus - 1; number >= 0; number--) {
            JsonObject props = new JsonObject();
            props.addProperty("core-id", number);
            JsonObject cpu = new JsonObject();
            cpu.addProperty("type", CPU);
            cpu.add("props", props);
            if (number < cpus) {
                cpu.addProperty("qom-path", "/machine/peripheral/cpu" + number);
            }
            all.add(cpu);
        }
        return all;
    }

    static boolean isCpu(JsonObject device) {
        return device.get("driver").getAsString().equals(CPU);
    }

    JsonElement addCpu(JsonObject device) {
        if (device.get("core-id").getAsInt() != cpus) {
            throw new IllegalArgumentException("CPU is already present, or not the next one");
        }
        cpus++;
        return new JsonObject();
    }
}
