// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonObject;
import io.hako.api.device.Device;
import io.hako.api.device.DeviceKind;
import io.hako.api.device.VirtioFsShare;
import io.hako.api.driver.DriverContext;
import io.hako.api.hypervisor.Vm;
import io.hako.api.types.Call;
import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import io.hako.fake.Faults;
import io.hako.fake.node.FakeCall;
import io.hako.fake.node.FakeNode;
import io.hako.fake.node.FixedSettings;
import java.nio.file.Path;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Devices that come and go, over a QEMU that is only played; the machine has two spare ports. */
public class DeviceBayTest {
    private static final OwnerId OWNER = new OwnerId("test", "pod");
    private static final Device TAP = Samples.device(DeviceKind.TAP_INTERFACE, 2, Path.of("/a"));

    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    @Rule public final PlayedBackends backends = new PlayedBackends();

    private final Call call = FakeCall.patient();
    private FakeNode node;
    private DriverContext context;
    private VirtioFsShare share;
    private VirtioFsShare other;

    @Before
    public void open() {
        share = shareOf(0);
        other = shareOf(1);
        node = new FakeNode(temporary.getRoot().toPath());
        node.program(
                process -> FakeQemu.start(process, node.listener(OWNER, "vmm-qmp").orElseThrow()));
        context =
                node.context(
                        OWNER,
                        "h0",
                        new FixedSettings(Samples.settings(Path.of("/bin/true"))),
                        Faults.none());
    }

    @After
    public void close() {
        node.close();
    }

    private VirtioFsShare shareOf(int number) {
        Device device =
                Samples.device(DeviceKind.VIRTIO_FS_SHARE, number, temporary.getRoot().toPath());
        backends.listen(((VirtioFsShare) device).socket());
        return (VirtioFsShare) device;
    }

    private Vm create(Device... cold) {
        Path file = Path.of("/bin/true");
        return new QemuHypervisor().create(Samples.spec(file, file, cold), context, call);
    }

    private QmpConnection qmp() {
        return new Monitor(context.find("vmm").orElseThrow(), context).connect(call);
    }

    private String ask(String command) {
        try (QmpConnection qmp = qmp()) {
            return qmp.demand(command, new JsonObject(), call).toString();
        }
    }

    private static void assertFails(
            FailureKind kind, String sentence, org.junit.function.ThrowingRunnable work) {
        DriverException e = assertThrows(DriverException.class, work);
        assertEquals(kind, e.failure());
        assertEquals(sentence, e.getMessage());
    }

    @Test
    public void aDetachedDeviceLeavesItsPortAndItsBackendFree() {
        Vm vm = create();
        for (int round = 0; round < 5; round++) {
            vm.attach(share, call);
            vm.attach(other, call);
            vm.detach(share.id(), call);
            vm.detach(other.id(), call);
        }
        assertTrue(ask("query-chardev"), !ask("query-chardev").contains("dev-"));
    }

    @Test
    public void aColdDeviceIsAttachedAlreadyAndCanBeDetached() {
        Vm vm = create(share);
        vm.attach(share, call);
        VirtioFsShare differing = new VirtioFsShare(share.id(), "another", share.socket());
        assertFails(
                FailureKind.ALREADY_EXISTS,
                "A device 0-device is attached that differs from the one to attach: detach it first, or take another id.",
                () -> vm.attach(differing, call));
        vm.detach(share.id(), call);
        vm.attach(differing, call);
    }

    @Test
    public void aTapIsThereFromTheStartAndStays() {
        Vm vm = create(TAP);
        vm.attach(TAP, call);
        assertFails(
                FailureKind.UNSUPPORTED,
                "Device 2-device (TAP_INTERFACE) stays until the machine ends.",
                () -> vm.detach(TAP.id(), call));
        assertFails(
                FailureKind.UNSUPPORTED,
                "Device 3-device (TAP_INTERFACE) can be attached only before the machine starts.",
                () -> vm.attach(Samples.device(DeviceKind.TAP_INTERFACE, 3, Path.of("/a")), call));
    }

    @Test
    public void anAttachmentThatWasCutOffIsCarriedOn() {
        Vm vm = create();
        String backend = DeviceModel.of(share).backend().id();
        try (QmpConnection qmp = qmp()) {
            JsonObject arguments = new JsonObject();
            arguments.addProperty("id", backend);
            qmp.demand("chardev-add", arguments, call);
        }
        vm.attach(share, call);
        assertEquals("one backend", 2, ask("query-chardev").split(backend, -1).length);
    }

    @Test
    public void theLimitIsNamedWithItsSetting() {
        Vm vm = create();
        vm.attach(share, call);
        vm.attach(other, call);
        Device third = shareOf(3);
        assertFails(
                FailureKind.EXHAUSTED,
                "Device 3-device finds no free PCIe port: the machine has 2 for devices attached later. Set spare_ports in [hypervisor.qemu] higher.",
                () -> vm.attach(third, call));
        vm.detach(new DeviceId("0-device"), call);
        vm.attach(third, call);
    }
}
