// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.device.Device;
import io.hako.api.hypervisor.Vm;
import io.hako.api.hypervisor.VmSpec;
import io.hako.api.storage.GuestSource;
import io.hako.api.storage.GuestStep;
import io.hako.api.storage.StorageAttachment;
import io.hako.api.storage.VolumeId;
import io.hako.api.storage.VolumeSource;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import io.hako.api.types.NetworkNamespace;
import io.hako.driverhost.Lease;
import io.hako.guest.GuestIdentity;
import io.hako.guest.GuestNetwork;
import io.hako.guest.PodNeeds;
import io.hako.host.shim.Shim;
import io.hako.ocispec.CriAnnotations;
import io.hako.ocispec.OciSpec;
import io.hako.settings.PodSettings;
import io.hako.state.MachinePhase;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * The start of a pod's machine, in two halves: {@link #boot} returns while the guest boots, {@link
 * #greet} waits for its agent. What needs no guest is done between the two. Undoing is not done
 * here: the journal has all that was begun.
 */
final class MachineStart {
    private static final int ENTROPY_BYTES = 64;
    private static final int MACHINE_ID_BYTES = 16;
    private static final int LONGEST_HOSTNAME = 63;

    private final Pod pod;
    private final Steps steps;
    private final PodNetwork network;
    private final PodSettings settings;
    private GuestNetwork guestNetwork = GuestNetwork.NONE;

    /**
     * @param settings that hold for the pod
     */
    MachineStart(Pod pod, Steps steps, PodSettings settings) {
        this.pod = pod;
        this.steps = steps;
        this.settings = settings;
        network = new PodNetwork(pod);
    }

    /** Decides without touching anything. */
    Plan plan(OciSpec spec, Call call) {
        Offers offers = new Offers(pod.node(), settings);
        NetworkDemand network = NetworkDemand.of(spec, pod, call);
        return Planner.plan(
                new Planner.Input(
                        PodSize.of(spec),
                        network,
                        settings.guest(),
                        offers.hypervisors(call),
                        offers.storages(call),
                        network.interfaces().isEmpty() ? List.of() : offers.networks(call)));
    }

    /** The namespace of a pod whose network its caller's hooks make; then it is planned anew. */
    NetworkNamespace prepareNetwork(OciSpec spec, Call call) {
        return network.prepare(spec, call);
    }

    void boot(Plan plan, OciSpec spec, Call call) {
        pod.journal().append(new PodSize(pod).planned(plan, spec, settings));
        Shim shim = pod.shim(call);
        steps.time("cgroup", () -> pod.effects().cgroup(cgroup(spec), shim, call));
        steps.time(
                "share",
                () -> {
                    pod.effects().directory(HostEffects.POD, GuestFiles.tree(pod));
                    pod.effects()
                            .mount(
                                    HostEffects.POD,
                                    "bind",
                                    GuestFiles.tree(pod).toString(),
                                    new HostEffects.Mount(
                                            GuestFiles.share(pod),
                                            Optional.of(GuestFiles.share(pod)),
                                            false),
                                    List.of("ro", "shared"),
                                    shim,
                                    call);
                });
        steps.time("storage", () -> pod.share(share(plan, call)));
        if (plan.networkDriver().isPresent()) {
            steps.time("network", () -> guestNetwork = network.connect(plan, call));
        }
        steps.time("vmm", () -> pod.vm(create(plan, call)));
        Lease<Vm> vm = pod.vm().orElseThrow();
        pod.monitor().is(vm.with(call, Vm::monitorRole));
        pod.monitor().seen(shim.processes(call));
        steps.time("boot", () -> vm.run(call, machine -> machine.boot(call)));
    }

    /** Returns once the agent answers and has mounted what the pod shares. */
    void greet(OciSpec spec, Call outer) {
        Call call = Bounded.within(settings.guest().startLimit(), outer);
        try {
            steps.time("agent", () -> pod.guest().tell(call, (guest, within) -> guest.hello()));
            steps.time(
                    "identity",
                    () ->
                            pod.guest()
                                    .tell(
                                            call,
                                            (guest, within) -> {
                                                if (!guest.hello().identitySet()) {
                                                    guest.setIdentity(identity(spec), within);
                                                }
                                            }));
            steps.time(
                    "interfaces",
                    () ->
                            pod.guest()
                                    .tell(
                                            call,
                                            (guest, within) ->
                                                    guest.configureNetwork(guestNetwork, within)));
            steps.time("mounts", () -> guestSteps(call).forEach(step -> perform(step, call)));
            sysctls(spec, call);
        } catch (DriverException e) {
            throw pod.monitor().ended().isPresent() ? ended(e) : e;
        }
        pod.phase(MachinePhase.RUNNING, "");
        pod.follower().start(Optional.of(guestNetwork), outer);
    }

