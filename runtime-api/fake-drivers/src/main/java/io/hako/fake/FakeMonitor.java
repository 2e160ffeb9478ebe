// SPDX-License-Identifier: Apache-2.0
package io.hako.fake;

import com.google.gson.Gson;
import io.hako.api.device.Device;
import io.hako.api.device.DeviceKind;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What a monitor process would know: kept in a file, so that it is there for whoever adopts the
 * machine.
 */
final class FakeMonitor {
    private final Path file;

    FakeMonitor(Path workspace) {
        this.file = workspace.resolve("monitor.json");
    }

    /** One plugged device: what it is, in full, as text. */
    record Plugged(DeviceKind kind, String device, boolean hot) {
        static Plugged of(Device device, boolean hot) {
            return new Plugged(device.kind(), device.toString(), hot);
        }
    }

    /** Memory in bytes. */
    record Size(long memory, int cpus) {}

    /**
     * @param least the size that it booted with
     * @param most its spec's ceilings
     */
    record Contents(
            boolean booted,
            boolean paused,
            Size size,
            Size least,
            Size most,
            Map<String, Plugged> devices) {
        Contents running(boolean isPaused) {
            return new Contents(true, isPaused, size, least, most, devices);
        }

        Contents sized(long toMemory, int toCpus) {
            Size wanted =
                    new Size(Math.max(toMemory, least.memory()), Math.max(toCpus, least.cpus()));
            return new Contents(booted, paused, wanted, least, most, devices);
        }

        Contents with(String id, Plugged device) {
            Map<String, Plugged> more = new LinkedHashMap<>(devices);
            more.put(id, device);
            return new Contents(booted, paused, size, least, most, more);
        }

        Contents without(String id) {
            Map<String, Plugged> less = new LinkedHashMap<>(devices);
            less.remove(id);
            return new Contents(booted, paused, size, least, most, less);
        }

        Optional<Plugged> device(String id) {
            return Optional.ofNullable(devices.get(id));
        }

        long hotDevices(DeviceKind kind) {
            return devices.values().stream().filter(d -> d.hot() && d.kind() == kind).count();
        }
    }

    Contents read() {
        try {
            return new Gson().fromJson(Files.readString(file), Contents.class);
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The monitor's file %s cannot be read.".formatted(file),
                    e);
        }
    }

    void write(Contents contents) {
        try {
            Files.writeString(file, new Gson().toJson(contents));
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The monitor's file %s cannot be written.".formatted(file),
                    e);
        }
    }
}
