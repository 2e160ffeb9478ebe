// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import com.google.gson.JsonParseException;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;

/**
 * A journal, read.
 *
 * @param record empty if not even the first line is whole: then nothing was done under this journal
 * @param wholeBytes length up to and including the last newline; what follows was torn by a kill
 */
record Replay(Optional<SandboxRecord> record, long wholeBytes) {
    static final FileAttribute<Set<PosixFilePermission>> PRIVATE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    /**
     * @throws DriverException UNSUPPORTED if a newer hako wrote it, INTERNAL if a whole line cannot
     *     be read
     */
    static Replay of(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        int whole = bytes.length;
        while (whole > 0 && bytes[whole - 1] != '\n') {
            whole--;
        }
        String text = new String(bytes, 0, whole, StandardCharsets.UTF_8);
        EntryCodec codec = new EntryCodec();
        SandboxRecord record = null;
        int number = 0;
        for (String line : text.lines().toList()) {
            Entry entry = read(codec, file, ++number, line);
            record = record == null ? first(file, entry) : record.with(entry);
        }
        return new Replay(Optional.ofNullable(record), whole);
    }

    private static Entry read(EntryCodec codec, Path file, int number, String line) {
        try {
            return codec.entry(line);
        } catch (JsonParseException e) {
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "Line %d of the journal %s cannot be read (%s): look at its sandbox's processes, then remove the file."
                            .formatted(number, file, e.getMessage()));
        }
    }

    private static SandboxRecord first(Path file, Entry entry) {
        if (!(entry instanceof Entry.Sandbox identity)) {
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "The journal %s does not begin with its sandbox: remove the file."
                            .formatted(file));
        }
        if (identity.v() > Entry.SCHEMA) {
            throw new DriverException(
                    FailureKind.UNSUPPORTED,
                    "The journal %s has format %d, but this hako reads up to %d: start the newer hako that wrote it."
                            .formatted(file, identity.v(), Entry.SCHEMA));
        }
        return SandboxRecord.of(identity);
    }
}
