// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.SchemaRange;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.DriverKind;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import java.util.Arrays;

/**
 * What stays of a machine when nobody holds it. Everything else QEMU itself can be asked.
 *
 * @param machine its type with version: a QEMU that takes it over is started with the same
 * @param accelerator likewise
 * @param memory likewise
 */
record VmState(String machine, Accelerator accelerator, MemorySize memory) {
    static final DriverId DRIVER = new DriverId(DriverKind.HYPERVISOR, "qemu");
    static final SchemaRange SCHEMAS = new SchemaRange(1, 1);

    HandleState toHandleState() {
        JsonObject json = new JsonObject();
        json.addProperty("machine", machine);
        json.addProperty("accelerator", accelerator.word());
        json.addProperty("memory", memory.bytes());
        return new HandleState(DRIVER, SCHEMAS.written(), json.toString());
    }

    /**
     * @throws DriverException UNSUPPORTED if the schema is one that this version cannot read;
     *     INTERNAL if it is no such state
     */
    static VmState of(HandleState state) {
        if (!state.driver().equals(DRIVER) || !SCHEMAS.reads(state.schema())) {
            throw DriverException.unsupported(
                    "The driver %s adopts its own state of schema %d to %d, but was given schema %d of %s."
                            .formatted(
                                    DRIVER,
                                    SCHEMAS.oldest(),
                                    SCHEMAS.written(),
                                    state.schema(),
                                    state.driver()));
        }
        try {
            JsonObject json = JsonParser.parseString(state.json()).getAsJsonObject();
            return new VmState(
                    json.get("machine").getAsString(),
                    accelerator(json.get("accelerator").getAsString()),
                    new MemorySize(json.get("memory").getAsLong()));
        } catch (JsonParseException
                | IllegalStateException
                | NullPointerException
                | NumberFormatException e) {
            throw unreadable(state.json(), e);
        }
    }

    private static Accelerator accelerator(String word) {
        return Arrays.stream(Accelerator.values())
                .filter(accelerator -> accelerator.word().equals(word))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("Unknown accelerator " + word));
    }

    private static DriverException unreadable(String json, Exception cause) {
        return new DriverException(
                FailureKind.INTERNAL,
                "The state of a QEMU machine cannot be read: \"%s\"."
                        .formatted(PlainText.line(json, 200)),
                cause);
    }
}
