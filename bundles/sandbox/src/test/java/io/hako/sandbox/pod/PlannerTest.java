// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.device.DeviceKind;
import io.hako.api.driver.SchemaRange;
import io.hako.api.hypervisor.HypervisorProfile;
import io.hako.api.hypervisor.VmFeature;
import io.hako.api.network.LinkKind;
import io.hako.api.network.NetworkProfile;
import io.hako.api.storage.SourceKind;
import io.hako.api.storage.StorageProfile;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import io.hako.api.types.NetworkNamespace;
import io.hako.ocispec.OciResources;
import io.hako.settings.GuestSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.Test;
import org.junit.function.ThrowingRunnable;

public class PlannerTest {
    private static final GuestSettings GUEST =
            new GuestSettings(
                    Path.of("/k"),
                    Path.of("/i"),
                    "loglevel=7 x",
                    MemorySize.ofMebibytes(192),
                    MemorySize.ofMebibytes(1024),
                    MemorySize.ofMebibytes(64),
                    new CpuCount(1),
                    new CpuCount(4),
                    Duration.ofSeconds(60));
    private static final Planner.Offer<HypervisorProfile> SMALL = hypervisor("small", 512, 1, 1);
    private static final Planner.Offer<HypervisorProfile> LARGE = hypervisor("large", 4096, 8, 1);
    private static final Planner.Offer<StorageProfile> SHARE =
            storage("share", SourceKind.HOST_DIRECTORY, 1);

    @Test
    public void aPodWithoutLimitsGetsTheDefaultsAndTheFirstDrivers() {
        Plan plan = plan(resources(0, 0), List.of(SMALL, LARGE), List.of(SHARE));
        assertEquals(DriverId.parse("hypervisor/small"), plan.hypervisor());
        assertEquals(DriverId.parse("storage/share"), plan.storage());
        assertEquals(MemorySize.ofMebibytes(256), plan.memory());
        assertEquals(new CpuCount(1), plan.cpus());
        assertEquals("{\"of\":\"small\"}", plan.hypervisorSettings());
        List<String> words = plan.boot().commandLine();
        assertEquals(List.of("loglevel=7", "x"), words.subList(words.size() - 2, words.size()));
        assertTrue(words.toString(), words.contains("panic=-1"));
    }

    @Test
    public void theLimitOfTheContainersComesOnTopOfWhatTheGuestNeeds() {
        Plan plan = plan(resources(1000L << 20, 3), List.of(SMALL, LARGE), List.of(SHARE));
        assertEquals(DriverId.parse("hypervisor/large"), plan.hypervisor());
        assertEquals(MemorySize.ofMebibytes(1064), plan.memory());
        assertEquals(new CpuCount(3), plan.cpus());
    }

    @Test
    public void memoryIsRoundedUpToWholeMebibytes() {
        assertEquals(
                MemorySize.ofMebibytes(165),
                plan(resources((100L << 20) + 1, 0), List.of(SMALL), List.of(SHARE)).memory());
    }

    @Test
    public void whatNoHypervisorCanHoldIsRefusedWithEachOnesLimit() {
        refused(
                "No hypervisor can run this pod: hypervisor/small gives a guest at most 512 MiB of memory, but the pod needs 8256 MiB (8 GiB"
                        + " for its containers, 64 MiB for the guest itself); hypervisor/large gives a guest at most 4 GiB of memory, but the pod"
                        + " needs 8256 MiB (8 GiB for its containers, 64 MiB for the guest itself).",
                resources(8L << 30, 0),
                List.of(SMALL, LARGE),
                List.of(SHARE));
        refused(
                "No hypervisor can run this pod: hypervisor/small gives a guest at most 1 CPUs, but the pod needs 2.",
                resources(0, 2),
                List.of(SMALL),
                List.of(SHARE));
        refused(
                "No hypervisor can run this pod: there is none; hako plugin list shows the installed ones, and hako plugin why"
                        + " hypervisor/NAME why one does not serve.",
                resources(0, 0),
                List.of(),
                List.of(SHARE));
    }

