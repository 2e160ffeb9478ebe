// SPDX-License-Identifier: Apache-2.0
package io.hako.network.tcfilter;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.hako.api.device.TapInterface;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.SchemaRange;
import io.hako.api.network.NetworkSource.PodLink;
import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.DriverKind;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MacAddress;
import io.hako.api.types.NetworkNamespace;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A link of the pod and the tap that it is joined to; all that stays of an attachment when nobody
 * holds it.
 *
 * @param network the namespace of both
 * @param link name of the pod's link
 * @param mac its address, and so the guest's
 * @param deviceMtu bytes that the guest's interface was made for: a device stays what it is
 * @param linkMtu bytes that the link has now
 */
record Joint(NetworkNamespace network, String link, MacAddress mac, int deviceMtu, int linkMtu) {
    static final DriverId DRIVER = new DriverId(DriverKind.NETWORK, "tcfilter");
    static final SchemaRange SCHEMAS = new SchemaRange(1, 1);

    private static final int LONGEST_NAME = 15;

    static Joint of(PodLink link) {
        return new Joint(link.network(), link.name(), link.mac(), link.mtu(), link.mtu());
    }

    Joint withLinkMtu(int mtu) {
        return new Joint(network, link, mac, deviceMtu, mtu);
    }

    boolean joins(PodLink other) {
        return other.network().equals(network) && other.name().equals(link);
    }

    /**
     * The tap's name follows from the link's, so that a repeated try finds what an interrupted one
     * left.
     */
    String tap() {
        String name = "tap-" + link;
        return name.length() <= LONGEST_NAME && link.matches("[A-Za-z0-9_.-]+")
                ? name
                : "tap_" + digest();
    }

    TapInterface device() {
        return new TapInterface(new DeviceId(tap()), mac, deviceMtu, tap(), network, 1);
    }

    HandleState toHandleState() {
        JsonObject json = new JsonObject();
        json.addProperty("network", network.path().toString());
        json.addProperty("link", link);
        json.addProperty("mac", mac.toString());
        json.addProperty("deviceMtu", deviceMtu);
        json.addProperty("linkMtu", linkMtu);
        return new HandleState(DRIVER, SCHEMAS.written(), json.toString());
    }

    /**
     * @throws DriverException UNSUPPORTED if the schema is one that this version cannot read;
     *     INTERNAL if it is no such state
     */
    static Joint of(HandleState state) {
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
            return new Joint(
                    new NetworkNamespace(Path.of(json.get("network").getAsString())),
                    json.get("link").getAsString(),
                    new MacAddress(json.get("mac").getAsString()),
                    json.get("deviceMtu").getAsInt(),
                    json.get("linkMtu").getAsInt());
        } catch (JsonParseException
                | IllegalStateException
                | NullPointerException
                | NumberFormatException
                | DriverException e) {
            throw new DriverException(
                    FailureKind.INTERNAL, "The state of a tcfilter attachment cannot be read.", e);
        }
    }

    private String digest() {
        try {
            byte[] sum =
                    MessageDigest.getInstance("SHA-256")
                            .digest(link.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(sum, 0, 5);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256 (MessageDigest).", e);
        }
    }
}
