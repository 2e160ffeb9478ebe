// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import com.google.gson.JsonObject;
import io.hako.api.device.Device;
import io.hako.api.device.DeviceKind;
import io.hako.api.device.TapInterface;
import io.hako.api.device.VirtioFsShare;
import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverException;
import io.hako.api.types.PassedFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A device in QEMU's words: a frontend that the guest sees, and a backend that serves it.
 *
 * <p>The backend's name carries a digest of everything that makes the device what it is. So QEMU
 * itself can be asked whether an attached device is equal to another, also one that no record knows
 * of.
 *
 * @param id of the frontend in QEMU
 * @param kind of device
 * @param backend what serves it
 * @param properties of the frontend, the name of its model ("driver") included
 */
record DeviceModel(String id, DeviceKind kind, Backend backend, JsonObject properties) {
    /**
     * QEMU's ids begin with a letter, a DeviceId may begin with a digit; and no other id of QEMU's
     * begins so.
     */
    private static final String PREFIX = "dev-";

    private static final String SHARE_MODEL = "vhost-user-fs-pci";
    private static final String NETWORK_MODEL = "virtio-net-pci";

    /** What serves a device. */
    sealed interface Backend {
        String id();

        /** A character device that is connected to a listening unix socket. */
        record Socket(String id, Path path) implements Backend {}

        /** A network backend over the queues of a tap. */
        record Tap(String id, List<PassedFile> queues) implements Backend {}
    }

    /**
     * @throws DriverException UNSUPPORTED for a kind that this driver does not know
     */
    static DeviceModel of(Device device) {
        return switch (device) {
            case VirtioFsShare share -> share(share);
            case TapInterface tap -> tap(tap);
            default ->
                    throw DriverException.unsupported(
                            "QEMU's driver cannot attach device %s: it knows no %s."
                                    .formatted(device.id(), device.kind()));
        };
    }

    static String frontendId(DeviceId device) {
        return PREFIX + device;
    }

    static boolean isFrontend(String id) {
        return id.startsWith(PREFIX);
    }

    /** The kind of device that a model of QEMU's is; for models that this driver attaches. */
    static DeviceKind kindOf(String model) {
        return model.equals(NETWORK_MODEL) ? DeviceKind.TAP_INTERFACE : DeviceKind.VIRTIO_FS_SHARE;
    }

    /** The property of the frontend that names its backend. */
    static String backendProperty(DeviceKind kind) {
        return kind == DeviceKind.TAP_INTERFACE ? "netdev" : "chardev";
    }

    static boolean canAttachHot(DeviceKind kind) {
        return kind == DeviceKind.VIRTIO_FS_SHARE;
    }

    /** The frontend's properties, plugged into a root port. */
    JsonObject frontendAt(String port) {
        JsonObject frontend = properties.deepCopy();
        frontend.addProperty("id", id);
        frontend.addProperty(backendProperty(kind), backend.id());
        frontend.addProperty("bus", port);
        return frontend;
    }

    private static DeviceModel share(VirtioFsShare share) {
        JsonObject properties = new JsonObject();
        properties.addProperty("driver", SHARE_MODEL);
        properties.addProperty("tag", share.tag());
        String name = backendId(share.id(), share.tag(), share.socket());
        return new DeviceModel(
                frontendId(share.id()),
                share.kind(),
                new Backend.Socket(name, share.socket()),
                properties);
    }

    private static DeviceModel tap(TapInterface tap) {
        JsonObject properties = new JsonObject();
        properties.addProperty("driver", NETWORK_MODEL);
        properties.addProperty("mac", tap.mac().toString());
        properties.addProperty("host_mtu", tap.mtu());
        // The ROM is for booting from the network; its file is in a package of its own, and QEMU
        // does not start without it.
        properties.addProperty("romfile", "");
        if (tap.queues() > 1) {
            properties.addProperty("mq", true);
            // One for each direction of each queue pair, one for the control queue, one for
            // configuration changes.
            properties.addProperty("vectors", 2 * tap.queues() + 2);
        }
        String name =
                backendId(tap.id(), tap.mac(), tap.mtu(), tap.tap(), tap.network(), tap.queues());
        List<PassedFile> queues =
                IntStream.range(0, tap.queues())
                        .<PassedFile>mapToObj(
                                queue ->
                                        new PassedFile.TapQueue(
                                                "%s-q%d".formatted(tap.id(), queue),
                                                tap.tap(),
                                                tap.network(),
                                                true,
                                                tap.queues() > 1))
                        .toList();
        return new DeviceModel(
                frontendId(tap.id()), tap.kind(), new Backend.Tap(name, queues), properties);
    }

    private static String backendId(DeviceId device, Object... traits) {
        return frontendId(device) + "." + digest(Arrays.toString(traits));
    }

    private static String digest(String traits) {
        try {
            byte[] sum =
                    MessageDigest.getInstance("SHA-256")
                            .digest(traits.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(sum, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256 (MessageDigest).", e);
        }
    }
}
