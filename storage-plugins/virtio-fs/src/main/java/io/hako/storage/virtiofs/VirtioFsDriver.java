// SPDX-License-Identifier: Apache-2.0
package io.hako.storage.virtiofs;

import io.hako.api.device.DeviceKind;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Finding;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.Settings;
import io.hako.api.storage.SourceKind;
import io.hako.api.storage.StorageAttachment;
import io.hako.api.storage.StorageDriver;
import io.hako.api.storage.StorageProfile;
import io.hako.api.storage.VolumeSource;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.osgi.service.component.annotations.Component;

/** Shares directories by virtiofsd, QEMU's (C) or its own project's (Rust). */
@Component(service = StorageDriver.class, property = "hako.driver=storage/virtio-fs")
public final class VirtioFsDriver implements StorageDriver {
    @Override
    public StorageProfile profile(Settings settings) {
        return new StorageProfile(
                Share.DRIVER,
                Share.SCHEMAS,
                Set.of(SourceKind.HOST_DIRECTORY),
                Map.of(DeviceKind.VIRTIO_FS_SHARE, 1),
                Set.of());
    }

    @Override
    public List<Finding> probe(Settings settings, Call call) {
        return VirtioFsProbe.findings(settings.as(VirtioFsSettings.class), call);
    }

    @Override
    public StorageAttachment share(VolumeSource source, DriverContext context, Call call) {
        call.checkCancelled();
        if (!(source instanceof VolumeSource.HostDirectory directory)) {
            throw DriverException.unsupported(
                    "The driver %s shares directories, but volume %s is of kind %s."
                            .formatted(Share.DRIVER, source.id(), source.kind()));
        }
        requireShareable(directory);
        VirtioFsSettings settings = context.settings().as(VirtioFsSettings.class);
        Path program = settings.program().orElseThrow(() -> VirtioFsProbe.noProgram(settings));
        Share share = new Share(directory.id(), directory.readOnly(), directory.target());
        prepare(program, share, directory.directory(), settings.cache(), context, call);
        return new VirtioFsAttachment(share, context);
    }

    @Override
    public StorageAttachment adopt(HandleState state, DriverContext context, Call call) {
        call.checkCancelled();
        Share share = Share.of(state);
        if (!Backend.runs(share, context)) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The file server of volume %s has ended, and cannot be replaced under a running guest: what the guest has mounted there hangs."
                            .formatted(share.id()));
        }
        return new VirtioFsAttachment(share, context);
    }

    private static void requireShareable(VolumeSource.HostDirectory volume) {
        Path directory = volume.directory();
        if (!Files.isDirectory(directory)) {
            throw new DriverException(
                    FailureKind.NOT_FOUND,
                    "There is no directory %s to share as volume %s."
                            .formatted(directory, volume.id()));
        }
        // virtiofsd ends an option's value at either, and its Rust version knows no way to write
        // them.
        if (!volume.readOnly() && directory.toString().matches(".*[,=].*")) {
            throw DriverException.invalid(
                    "The directory %s cannot be shared by virtio-fs: its path has a ',' or '='."
                            .formatted(directory));
        }
    }

    private static void prepare(
            Path program,
            Share share,
            Path directory,
            CachePolicy cache,
            DriverContext context,
            Call call) {
        try {
            Backend.start(
                    program,
                    share,
                    share.readOnly() ? bound(directory, context, call) : directory,
                    cache,
                    context,
                    call);
        } catch (DriverException e) {
            undoAfter(e, share, context, call);
            throw e;
        }
    }

    /**
     * A view of the directory that the kernel keeps read-only, without what is mounted below it:
     * that would stay writable.
     */
    private static Path bound(Path directory, DriverContext context, Call call) {
        Path view = Share.readOnlyView(context.workspace());
        context.host().mounts().mount("bind", directory.toString(), view, List.of("ro"), call);
        return view;
    }

    private static void undoAfter(
            DriverException first, Share share, DriverContext context, Call call) {
        try {
            VirtioFsAttachment.undo(share, context, call);
        } catch (DriverException e) {
            first.addSuppressed(e);
        }
    }
}
