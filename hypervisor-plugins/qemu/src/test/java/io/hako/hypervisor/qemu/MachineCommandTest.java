// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.hako.api.device.Device;
import io.hako.api.device.TapInterface;
import io.hako.api.device.VirtioFsShare;
import io.hako.api.driver.ProcessSpec;
import io.hako.api.hypervisor.BootSource;
import io.hako.api.hypervisor.VmSpec;
import io.hako.api.types.Confinement.HostUser;
import io.hako.api.types.Confinement.Namespace;
import io.hako.api.types.Confinement.OwnRoot;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverException;
import io.hako.api.types.MacAddress;
import io.hako.api.types.MemorySize;
import io.hako.api.types.NetworkNamespace;
import io.hako.api.types.OwnerId;
import io.hako.api.types.PassedFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.Test;

/** What the command line says, whatever its order. */
public class MachineCommandTest {
    private static final HostUser USER = new HostUser(1_879_048_193L, 1_879_048_193L);
    private static final Path SOCKET = Path.of("/run/w/qmp.sock");
    private static final BootSource BOOT =
            new BootSource(
                    Path.of("/guest/vmlinux"),
                    Path.of("/guest/initramfs"),
                    List.of("quiet", "panic=5"));
    private static final NetworkNamespace NETWORK = new NetworkNamespace(Path.of("/run/netns/pod"));
    private static final VirtioFsShare SHARE =
            new VirtioFsShare(new DeviceId("hako-0"), "hako-0", Path.of("/a,b/fs.sock"));

    private final QemuSettings settings = Samples.settings(Path.of("/usr/bin/qemu-system-x86_64"));

    private static VmSpec spec(
            MemorySize memory,
            MemorySize window,
            Optional<NetworkNamespace> network,
            Device... devices) {
        return new VmSpec(
                new CpuCount(2),
                new CpuCount(2),
                memory,
                memory,
                window,
                BOOT,
                List.of(devices),
                network);
    }

    private static VmSpec small(Device... devices) {
        return spec(MemorySize.ofMebibytes(128), MemorySize.ZERO, Optional.empty(), devices);
    }

    private ProcessSpec build(VmSpec spec, Accelerator accelerator, String... clock) {
        return new MachineCommand(
                        new OwnerId("test", "pod-1"),
                        spec,
                        settings,
                        accelerator,
                        List.of(clock),
                        SOCKET,
                        USER)
                .processSpec();
    }

    private static List<String> values(ProcessSpec process, String option) {
        List<String> command = process.command();
        return java.util.stream.IntStream.range(0, command.size() - 1)
                .filter(i -> command.get(i).equals(option))
                .mapToObj(i -> command.get(i + 1))
                .toList();
    }

    private static String value(ProcessSpec process, String option) {
        List<String> all = values(process, option);
        assertEquals(option + " of " + process.command(), 1, all.size());
        return all.getFirst();
    }

    private static String valueWith(ProcessSpec process, String option, String part) {
        return values(process, option).stream()
                .filter(v -> v.contains(part))
                .findFirst()
                .orElseThrow();
    }

    private static int descriptor(ProcessSpec process, Class<? extends PassedFile> kind) {
        PassedFile file =
                process.files().stream().filter(kind::isInstance).findFirst().orElseThrow();
        return ProcessSpec.descriptorOf(file, process.files());
    }

    @Test
    public void memoryIsAKeptFileThatTheShimMakes() {
        ProcessSpec process = build(small(), Accelerator.TCG);
        assertEquals("size=134217728b", value(process, "-m"));
        assertTrue(
                process.files()
                        .contains(new PassedFile.Memfd("vmm-memory", MemorySize.ofMebibytes(128))));
        assertEquals(
                "memory-backend-file,id=memory,mem-path=/proc/self/fd/%d,size=134217728,share=on"
                        .formatted(descriptor(process, PassedFile.Memfd.class)),
                valueWith(process, "-object", "memory-backend"));
        assertTrue(value(process, "-machine").startsWith("pc-q35-7.2,memory-backend=memory,"));
    }

    @Test
    public void memoryIsRoundedUpAndTheWindowComesOnTop() {
        VmSpec odd =
                spec(new MemorySize((128L << 20) + 1), MemorySize.ofGibibytes(1), Optional.empty());
        assertEquals(
                "size=136314880b,maxmem=1210056704b", value(build(odd, Accelerator.TCG), "-m"));
    }