    @Test
    public void anAbsurdLimitIsRefusedWithTheLargestThatThereIs() {
        DriverException refusal =
                assertThrows(
                        DriverException.class,
                        () ->
                                plan(
                                        resources(MemorySize.LARGEST, 0),
                                        List.of(LARGE),
                                        List.of(SHARE)));
        assertEquals(FailureKind.INVALID_REQUEST, refusal.failure());
        assertEquals(
                "A pod with 4194304 TiB of memory cannot be planned: the limit is 4194304 TiB, the guest's own need included.",
                refusal.getMessage());
    }

    @Test
    public void storageIsTakenWhoseDevicesTheHypervisorAttaches() {
        Planner.Offer<StorageProfile> blocks = storage("blocks", SourceKind.RAW_IMAGE, 1);
        Planner.Offer<StorageProfile> many = storage("many", SourceKind.HOST_DIRECTORY, 2);
        assertEquals(
                DriverId.parse("storage/share"),
                plan(resources(0, 0), List.of(LARGE), List.of(blocks, many, SHARE)).storage());
        refused(
                "No storage driver can share the pod's directory: storage/blocks does not share directories; storage/many makes 2 devices of"
                        + " kind VIRTIO_FS_SHARE, but hypervisor/large attaches at most 1.",
                resources(0, 0),
                List.of(LARGE),
                List.of(blocks, many));
    }

    @Test
    public void aNetworkDriverIsTakenThatConnectsEachInterface() {
        Planner.Offer<NetworkProfile> strange = network("strange", LinkKind.MACVLAN);
        Planner.Offer<NetworkProfile> joiner = network("joiner", LinkKind.VETH);
        assertEquals(Optional.empty(), plan(NetworkDemand.NONE, List.of(joiner)).networkDriver());
        assertEquals(
                Optional.of(joiner),
                plan(interfaces(LinkKind.VETH, LinkKind.VETH), List.of(strange, joiner))
                        .networkDriver());
        refused(
                "No network driver can connect the pod: network/strange does not connect an interface of kind VETH; network/joiner makes 3"
                        + " devices of kind TAP_INTERFACE, but hypervisor/large attaches at most 2.",
                () ->
                        plan(
                                interfaces(LinkKind.VETH, LinkKind.VETH, LinkKind.VETH),
                                List.of(strange, joiner)));
        refused(
                "No network driver can connect the pod: there is none; hako plugin list shows the installed ones, and hako plugin why"
                        + " network/NAME why one does not serve.",
                () -> plan(interfaces(LinkKind.VETH), List.of()));
    }

    private static NetworkDemand interfaces(LinkKind... kinds) {
        return new NetworkDemand(
                Optional.of(new NetworkNamespace(Path.of("/run/netns/pod"))),
                false,
                List.of(kinds));
    }

    private static Plan plan(NetworkDemand network, List<Planner.Offer<NetworkProfile>> offers) {
        return Planner.plan(
                new Planner.Input(
                        resources(0, 0), network, GUEST, List.of(LARGE), List.of(SHARE), offers));
    }

    private static Planner.Offer<NetworkProfile> network(String name, LinkKind accepts) {
        return new Planner.Offer<>(
                new NetworkProfile(
                        DriverId.parse("network/" + name),
                        new SchemaRange(1, 1),
                        Set.of(accepts),
                        Map.of(DeviceKind.TAP_INTERFACE, 1),
                        Set.of()),
                "{}");
    }

    private static Plan plan(
            OciResources resources,
            List<Planner.Offer<HypervisorProfile>> hypervisors,
            List<Planner.Offer<StorageProfile>> storages) {
        return Planner.plan(
                new Planner.Input(
                        resources, NetworkDemand.NONE, GUEST, hypervisors, storages, List.of()));
    }