    /** A sandbox container is not run, but what its spec says of the pod's namespaces holds. */
    private void sysctls(OciSpec spec, Call call) {
        if (spec.cri().role() == CriAnnotations.Role.SANDBOX && !spec.sysctls().isEmpty()) {
            PodNeeds needs = new PodNeeds(false, spec.sysctls(), Optional.empty());
            steps.time(
                    "sysctls",
                    () ->
                            pod.guest()
                                    .tell(
                                            call,
                                            (guest, within) ->
                                                    guest.preparePod("sysctls", needs, within)));
        }
    }

    private DriverException ended(DriverException e) {
        String cause = new MachineEnd(pod).cause(pod.monitor().ended().orElseThrow());
        return new DriverException(
                FailureKind.UNAVAILABLE,
                "The virtual machine ended before its agent answered: " + cause,
                e);
    }

    private Lease<StorageAttachment> share(Plan plan, Call call) {
        VolumeSource source =
                new VolumeSource.HostDirectory(
                        new VolumeId("0"), GuestFiles.share(pod), false, GuestFiles.GUEST_SHARE);
        return pod.drivers()
                .share(Pod.SHARE_SLOT, plan.storage(), plan.storageSettings(), source, call);
    }

    private Lease<Vm> create(Plan plan, Call call) {
        List<Device> devices =
                new ArrayList<>(pod.share().orElseThrow().with(call, StorageAttachment::devices));
        devices.addAll(network.devices(call));
        VmSpec spec =
                new VmSpec(
                        plan.cpus(),
                        plan.cpuCeiling(),
                        plan.memory(),
                        plan.memoryCeiling(),
                        MemorySize.ZERO,
                        plan.boot(),
                        devices,
                        plan.network().namespace());
        return pod.drivers()
                .create(Pod.VM_SLOT, plan.hypervisor(), plan.hypervisorSettings(), spec, call);
    }

    private List<GuestStep> guestSteps(Call call) {
        return pod.share().orElseThrow().with(call, StorageAttachment::guestSteps);
    }

    private void perform(GuestStep step, Call call) {
        if (!(step instanceof GuestStep.MountFilesystem mount)) {
            throw DriverException.unsupported(
                    "The guest's agent only mounts, but the storage driver asks for %s."
                            .formatted(step));
        }
        String source =
                switch (mount.source()) {
                    case GuestSource.Tag tag -> tag.tag();
                    case GuestSource.Directory directory -> directory.path().text();
                    case GuestSource.None none -> "none";
                    case GuestSource.Disk disk -> throw noDisks(mount);
                    case GuestSource.Memory memory -> throw noDisks(mount);
                };
        pod.guest()
                .tell(
                        call,
                        (guest, within) ->
                                guest.mount(
                                        "mount " + mount.target(),
                                        mount.type(),
                                        source,
                                        mount.target(),
                                        mount.options(),
                                        within));
    }

    private static DriverException noDisks(GuestStep.MountFilesystem mount) {
        return DriverException.unsupported(
                "The guest's agent mounts shared directories, but %s is to be made of %s."
                        .formatted(mount.target(), mount.source()));
    }

    private GuestIdentity identity(OciSpec spec) {
        SecureRandom random = new SecureRandom();
        byte[] entropy = new byte[ENTROPY_BYTES];
        byte[] machineId = new byte[MACHINE_ID_BYTES];
        random.nextBytes(entropy);
        random.nextBytes(machineId);
        return new GuestIdentity(
                entropy, Instant.now(), HexFormat.of().formatHex(machineId), hostname(pod, spec));
    }

    static String hostname(Pod pod, OciSpec spec) {
        String wanted = spec.hostname().isEmpty() ? pod.record().identity().id() : spec.hostname();
        return wanted.substring(0, Math.min(LONGEST_HOSTNAME, wanted.length()));
    }

    /** systemd's form SLICE:PREFIX:NAME is no path: such a pod gets a cgroup of hako's own. */
    private String cgroup(OciSpec spec) {
        return spec.cgroupsPath().startsWith("/") ? spec.cgroupsPath() : "/hako/" + pod.owner();
    }
}
