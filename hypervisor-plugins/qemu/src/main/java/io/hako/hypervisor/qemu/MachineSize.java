// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.hako.api.types.Call;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.StreamSupport;

/**
 * Changes a machine's size while it runs. Memory beyond what it booted with is that of one
 * virtio-mem device, of which the guest takes as much as is requested (QEMU
 * docs/system/devices/virtio-mem); CPUs are plugged in one by one. Nothing is remembered: QEMU is
 * asked each time.
 */
final class MachineSize {
    /** Id of the virtio-mem device. */
    static final String DEVICE = "growth";

    /** Smallest amount that the guest can be given, and the device's block size. */
    static final MemorySize UNIT = MemorySize.ofMebibytes(2);

    /**
     * How long a guest may take over more memory: an idle one takes gigabytes in half a second,
     * also when it is emulated. Of a call's time, half is left for what comes after.
     */
    private static final Duration LONGEST_TAKING = Duration.ofSeconds(10);

    /**
     * Between two looks at what the guest has taken. QEMU tells it by an event too, but at most
     * once a second.
     */
    private static final Duration CHECK = Duration.ofMillis(10);

    private final QmpConnection qmp;
    private final MemorySize booted;

    /**
     * @param booted what the machine was started with
     */
    MachineSize(QmpConnection qmp, MemorySize booted) {
        this.qmp = qmp;
        this.booted = booted;
    }

    /** What the device can give, and what the guest has of it; in bytes. */
    private record Growth(long most, long taken) {}

    /**
     * Has the guest take memory, and waits until it has; or lets it give some back, which it goes
     * on doing after this.
     *
     * @return what the machine has now
     */
    MemorySize memory(MemorySize wanted, Call call) {
        Growth before = growth(call);
        MemorySize ceiling = booted.plus(new MemorySize(before.most()));
        if (wanted.compareTo(ceiling) > 0) {
            throw new DriverException(
                    FailureKind.EXHAUSTED,
                    "The machine cannot have %s of memory: it was started to have at most %s."
                            .formatted(wanted, ceiling));
        }
        long more = Math.max(0, wanted.roundedUpTo(UNIT).bytes() - booted.bytes());
        if (before.most() > 0) {
            request(more, call);
        }
        return booted.plus(new MemorySize(awaitTaken(more, call)));
    }

    private void request(long bytes, Call call) {
        JsonObject arguments = new JsonObject();
        arguments.addProperty("path", DeviceBay.PERIPHERALS + "/" + DEVICE);
        arguments.addProperty("property", "requested-size");
        arguments.addProperty("value", bytes);
        qmp.demand("qom-set", arguments, call);
    }

    private long awaitTaken(long wanted, Call call) {
        Duration half = call.remaining().dividedBy(2);
        Duration patience = half.compareTo(LONGEST_TAKING) < 0 ? half : LONGEST_TAKING;
        long giveUp = System.nanoTime() + patience.toNanos();
        long taken = growth(call).taken();
        while (taken < wanted && System.nanoTime() - giveUp < 0) {
            call.checkCancelled();
            LockSupport.parkNanos(CHECK.toNanos());
            taken = growth(call).taken();
        }
        return taken;
    }

    private Growth growth(Call call) {
        for (JsonElement device :
                qmp.demand("query-memory-devices", new JsonObject(), call).getAsJsonArray()) {
            JsonObject data = device.getAsJsonObject().getAsJsonObject("data");
            if (data.has("id") && data.get("id").getAsString().equals(DEVICE)) {
                return new Growth(data.get("max-size").getAsLong(), data.get("size").getAsLong());
            }
        }
        return new Growth(0, 0);
    }

    /**
     * Plugs in CPUs. None is taken out: one without work costs next to nothing, and its guest may
     * need seconds to let go of it.
     *
     * @return how many the machine has now
     */
    CpuCount cpus(CpuCount wanted, Call call) {
        List<JsonObject> sockets = sockets(call);
        if (wanted.count() > sockets.size()) {
            throw new DriverException(
                    FailureKind.EXHAUSTED,
                    "The machine cannot have %s CPUs: it was started to have at most %d."
                            .formatted(wanted, sockets.size()));
        }
        List<JsonObject> free = sockets.stream().filter(cpu -> !cpu.has("qom-path")).toList();
        int present = sockets.size() - free.size();
        for (int number = present; number < wanted.count(); number++) {
            qmp.demand("device_add", cpu(number, free.get(number - present)), call);
        }
        return new CpuCount(Math.max(present, wanted.count()));
    }

    private static JsonObject cpu(int number, JsonObject socket) {
        JsonObject device = socket.getAsJsonObject("props").deepCopy();
        device.addProperty("driver", socket.get("type").getAsString());
        device.addProperty("id", "cpu" + number);
        return device;
    }

    /** The machine's places for CPUs, the lowest first; those that are taken have a path. */
    private List<JsonObject> sockets(Call call) {
        return StreamSupport.stream(
                        qmp.demand("query-hotpluggable-cpus", new JsonObject(), call)
                                .getAsJsonArray()
                                .spliterator(),
                        false)
                .map(JsonElement::getAsJsonObject)
                .toList()
                .reversed();
    }
}
