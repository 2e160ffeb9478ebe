// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import io.hako.api.driver.ProcessSpec;
import io.hako.api.hypervisor.BootSource;
import io.hako.api.hypervisor.VmSpec;
import io.hako.api.types.Confinement.HostUser;
import io.hako.api.types.DriverException;
import io.hako.api.types.MemorySize;
import io.hako.api.types.OwnerId;
import io.hako.api.types.PassedFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The process that runs a machine: QEMU's command line and the files that it is given.
 *
 * <p>Memory is a file that the shim made and keeps, so that another QEMU process can take the
 * machine over and so that vhost-user backends can map it. QMP is a listening socket of the shim's.
 * The console is QEMU's standard output.
 */
final class MachineCommand {
    static final String ROLE = "vmm";

    /**
     * QEMU rounds memory sizes up to pages by itself, but wants the memory file's size to agree.
     */
    static final MemorySize MEMORY_UNIT = MemorySize.ofMebibytes(2);

    private static final Path ENTROPY = Path.of("/dev/urandom");

    private final OwnerId owner;
    private final VmSpec spec;
    private final QemuSettings settings;
    private final Accelerator accelerator;
    private final List<String> clockWords;
    private final Path controlSocket;
    private final HostUser user;
    private final List<DeviceModel> devices;

    private final List<PassedFile> files = new ArrayList<>();
    private final List<String> command = new ArrayList<>();

    MachineCommand(
            OwnerId owner,
            VmSpec spec,
            QemuSettings settings,
            Accelerator accelerator,
            List<String> clockWords,
            Path controlSocket,
            HostUser user) {
        this.owner = owner;
        this.spec = spec;
        this.settings = settings;
        this.accelerator = accelerator;
        this.clockWords = List.copyOf(clockWords);
        this.controlSocket = controlSocket;
        this.user = user;
        this.devices = spec.devices().stream().map(DeviceModel::of).toList();
    }

    /** Called once. */
    ProcessSpec processSpec() {
        command.add(settings.binary().toString());
        addProcess();
        addMachine();
        addBoot();
        addConsole();
        addControl();
        addGuestPorts();
        addEntropy();
        addGrowth();
        addDevices();
        return new ProcessSpec(
                ROLE,
                command,
                Map.of(),
                files,
                spec.network(),
                new MonitorConfinement(settings, accelerator, user, ENTROPY).in(spec.network()),
                settings.consoleKept());
    }

