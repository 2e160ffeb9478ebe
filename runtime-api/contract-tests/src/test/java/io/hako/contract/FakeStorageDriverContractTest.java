// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import io.hako.api.driver.Settings;
import io.hako.api.storage.SourceKind;
import io.hako.api.storage.StorageDriver;
import io.hako.api.storage.VolumeId;
import io.hako.api.storage.VolumeSource;
import io.hako.api.types.GuestPath;
import io.hako.api.types.MemorySize;
import io.hako.fake.FakeSettings;
import io.hako.fake.FakeStorageDriver;
import io.hako.fake.node.FakeNode;
import io.hako.fake.node.FixedSettings;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.Rule;
import org.junit.rules.TemporaryFolder;

public class FakeStorageDriverContractTest extends StorageDriverContract {
    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    @Override
    protected Testbed newTestbed() {
        return new FakeTestbed(new FakeNode(temporary.getRoot().toPath()));
    }

    @Override
    protected StorageDriver newDriver() {
        return new FakeStorageDriver();
    }

    @Override
    protected Settings settings() {
        return new FixedSettings(new FakeSettings());
    }

    @Override
    protected Optional<VolumeSource> source(SourceKind kind, int number) {
        VolumeId id = new VolumeId("v" + number);
        GuestPath target = new GuestPath("/run/hako/share/" + number);
        Path path = temporary.getRoot().toPath();
        return Optional.of(
                switch (kind) {
                    case HOST_DIRECTORY ->
                            new VolumeSource.HostDirectory(id, path, number % 2 == 1, target);
                    case HOST_FILE -> new VolumeSource.HostFile(id, path, true, target);
                    case HOST_BLOCK_DEVICE ->
                            new VolumeSource.HostBlockDevice(id, path, "ext4", false, target);
                    case RAW_IMAGE -> new VolumeSource.RawImage(id, path, "ext4", false, target);
                    case IMAGE_LAYERS -> new VolumeSource.ImageLayers(id, List.of(path), target);
                    case SCRATCH -> new VolumeSource.Scratch(id, MemorySize.ofMebibytes(1), target);
                    default -> throw new AssertionError("The test knows no " + kind);
                });
    }

    @Override
    protected Optional<VolumeSource> missingSource() {
        return Optional.of(
                new VolumeSource.HostDirectory(
                        new VolumeId("v0"),
                        Path.of("/nonexistent"),
                        false,
                        new GuestPath("/run/hako/share/0")));
    }
}