    private static void refused(
            String sentence,
            OciResources resources,
            List<Planner.Offer<HypervisorProfile>> hypervisors,
            List<Planner.Offer<StorageProfile>> storages) {
        refused(sentence, () -> plan(resources, hypervisors, storages));
    }

    private static void refused(String sentence, ThrowingRunnable planning) {
        DriverException refusal = assertThrows(DriverException.class, planning);
        assertEquals(FailureKind.UNSUPPORTED, refusal.failure());
        assertEquals(sentence, refusal.getMessage());
    }

    @Test
    public void aMachineThatCanGrowHasRoomForWhatTheSettingsAllow() {
        Plan plan = plan(resources(0, 0), List.of(growing(LARGE)), List.of(SHARE));
        assertEquals(MemorySize.ofMebibytes(256), plan.memory());
        assertEquals(MemorySize.ofMebibytes(1024), plan.containerCeiling());
        // 832 MiB more for containers are in 7 blocks, whose pages 14 MiB describe.
        assertEquals(MemorySize.ofMebibytes(256 + 832 + 14), plan.memoryCeiling());
        assertEquals(new CpuCount(4), plan.cpuCeiling());
    }

    @Test
    public void noMachineHasRoomBeyondItsHypervisorOrBelowItsSize() {
        Plan small = plan(resources(0, 0), List.of(growing(SMALL)), List.of(SHARE));
        assertTrue(
                small.memoryCeiling().toString(),
                small.memoryCeiling().compareTo(MemorySize.ofMebibytes(512)) <= 0);
        assertEquals(MemorySize.ofMebibytes(192 + 252), small.containerCeiling());
        assertEquals(new CpuCount(1), small.cpuCeiling());
        Plan large = plan(resources(2L << 30, 6), List.of(growing(LARGE)), List.of(SHARE));
        assertEquals(large.memory(), large.memoryCeiling());
        assertEquals(new CpuCount(6), large.cpuCeiling());
    }

    @Test
    public void aMachineThatKeepsItsSizeHasNoRoom() {
        Plan plan = plan(resources(0, 0), List.of(LARGE), List.of(SHARE));
        assertEquals(plan.memory(), plan.memoryCeiling());
        assertEquals(plan.containers(), plan.containerCeiling());
        assertEquals(plan.cpus(), plan.cpuCeiling());
    }

    private static Planner.Offer<HypervisorProfile> growing(
            Planner.Offer<HypervisorProfile> offer) {
        HypervisorProfile p = offer.profile();
        return new Planner.Offer<>(
                new HypervisorProfile(
                        p.id(),
                        p.schemas(),
                        p.coldAttach(),
                        p.hotAttach(),
                        Set.of(VmFeature.RESIZE),
                        p.largestGuest(),
                        p.mostCpus()),
                offer.settings());
    }

    private static OciResources resources(long memory, int cpus) {
        return new OciResources(
                memory == 0 ? Optional.empty() : Optional.of(new MemorySize(memory)), 1000 * cpus);
    }

    private static Planner.Offer<HypervisorProfile> hypervisor(
            String name, long mebibytes, int cpus, int shares) {
        return new Planner.Offer<>(
                new HypervisorProfile(
                        DriverId.parse("hypervisor/" + name),
                        new SchemaRange(1, 1),
                        Map.of(DeviceKind.VIRTIO_FS_SHARE, shares, DeviceKind.TAP_INTERFACE, 2),
                        Map.of(),
                        Set.of(),
                        MemorySize.ofMebibytes(mebibytes),
                        new CpuCount(cpus)),
                "{\"of\":\"" + name + "\"}");
    }

    private static Planner.Offer<StorageProfile> storage(
            String name, SourceKind accepts, int devices) {
        return new Planner.Offer<>(
                new StorageProfile(
                        DriverId.parse("storage/" + name),
                        new SchemaRange(1, 1),
                        Set.of(accepts),
                        Map.of(DeviceKind.VIRTIO_FS_SHARE, devices),
                        Set.of()),
                "{}");
    }
}
