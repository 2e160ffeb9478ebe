// SPDX-License-Identifier: Apache-2.0
package io.hako.storage.virtiofs;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.hako.api.device.VirtioFsShare;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.SchemaRange;
import io.hako.api.storage.GuestSource;
import io.hako.api.storage.GuestStep;
import io.hako.api.storage.VolumeId;
import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.DriverKind;
import io.hako.api.types.FailureKind;
import io.hako.api.types.GuestPath;
import java.nio.file.Path;
import java.util.List;

/** A shared directory, by what names are made of; all that stays of it when nobody holds it. */
record Share(VolumeId id, boolean readOnly, GuestPath target) {
    static final DriverId DRIVER = new DriverId(DriverKind.STORAGE, "virtio-fs");
    static final SchemaRange SCHEMAS = new SchemaRange(1, 1);

    String role() {
        return "virtiofsd-" + id;
    }

    /** The name of the socket among the sandbox's kept files. */
    String socketName() {
        return role();
    }

    /** Where the backend listens: a short name, since the whole path has a limit. */
    static Path socket(Path workspace) {
        return workspace.resolve("fs.sock");
    }

    /** Where a read-only share is bound, so that it is the host that refuses to write. */
    static Path readOnlyView(Path workspace) {
        return workspace.resolve("ro");
    }

    VirtioFsShare device(Path workspace) {
        return new VirtioFsShare(new DeviceId(tag()), tag(), socket(workspace));
    }

    GuestStep guestStep() {
        return new GuestStep.MountFilesystem(
                "virtiofs",
                new GuestSource.Tag(tag()),
                target,
                readOnly ? List.of("ro") : List.of());
    }

    HandleState toHandleState() {
        JsonObject json = new JsonObject();
        json.addProperty("id", id.value());
        json.addProperty("readOnly", readOnly);
        json.addProperty("target", target.text());
        return new HandleState(DRIVER, SCHEMAS.written(), json.toString());
    }

    /**
     * @throws DriverException UNSUPPORTED if the schema is one that this version cannot read;
     *     INTERNAL if it is no such state
     */
    static Share of(HandleState state) {
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
            return new Share(
                    new VolumeId(json.get("id").getAsString()),
                    json.get("readOnly").getAsBoolean(),
                    new GuestPath(json.get("target").getAsString()));
        } catch (JsonParseException
                | IllegalStateException
                | NullPointerException
                | DriverException e) {
            throw new DriverException(
                    FailureKind.INTERNAL, "The state of a virtio-fs share cannot be read.", e);
        }
    }

    private String tag() {
        return "hako-" + id;
    }
}
