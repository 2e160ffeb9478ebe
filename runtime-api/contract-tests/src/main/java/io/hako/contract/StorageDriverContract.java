// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.hako.api.device.Device;
import io.hako.api.device.DeviceKind;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.SchemaRange;
import io.hako.api.storage.Collectable;
import io.hako.api.storage.Growable;
import io.hako.api.storage.SourceKind;
import io.hako.api.storage.StorageAttachment;
import io.hako.api.storage.StorageDriver;
import io.hako.api.storage.StorageFeature;
import io.hako.api.storage.StorageProfile;
import io.hako.api.storage.VolumeSource;
import io.hako.api.types.Call;
import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.Assume;
import org.junit.Test;

/**
 * What every storage driver promises. A vendor extends this class, and says how to make a driver
 * and what to share.
 */
public abstract class StorageDriverContract
        extends HandleEvolution<StorageDriver, StorageAttachment> {
    /**
     * A source of this kind, with what it needs on the host; empty if none can be made here.
     * Different numbers give different ids, the same arguments equal sources.
     */
    protected abstract Optional<VolumeSource> source(SourceKind kind, int number);

    /**
     * A source of an accepted kind whose content does not exist; empty if the driver needs none to
     * exist.
     */
    protected abstract Optional<VolumeSource> missingSource();

    @Override
    final StorageAttachment make(StorageDriver driver, DriverContext context, Call call) {
        return driver.share(firstAccepted(0), context, call);
    }

    @Override
    final StorageAttachment adopt(
            StorageDriver driver, HandleState state, DriverContext context, Call call) {
        return driver.adopt(state, context, call);
    }

    @Override
    final void assertLaterIsUnsupported() {
        VolumeSource later = LaterWorld.variant(VolumeSource.class, firstAccepted(0));
        assertFails(FailureKind.UNSUPPORTED, () -> newDriver().share(later, context(), call()));
    }

    @Override
    final void use(StorageAttachment share) {
        share.devices();
        share.guestSteps();
    }

    @Override
    final DriverId id(StorageDriver driver) {
        return driver.profile(settings()).id();
    }

    @Override
    final SchemaRange schemas(StorageDriver driver) {
        return driver.profile(settings()).schemas();
    }

    private StorageProfile profile() {
        return newDriver().profile(settings());
    }

    private List<VolumeSource> accepted(int number) {
        return profile().accepts().stream()
                .sorted()
                .flatMap(kind -> source(kind, number).stream())
                .toList();
    }

    private VolumeSource firstAccepted(int number) {
        List<VolumeSource> sources = accepted(number);
        assertFalse("The kit needs a source of at least one accepted kind.", sources.isEmpty());
        return sources.getFirst();
    }

    @Test
    public void everyAcceptedKindIsSharedAdoptedAndDestroyed() {
        for (VolumeSource source : accepted(0)) {
            StorageAttachment volume = newDriver().share(source, context(), call());
            volume.release();
            StorageAttachment adopted = adopt(volume.state());
            assertEquals(volume.devices(), adopted.devices());
            assertEquals(volume.guestSteps(), adopted.guestSteps());
            adopted.destroy(call());
            assertNothingLeft();
            testbed().undo(OWNER);
        }
    }

    @Test
    public void devicesAreOfDeclaredKindsAndNoMoreThanDeclared() {
        for (VolumeSource source : accepted(0)) {
            StorageAttachment volume = newDriver().share(source, context(), call());
            Map<DeviceKind, Long> produced =
                    volume.devices().stream()
                            .collect(Collectors.groupingBy(Device::kind, Collectors.counting()));
            produced.forEach(
                    (kind, count) ->
                            assertTrue(
                                    count + " of " + kind,
                                    count <= profile().produces().getOrDefault(kind, 0)));
            volume.destroy(call());
            testbed().undo(OWNER);
        }
    }

    @Test
    public void twoVolumesOfOneSandboxDoNotMeet() {
        StorageAttachment one = newDriver().share(firstAccepted(0), context(), call());
        StorageAttachment two =
                newDriver()
                        .share(
                                firstAccepted(1),
                                testbed().context(OWNER, "h1", settings()),
                                call());
        List<DeviceId> ids = one.devices().stream().map(Device::id).toList();
        assertTrue(
                "ids of their own",
                two.devices().stream().map(Device::id).noneMatch(ids::contains));
        one.destroy(call());
        two.state();
        two.destroy(call());
        assertNothingLeft();
    }

    @Test
    public void undeclaredKindsAreRefused() {
        for (SourceKind kind : SourceKind.values()) {
            if (!profile().accepts().contains(kind)) {
                source(kind, 0)
                        .ifPresent(
                                s ->
                                        assertFails(
                                                FailureKind.UNSUPPORTED,
                                                () -> newDriver().share(s, context(), call())));
            }
        }
        assertNothingLeft();
    }

    @Test
    public void aMissingSourceIsRefused() {
        Optional<VolumeSource> missing = missingSource();
        Assume.assumeTrue(missing.isPresent());
        assertFails(
                FailureKind.NOT_FOUND, () -> newDriver().share(missing.get(), context(), call()));
        assertNothingLeft();
    }

    @Test
    public void aVolumeThatLostItsBackendIsNotAdopted() {
        StorageAttachment volume = make();
        HandleState state = volume.state();
        volume.release();
        Assume.assumeTrue(
                "The volume has a backend process.",
                testbed().effects(OWNER).stream()
                        .anyMatch(effect -> effect.startsWith("process ")));
        testbed().undo(OWNER);
        assertFails(FailureKind.UNAVAILABLE, () -> adopt(state));
        assertNothingLeft();
    }

    @Test
    public void powersAreDeclaredIfAndOnlyIfTheyAreThere() {
        assertEquals(
                profile().features().contains(StorageFeature.GROW), make() instanceof Growable);
        assertEquals(
                profile().features().contains(StorageFeature.COLLECT),
                newDriver() instanceof Collectable);
    }

    @Test
    public void scratchGrowsAndDoesNotShrink() {
        Optional<VolumeSource> scratch =
                source(SourceKind.SCRATCH, 0).filter(s -> profile().accepts().contains(s.kind()));
        Assume.assumeTrue(
                profile().features().contains(StorageFeature.GROW) && scratch.isPresent());
        MemorySize bound = ((VolumeSource.Scratch) scratch.get()).bound();
        MemorySize more = bound.plus(bound);
        StorageAttachment volume = newDriver().share(scratch.get(), context(), call());
        ((Growable) volume).grow(more, call());
        volume.release();
        Growable adopted = (Growable) adopt(volume.state());
        assertFails(FailureKind.INVALID_REQUEST, () -> adopted.grow(bound, call()));
    }

    @Test
    public void collectingAnEmptyStoreFreesNothing() {
        Assume.assumeTrue(profile().features().contains(StorageFeature.COLLECT));
        Collectable driver = (Collectable) newDriver();
        assertEquals(MemorySize.ZERO, driver.collect(context().store(), MemorySize.ZERO, call()));
    }
}
