// SPDX-License-Identifier: Apache-2.0
package io.hako.fake;

import io.hako.api.device.BlockDisk;
import io.hako.api.device.Device;
import io.hako.api.device.VirtioFsShare;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.SchemaRange;
import io.hako.api.storage.Growable;
import io.hako.api.storage.GuestSource;
import io.hako.api.storage.GuestStep;
import io.hako.api.storage.StorageAttachment;
import io.hako.api.storage.VolumeSource;
import io.hako.api.types.Call;
import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.GuestPath;
import io.hako.api.types.MemorySize;
import io.hako.api.types.PassedFile;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** One volume. */
final class FakeStorageAttachment extends FakeHandle implements StorageAttachment, Growable {
    private final Faults faults;
    private Recorded recorded;

    FakeStorageAttachment(
            DriverContext context, SchemaRange schemas, Faults faults, Recorded recorded) {
        super(FakeStorageDriver.ID, schemas, context);
        this.faults = faults;
        this.recorded = recorded;
    }

    /** The state's fields. The size is bytes; of a directory it is 0. */
    record Recorded(String id, boolean scratch, long size, String target, boolean readOnly) {
        static Recorded of(VolumeSource source) {
            String target = source.target().text();
            return switch (source) {
                case VolumeSource.HostDirectory directory ->
                        new Recorded(source.id().value(), false, 0, target, directory.readOnly());
                case VolumeSource.Scratch scratch ->
                        new Recorded(
                                source.id().value(), true, scratch.bound().bytes(), target, false);
                default -> throw FakeStorageDriver.unsupported(source);
            };
        }

        String name() {
            return "hako-" + id;
        }

        String role() {
            return "share-" + id;
        }
    }

    void establish(Call call) {
        if (recorded.scratch()) {
            faults.pass("make image");
            setLength(recorded.size());
            return;
        }
        List<PassedFile> files = List.of(new PassedFile.ListeningSocket(recorded.role(), socket()));
        context.launch(
                processSpec(recorded.role(), context.settings().as(FakeSettings.class), files),
                call);
        faults.pass("await backend");
    }

    /** The host side must be as it was left. */
    void requireReady() {
        boolean ready =
                recorded.scratch()
                        ? Files.exists(image())
                        : context.find(recorded.role())
                                .map(process -> process.exit().isEmpty())
                                .orElse(false);
        if (!ready) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "Volume %s cannot be taken up: its backend has ended."
                            .formatted(recorded.id()));
        }
    }

    @Override
    Record recorded() {
        return recorded;
    }

    @Override
    void undo(Call call) {
        faults.pass("end volume");
        end(recorded.role(), call);
        try {
            Files.deleteIfExists(image());
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The image %s cannot be removed.".formatted(image()),
                    e);
        }
    }

    @Override
    public List<Device> devices() {
        DeviceId id = new DeviceId("fs-" + recorded.id());
        return List.of(
                recorded.scratch()
                        ? new BlockDisk(id, image(), false, serial())
                        : new VirtioFsShare(id, recorded.name(), socket()));
    }

    @Override
    public List<GuestStep> guestSteps() {
        GuestPath target = new GuestPath(recorded.target());
        if (recorded.scratch()) {
            GuestSource.Disk disk = new GuestSource.Disk(serial());
            return List.of(
                    new GuestStep.MakeFilesystem("ext4", disk),
                    new GuestStep.MountFilesystem("ext4", disk, target, List.of()));
        }
        return List.of(
                new GuestStep.MountFilesystem(
                        "virtiofs",
                        new GuestSource.Tag(recorded.name()),
                        target,
                        recorded.readOnly() ? List.of("ro") : List.of()));
    }

    @Override
    public List<GuestStep> grow(MemorySize to, Call call) {
        requireOpen("grown");
        call.checkCancelled();
        if (!recorded.scratch()) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "Volume %s cannot grow: it is a directory, as large as what it lies on."
                            .formatted(recorded.id()));
        }
        if (to.bytes() < recorded.size()) {
            throw DriverException.invalid(
                    "Volume %s has %s and cannot shrink to %s."
                            .formatted(recorded.id(), new MemorySize(recorded.size()), to));
        }
        faults.pass("grow image");
        setLength(to.bytes());
        recorded =
                new Recorded(
                        recorded.id(), true, to.bytes(), recorded.target(), recorded.readOnly());
        return List.of(new GuestStep.GrowFilesystem(new GuestPath(recorded.target())));
    }

    private String serial() {
        String name = recorded.name();
        return name.length() <= 20 ? name : "v%08x".formatted(name.hashCode());
    }

    private Path socket() {
        return context.workspace().resolve("share.sock");
    }

    private Path image() {
        return context.workspace().resolve("scratch.img");
    }

    private void setLength(long bytes) {
        try (RandomAccessFile file = new RandomAccessFile(image().toFile(), "rw")) {
            file.setLength(bytes);
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE, "The image %s cannot be made.".formatted(image()), e);
        }
    }
}
