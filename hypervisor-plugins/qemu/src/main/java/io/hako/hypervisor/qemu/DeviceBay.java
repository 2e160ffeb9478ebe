// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.hako.api.device.DeviceKind;
import io.hako.api.host.Host;
import io.hako.api.types.Call;
import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Plugs devices into the machine's PCIe root ports and out of them. Nothing is remembered: QEMU is
 * asked each time what is attached, so that a call cut off half-way is carried on by the next one.
 */
final class DeviceBay {
    /** Where QEMU has the devices that were given an id. */
    static final String PERIPHERALS = "/machine/peripheral";

    private static final String PORT = "port";

    /**
     * The name under which QEMU holds a connection from the moment that it is given it until a
     * backend takes it.
     */
    private static final String HANDED_OVER = "handed-over";

    private final QmpConnection qmp;
    private final Host host;
    private final int sparePorts;

    /**
     * @param sparePorts how many the machine was made with for devices attached later
     */
    DeviceBay(QmpConnection qmp, Host host, int sparePorts) {
        this.qmp = qmp;
        this.host = host;
        this.sparePorts = sparePorts;
    }

    /** The name of a root port; they are counted from 0. */
    static String port(int number) {
        return PORT + number;
    }

    /** What QEMU says is in the ports. */
    private record Survey(List<Attached> attached, List<String> ports) {
        Optional<Attached> find(String frontend) {
            return attached.stream()
                    .filter(device -> device.frontend().equals(frontend))
                    .findFirst();
        }

        Optional<String> freePort() {
            List<String> taken = attached.stream().map(Attached::port).toList();
            return ports.stream().filter(port -> !taken.contains(port)).findFirst();
        }
    }

    private record Attached(String frontend, DeviceKind kind, String backend, String port) {}

    /** Plugs a device in, unless an equal one is. */
    void attach(DeviceId device, DeviceModel model, Call call) {
        Survey survey = survey(call);
        Optional<Attached> present = survey.find(model.id());
        if (present.isPresent()) {
            requireEqual(device, model, present.get());
            return;
        }
        if (!DeviceModel.canAttachHot(model.kind())
                || !(model.backend() instanceof DeviceModel.Backend.Socket socket)) {
            throw DriverException.unsupported(
                    "Device %s (%s) can be attached only before the machine starts."
                            .formatted(device, model.kind()));
        }
        String port =
                survey.freePort()
                        .orElseThrow(
                                () ->
                                        new DriverException(
                                                FailureKind.EXHAUSTED,
                                                "Device %s finds no free PCIe port: the machine has %d for devices attached later. Set spare_ports in [hypervisor.qemu] higher."
                                                        .formatted(device, sparePorts)));
        plug(model, socket, port, call);
    }

    /** Has the guest let go of a device, and takes it out. */
    void detach(DeviceId device, Call call) {
        Optional<Attached> present = survey(call).find(DeviceModel.frontendId(device));
        if (present.isEmpty()) {
            return;
        }
        if (!DeviceModel.canAttachHot(present.get().kind())) {
            throw DriverException.unsupported(
                    "Device %s (%s) stays until the machine ends."
                            .formatted(device, present.get().kind()));
        }
        unplug(present.get(), call);
    }

    private static void requireEqual(DeviceId device, DeviceModel wanted, Attached present) {
        if (!present.backend().equals(wanted.backend().id())) {
            throw new DriverException(
                    FailureKind.ALREADY_EXISTS,
                    "A device %s is attached that differs from the one to attach: detach it first, or take another id."
                            .formatted(device));
        }
    }

    private void plug(
            DeviceModel model, DeviceModel.Backend.Socket socket, String port, Call call) {
        if (!hasBackend(socket.id(), call)) {
            // Connected here, since the user that QEMU runs as may not reach the path.
            qmp.handOver(HANDED_OVER, host.connect(socket.path(), call), call);
            qmp.demand("chardev-add", socketBackend(socket), call);
        }
        QmpMessage.Answer answer = qmp.execute("device_add", model.frontendAt(port), call);
        if (answer instanceof QmpMessage.Refusal refusal) {
            removeBackend(socket.id(), call);
            throw QmpConnection.refused("device_add", refusal);
        }
    }

    private static JsonObject socketBackend(DeviceModel.Backend.Socket socket) {
        JsonObject address = new JsonObject();
        address.addProperty("type", "fd");
        address.add("data", arguments("str", HANDED_OVER));
        JsonObject data = new JsonObject();
        data.add("addr", address);
        data.addProperty("server", false);
        JsonObject backend = new JsonObject();
        backend.addProperty("type", "socket");
        backend.add("data", data);
        JsonObject arguments = arguments("id", socket.id());
        arguments.add("backend", backend);
        return arguments;
    }

    private void unplug(Attached device, Call call) {
        try (QmpConnection.Expectation gone =
                qmp.expect(event -> isDeletionOf(device.frontend(), event))) {
            // A refusal says that the guest has been asked already, or that the device went just
            // now.
            qmp.execute("device_del", arguments("id", device.frontend()), call);
            if (survey(call).find(device.frontend()).isPresent()) {
                Waiting.await(gone.arrived(), "the guest to let go of the device", call);
            }
        }
        removeBackend(device.backend(), call);
    }

    private static boolean isDeletionOf(String frontend, QmpMessage.Event event) {
        return event.name().equals("DEVICE_DELETED")
                && event.data().has("device")
                && event.data().get("device").getAsString().equals(frontend);
    }

    private boolean hasBackend(String id, Call call) {
        for (JsonElement backend :
                qmp.demand("query-chardev", new JsonObject(), call).getAsJsonArray()) {
            if (text(backend, "label").equals(id)) {
                return true;
            }
        }
        return false;
    }

    private void removeBackend(String id, Call call) {
        if (hasBackend(id, call)) {
            qmp.demand("chardev-remove", arguments("id", id), call);
        }
    }

    private Survey survey(Call call) {
        List<Attached> attached = new ArrayList<>();
        List<String> ports = new ArrayList<>();
        for (JsonElement peripheral :
                qmp.demand("qom-list", arguments("path", PERIPHERALS), call).getAsJsonArray()) {
            String name = text(peripheral, "name");
            if (DeviceModel.isFrontend(name)) {
                attached.add(attached(name, text(peripheral, "type"), call));
            } else if (name.startsWith(PORT)) {
                ports.add(name);
            }
        }
        ports.sort(String.CASE_INSENSITIVE_ORDER);
        return new Survey(attached, ports);
    }

    private Attached attached(String frontend, String type, Call call) {
        String path = PERIPHERALS + "/" + frontend;
        DeviceKind kind = DeviceModel.kindOf(type.replaceAll("child<(.*)>", "$1"));
        String backend = property(path, DeviceModel.backendProperty(kind), call).getAsString();
        String bus = property(path, "parent_bus", call).getAsString();
        return new Attached(frontend, kind, backend, bus.substring(bus.lastIndexOf('/') + 1));
    }

    private JsonElement property(String path, String name, Call call) {
        JsonObject arguments = arguments("path", path);
        arguments.addProperty("property", name);
        return qmp.demand("qom-get", arguments, call);
    }

    private static JsonObject arguments(String key, String value) {
        JsonObject arguments = new JsonObject();
        arguments.addProperty(key, value);
        return arguments;
    }

    private static String text(JsonElement object, String key) {
        JsonElement value = object.getAsJsonObject().get(key);
        return value == null ? "" : value.getAsString();
    }
}
