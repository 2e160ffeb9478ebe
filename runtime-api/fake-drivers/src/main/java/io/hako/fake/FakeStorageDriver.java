// SPDX-License-Identifier: Apache-2.0
package io.hako.fake;

import io.hako.api.device.DeviceKind;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Finding;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.NodeStore;
import io.hako.api.driver.SchemaRange;
import io.hako.api.driver.Settings;
import io.hako.api.storage.Collectable;
import io.hako.api.storage.SourceKind;
import io.hako.api.storage.StorageAttachment;
import io.hako.api.storage.StorageDriver;
import io.hako.api.storage.StorageFeature;
import io.hako.api.storage.StorageProfile;
import io.hako.api.storage.VolumeSource;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.DriverKind;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * Directories behind a backend process that serves nothing, and scratch disks that are sparse
 * files.
 */
@Component(service = StorageDriver.class, property = "hako.driver=storage/fake")
public final class FakeStorageDriver implements StorageDriver, Collectable {
    static final DriverId ID = new DriverId(DriverKind.STORAGE, "fake");

    private final Faults faults;
    private final SchemaRange schemas;

    @Activate
    public FakeStorageDriver() {
        this(Faults.none(), new SchemaRange(1, 1));
    }

    public FakeStorageDriver(Faults faults, SchemaRange schemas) {
        this.faults = faults;
        this.schemas = schemas;
    }

    @Override
    public StorageProfile profile(Settings settings) {
        return new StorageProfile(
                ID,
                schemas,
                Set.of(SourceKind.HOST_DIRECTORY, SourceKind.SCRATCH),
                Map.of(DeviceKind.VIRTIO_FS_SHARE, 1, DeviceKind.BLOCK_DISK, 1),
                Set.of(StorageFeature.GROW, StorageFeature.COLLECT));
    }

    @Override
    public List<Finding> probe(Settings settings, Call call) {
        call.checkCancelled();
        return List.of(FakeHypervisor.findProgram(settings.as(FakeSettings.class).program()));
    }

    @Override
    public StorageAttachment share(VolumeSource source, DriverContext context, Call call) {
        call.checkCancelled();
        FakeStorageAttachment attachment =
                new FakeStorageAttachment(
                        context, schemas, faults, FakeStorageAttachment.Recorded.of(source));
        if (source instanceof VolumeSource.HostDirectory directory
                && !Files.isDirectory(directory.directory())) {
            throw new DriverException(
                    FailureKind.NOT_FOUND,
                    "Volume %s cannot be shared: there is no directory %s."
                            .formatted(source.id(), directory.directory()));
        }
        FakeHandle.undoneOnFailure(attachment, () -> attachment.establish(call));
        return attachment;
    }

    @Override
    public StorageAttachment adopt(HandleState state, DriverContext context, Call call) {
        call.checkCancelled();
        var recorded = FakeHandle.parse(state, schemas, FakeStorageAttachment.Recorded.class);
        faults.pass("adopt volume");
        FakeStorageAttachment attachment =
                new FakeStorageAttachment(context, schemas, faults, recorded);
        attachment.requireReady();
        return attachment;
    }

    /** It keeps nothing in the store. */
    @Override
    public MemorySize collect(NodeStore store, MemorySize bound, Call call) {
        call.checkCancelled();
        return store.exclusively("collect", call, () -> MemorySize.ZERO);
    }

    static DriverException unsupported(VolumeSource source) {
        return DriverException.unsupported(
                "Volume %s is of kind %s, but %s shares HOST_DIRECTORY and SCRATCH only."
                        .formatted(source.id(), source.kind(), ID));
    }
}