    @Test
    public void roomToGrowIsAnEmptyFileOfItsOwnAndPlacesForProcessors() {
        VmSpec room =
                new VmSpec(
                        new CpuCount(1),
                        new CpuCount(4),
                        MemorySize.ofMebibytes(128),
                        MemorySize.ofMebibytes(1024),
                        MemorySize.ZERO,
                        BOOT,
                        List.of(),
                        Optional.empty());
        ProcessSpec process = build(room, Accelerator.TCG);
        assertEquals("size=134217728b,maxmem=1073741824b", value(process, "-m"));
        assertEquals("cpus=1,maxcpus=4", value(process, "-smp"));
        PassedFile file = new PassedFile.Memfd("vmm-growth", MemorySize.ofMebibytes(896));
        assertEquals(
                "memory-backend-file,id=growth-memory,mem-path=/proc/self/fd/%d,size=939524096,share=on"
                        .formatted(ProcessSpec.descriptorOf(file, process.files())),
                valueWith(process, "-object", "growth-memory"));
        assertEquals(
                "virtio-mem-pci,id=growth,memdev=growth-memory,requested-size=0,block-size=2097152",
                valueWith(process, "-device", "virtio-mem"));
        assertTrue(
                values(build(small(), Accelerator.TCG), "-device").stream()
                        .noneMatch(device -> device.contains("virtio-mem")));
    }

    @Test
    public void controlIsASocketThatTheShimListensOn() {
        ProcessSpec process = build(small(), Accelerator.TCG);
        assertTrue(process.files().contains(new PassedFile.ListeningSocket("vmm-qmp", SOCKET)));
        assertEquals(
                "socket,id=qmp,fd=%d,server=on,wait=off"
                        .formatted(descriptor(process, PassedFile.ListeningSocket.class)),
                valueWith(process, "-chardev", "id=qmp"));
        assertEquals("chardev=qmp,mode=control", value(process, "-mon"));
    }

    @Test
    public void bothGuestPortsAreJoinedToSerialPortsOfTheirNames() {
        ProcessSpec process = build(small(), Accelerator.TCG);
        for (PassedFile file :
                process.files().stream().filter(PassedFile.GuestPort.class::isInstance).toList()) {
            String name = ((PassedFile.GuestPort) file).port().guestName();
            int fd = ProcessSpec.descriptorOf(file, process.files());
            assertEquals(
                    "socket,id=%s,fd=%d".formatted(name, fd),
                    valueWith(process, "-chardev", "id=" + name));
            assertTrue(valueWith(process, "-device", "name=" + name).startsWith("virtserialport,"));
        }
        assertEquals(
                2, process.files().stream().filter(PassedFile.GuestPort.class::isInstance).count());
    }

    @Test
    public void nothingOfTheGuestRunsUnasked() {
        List<String> command = build(small(), Accelerator.TCG).command();
        assertTrue(
                command.containsAll(List.of("-S", "-no-reboot", "-nodefaults", "-no-user-config")));
    }

    @Test
    public void kernelAndInitramfsArePassedOpen() {
        ProcessSpec process = build(small(), Accelerator.TCG);
        PassedFile kernel = new PassedFile.OpenedFile("vmm-kernel", BOOT.kernel(), false, false);
        PassedFile initramfs =
                new PassedFile.OpenedFile("vmm-initramfs", BOOT.initramfs(), false, false);
        assertEquals(
                "/proc/self/fd/" + ProcessSpec.descriptorOf(kernel, process.files()),
                value(process, "-kernel"));
        assertEquals(
                "/proc/self/fd/" + ProcessSpec.descriptorOf(initramfs, process.files()),
                value(process, "-initrd"));
    }

    @Test
    public void theSpecsKernelWordsComeLastAndSoWin() {
        List<String> words =
                List.of(
                        value(build(small(), Accelerator.TCG, "tsc_early_khz=5"), "-append")
                                .split(" "));
        assertTrue(words.indexOf("panic=-1") < words.indexOf("panic=5"));
        assertTrue(words.containsAll(List.of("console=ttyS0", "tsc_early_khz=5")));
        assertEquals(List.of("quiet", "panic=5"), words.subList(words.size() - 2, words.size()));
    }

    @Test
    public void aKernelLineTooLongWithTheMachinesWordsIsRefused() {
        BootSource full =
                new BootSource(BOOT.kernel(), BOOT.initramfs(), List.of("x".repeat(2000)));
        VmSpec s = small();
        VmSpec spec =
                new VmSpec(
                        s.cpus(),
                        s.cpuCeiling(),
                        s.memory(),
                        s.memoryCeiling(),
                        s.mappedWindow(),
                        full,
                        List.of(),
                        Optional.empty());
        DriverException e = assertThrows(DriverException.class, () -> build(spec, Accelerator.TCG));
        assertTrue(e.getMessage(), e.getMessage().contains("2047"));
    }

    @Test
    public void acceleratorDecidesTheProcessor() {
        ProcessSpec emulated = build(small(), Accelerator.TCG);
        assertEquals("tcg,thread=multi,tb-size=64", value(emulated, "-accel"));
        assertEquals("max", value(emulated, "-cpu"));
        ProcessSpec fast = build(small(), Accelerator.KVM);
        assertEquals("kvm", value(fast, "-accel"));
        assertEquals("host", value(fast, "-cpu"));
    }

