// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.host.Machine;
import io.hako.host.shim.Shim;
import io.hako.state.Effect;
import io.hako.state.EffectLog;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Optional;

/** Takes away what the journal says was made for a slot, the last first, without the driver. */
final class Undo {
    private static final int SIGKILL = 9;

    private final ShimLink link;
    private final Machine machine;
    private final EffectLog effects;
    private final Path workspace;

    Undo(ShimLink link, Machine machine, EffectLog effects, Path workspace) {
        this.link = link;
        this.machine = machine;
        this.effects = effects;
        this.workspace = workspace;
    }

    /**
     * @param shim absent: it is dead, and its processes, descriptors and mounts with it
     */
    void run(Optional<Shim> shim, Call call) {
        List<Effect> left = effects.effects().reversed();
        // Processes first: they hold files and mounts.
        left.stream()
                .filter(effect -> is(effect, EffectKind.PROCESS))
                .forEach(effect -> undo(effect, shim, call));
        left.stream()
                .filter(effect -> !is(effect, EffectKind.PROCESS))
                .forEach(effect -> undo(effect, shim, call));
        removeWorkspace();
    }

    private void undo(Effect effect, Optional<Shim> shim, Call call) {
        EffectKind kind =
                EffectKind.of(effect.kind())
                        .orElseThrow(
                                () ->
                                        new DriverException(
                                                FailureKind.UNSUPPORTED,
                                                "The journal of sandbox %s has an effect \"%s\" that this version does not know: use the version that made it."
                                                        .formatted(link.owner(), effect.kind())));
        if (kind == EffectKind.LINK || kind == EffectKind.REDIRECT) {
            JournalledLinks.undo(kind, effect.name(), machine, call);
        }
        shim.ifPresent(there -> undo(kind, effect.name(), there, call));
        effects.undone(effect.kind(), effect.name());
    }

    private void undo(EffectKind kind, String name, Shim shim, Call call) {
        switch (kind) {
            case PROCESS -> end(name, shim, call);
            case KEPT -> shim.release(name, call);
            case MOUNT -> shim.unmount(Path.of(name), true, call);
            case LINK, REDIRECT -> {} // not the shim's
        }
    }

    private void end(String role, Shim shim, Call call) {
        ShimBackedProcess.find(shim, role, call)
                .ifPresent(
                        found -> {
                            ShimBackedProcess process = new ShimBackedProcess(link, found);
                            if (found.end().isEmpty()) {
                                process.kill(SIGKILL);
                                process.awaitExit(call);
                            }
                            shim.forget(role, call);
                        });
    }

    private static boolean is(Effect effect, EffectKind kind) {
        return effect.kind().equals(kind.word());
    }

    private void removeWorkspace() {
        try {
            Files.walkFileTree(
                    workspace,
                    new SimpleFileVisitor<>() {
                        @Override
                        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                                throws IOException {
                            Files.deleteIfExists(file);
                            return FileVisitResult.CONTINUE;
                        }

                        @Override
                        public FileVisitResult postVisitDirectory(
                                Path directory, IOException failure) throws IOException {
                            Files.deleteIfExists(directory);
                            return FileVisitResult.CONTINUE;
                        }
                    });
        } catch (NoSuchFileException e) {
            // Gone already.
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The workspace %s could not be removed.".formatted(workspace),
                    e);
        }
    }
}