    private void addProcess() {
        add("-name", "guest=" + owner);
        add("-nodefaults");
        add("-no-user-config");
        add("-display", "none");
        add("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
        // The guest's kernel is told to reboot when it panics: so a panic ends the process.
        add("-no-reboot");
        // No instruction of the guest runs before boot() says so.
        add("-S");
    }

    private void addMachine() {
        MemorySize memory = booted(spec.memory());
        int file = pass(new PassedFile.Memfd("vmm-memory", memory));
        add(
                "-machine",
                settings.machine() + ",memory-backend=memory,dump-guest-core=off,vmport=off");
        add(
                "-accel",
                accelerator == Accelerator.KVM
                        ? "kvm"
                        : "tcg,thread=multi,tb-size="
                                + settings.translationCache().inUnitsOf(MemorySize.ofMebibytes(1)));
        add("-cpu", accelerator == Accelerator.KVM ? "host" : "max");
        add("-smp", "cpus=%s,maxcpus=%s".formatted(spec.cpus(), spec.cpuCeiling()));
        add("-m", memoryArgument(memory));
        add(
                "-object",
                "memory-backend-file,id=memory,mem-path=/proc/self/fd/%d,size=%d,share=on"
                        .formatted(file, memory.bytes()));
    }

    /** What a machine of this much memory is started with. */
    static MemorySize booted(MemorySize memory) {
        return memory.roundedUpTo(MEMORY_UNIT);
    }

    /**
     * Memory that the machine may get later. Its file is empty until the guest takes some; the
     * price of a ceiling is QEMU's notes of dirty pages, 96 KiB for each GiB.
     */
    private void addGrowth() {
        long bytes =
                spec.memoryCeiling().roundedUpTo(MEMORY_UNIT).bytes()
                        - booted(spec.memory()).bytes();
        if (bytes == 0) {
            return;
        }
        int file = pass(new PassedFile.Memfd("vmm-growth", new MemorySize(bytes)));
        add(
                "-object",
                "memory-backend-file,id=growth-memory,mem-path=/proc/self/fd/%d,size=%d,share=on"
                        .formatted(file, bytes));
        add(
                "-device",
                "virtio-mem-pci,id=%s,memdev=growth-memory,requested-size=0,block-size=%d"
                        .formatted(MachineSize.DEVICE, MachineSize.UNIT.bytes()));
    }

    private String memoryArgument(MemorySize memory) {
        MemorySize ceiling =
                spec.memoryCeiling()
                        .roundedUpTo(MEMORY_UNIT)
                        .plus(spec.mappedWindow().roundedUpTo(MEMORY_UNIT));
        String size = "size=%db".formatted(memory.bytes());
        return ceiling.compareTo(memory) > 0
                ? size + ",maxmem=%db".formatted(ceiling.bytes())
                : size;
    }

    private void addBoot() {
        BootSource boot = spec.boot();
        add("-bios", settings.firmware());
        // By descriptor: the user that QEMU runs as may not reach the directories.
        add(
                "-kernel",
                "/proc/self/fd/"
                        + pass(
                                new PassedFile.OpenedFile(
                                        "vmm-kernel", boot.kernel(), false, false)));
        add(
                "-initrd",
                "/proc/self/fd/"
                        + pass(
                                new PassedFile.OpenedFile(
                                        "vmm-initramfs", boot.initramfs(), false, false)));
        add("-append", kernelCommandLine());
    }

    private String kernelCommandLine() {
        List<String> words = new ArrayList<>(GuestKernelWords.OF_THE_MACHINE);
        words.addAll(clockWords);
        words.addAll(spec.boot().commandLine());
        String line = String.join(" ", words);
        if (line.length() > BootSource.LONGEST_COMMAND_LINE) {
            throw DriverException.invalid(
                    "The kernel command line has at most %d bytes, but with QEMU's own words has %d."
                            .formatted(BootSource.LONGEST_COMMAND_LINE, line.length()));
        }
        return line;
    }

    private void addConsole() {
        add("-chardev", "stdio,id=console,signal=off");
        add("-serial", "chardev:console");
    }

    private void addControl() {
        int socket = pass(new PassedFile.ListeningSocket("vmm-qmp", controlSocket));
        add("-chardev", "socket,id=qmp,fd=%d,server=on,wait=off".formatted(socket));
        add("-mon", "chardev=qmp,mode=control");
    }

    private void addGuestPorts() {
        add("-device", "virtio-serial-pci,id=serial");
        for (PassedFile.GuestPort.Port port : PassedFile.GuestPort.Port.values()) {
            String name = port.guestName();
            int end = pass(new PassedFile.GuestPort("vmm-" + name, port));
            add("-chardev", "socket,id=%s,fd=%d".formatted(name, end));
            add("-device", "virtserialport,bus=serial.0,chardev=%s,name=%s".formatted(name, name));
        }
    }

    private void addEntropy() {
        add("-object", "rng-random,id=entropy,filename=" + ENTROPY);
        add("-device", "virtio-rng-pci,rng=entropy");
    }

    /**
     * What can be unplugged is in a port of its own; what stays till the end needs none, which
     * spares the guest a bridge.
     */
    private void addDevices() {
        int takenPorts = 0;
        for (DeviceModel device : devices) {
            boolean removable = DeviceModel.canAttachHot(device.kind());
            if (removable) {
                addPort(takenPorts);
            }
            addBackend(device.backend());
            add(
                    "-device",
                    device.frontendAt(removable ? DeviceBay.port(takenPorts++) : "pcie.0")
                            .toString());
        }
        for (int spare = 0; spare < settings.sparePorts(); spare++) {
            addPort(takenPorts + spare);
        }
    }

    private void addPort(int number) {
        add(
                "-device",
                "pcie-root-port,id=%s,chassis=%d,slot=%d"
                        .formatted(DeviceBay.port(number), number + 1, number + 1));
    }

    private void addBackend(DeviceModel.Backend backend) {
        switch (backend) {
            case DeviceModel.Backend.Socket socket -> {
                int connection = pass(new PassedFile.ConnectedSocket(socket.id(), socket.path()));
                add("-chardev", "socket,id=%s,fd=%d".formatted(socket.id(), connection));
            }
            case DeviceModel.Backend.Tap tap -> {
                List<String> queues =
                        tap.queues().stream().map(queue -> Integer.toString(pass(queue))).toList();
                add(
                        "-netdev",
                        "tap,id=%s,vhost=off,%s=%s"
                                .formatted(
                                        tap.id(),
                                        queues.size() > 1 ? "fds" : "fd",
                                        String.join(":", queues)));
            }
        }
    }

    private int pass(PassedFile file) {
        files.add(file);
        return ProcessSpec.descriptorOf(file, files);
    }

    private void add(String... words) {
        command.addAll(List.of(words));
    }
}