    @Test
    public void aColdShareIsInAPortOfItsOwnAndSparePortsRemain() {
        ProcessSpec process = build(small(SHARE), Accelerator.TCG);
        assertEquals(
                3,
                values(process, "-device").stream()
                        .filter(d -> d.startsWith("pcie-root-port,"))
                        .count());
        JsonObject device =
                JsonParser.parseString(valueWith(process, "-device", "vhost-user-fs-pci"))
                        .getAsJsonObject();
        assertEquals("hako-0", device.get("tag").getAsString());
        assertEquals("port0", device.get("bus").getAsString());
        String backend = device.get("chardev").getAsString();
        assertTrue(
                process.files().contains(new PassedFile.ConnectedSocket(backend, SHARE.socket())));
        assertEquals(
                "socket,id=%s,fd=%d"
                        .formatted(backend, descriptor(process, PassedFile.ConnectedSocket.class)),
                valueWith(process, "-chardev", backend));
    }

    @Test
    public void aTapsQueuesArePassedAsFiles() {
        TapInterface tap =
                new TapInterface(
                        new DeviceId("net0"),
                        new MacAddress("02:00:00:00:00:01"),
                        1400,
                        "tap0",
                        NETWORK,
                        2);
        ProcessSpec process = build(small(tap), Accelerator.TCG);
        List<PassedFile> queues =
                process.files().stream().filter(PassedFile.TapQueue.class::isInstance).toList();
        assertEquals(2, queues.size());
        String fds =
                ProcessSpec.descriptorOf(queues.get(0), process.files())
                        + ":"
                        + ProcessSpec.descriptorOf(queues.get(1), process.files());
        assertTrue(value(process, "-netdev").endsWith("fds=" + fds));
        JsonObject device =
                JsonParser.parseString(valueWith(process, "-device", "virtio-net-pci"))
                        .getAsJsonObject();
        assertEquals("02:00:00:00:00:01", device.get("mac").getAsString());
        assertEquals(1400, device.get("host_mtu").getAsInt());
        assertEquals(6, device.get("vectors").getAsInt());
        assertEquals("it stays, so it takes no port", "pcie.0", device.get("bus").getAsString());
        assertEquals(
                2,
                values(process, "-device").stream()
                        .filter(d -> d.startsWith("pcie-root-port,"))
                        .count());
    }

    @Test
    public void theProcessIsShutOffFromTheHost() {
        ProcessSpec alone = build(small(), Accelerator.TCG);
        assertEquals(Set.of(Namespace.values()), alone.confinement().namespaces());
        assertEquals(Optional.of(USER), alone.confinement().runAs());
        assertEquals(Optional.of(Set.of()), alone.confinement().capabilities());
        assertTrue(alone.confinement().noNewPrivileges());
        assertTrue(value(alone, "-sandbox").contains("spawn=deny"));

        ProcessSpec inPod =
                build(
                        spec(MemorySize.ofMebibytes(128), MemorySize.ZERO, Optional.of(NETWORK)),
                        Accelerator.TCG);
        assertEquals(Optional.of(NETWORK), inPod.network());
        assertFalse(inPod.confinement().namespaces().contains(Namespace.NETWORK));
    }

    @Test
    public void ofFilesTheProcessSeesWhatItOpensByPath() {
        assertEquals(
                Set.of(Path.of("/dev/urandom")), outsideOfUsr(build(small(), Accelerator.TCG)));
        assertEquals(
                Set.of(Path.of("/dev/urandom"), Path.of("/dev/kvm")),
                outsideOfUsr(build(small(), Accelerator.KVM)));
    }

    private static Set<Path> outsideOfUsr(ProcessSpec process) {
        OwnRoot root = process.confinement().root().orElseThrow();
        assertEquals(Set.of(), root.followed());
        return root.readable().stream()
                .filter(path -> !path.startsWith("/usr"))
                .collect(Collectors.toSet());
    }

    @Test
    public void equalDevicesHaveEqualBackendsAndOthersNot() {
        String one = DeviceModel.of(SHARE).backend().id();
        assertEquals(
                one,
                DeviceModel.of(new VirtioFsShare(SHARE.id(), SHARE.tag(), SHARE.socket()))
                        .backend()
                        .id());
        for (VirtioFsShare other :
                Arrays.asList(
                        new VirtioFsShare(SHARE.id(), "other", SHARE.socket()),
                        new VirtioFsShare(SHARE.id(), SHARE.tag(), Path.of("/other")))) {
            assertFalse(one.equals(DeviceModel.of(other).backend().id()));
        }
    }
}
