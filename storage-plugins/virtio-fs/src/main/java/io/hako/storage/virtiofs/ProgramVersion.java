// SPDX-License-Identifier: Apache-2.0
package io.hako.storage.virtiofs;

import io.hako.api.types.Call;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What virtiofsd says of itself: "virtiofsd version 7.2.22 (...)" (C) or "virtiofsd 1.13.2" (Rust).
 */
final class ProgramVersion {
    private static final Pattern VERSION =
            Pattern.compile("virtiofsd (?:version )?\\d{1,4}(?:\\.\\d{1,4}){1,3}");
    private static final int LONGEST = 4096;

    private ProgramVersion() {}

    static Optional<String> of(Path program, Call call) {
        call.checkCancelled();
        try {
            Process process =
                    new ProcessBuilder(program.toString(), "--version")
                            .redirectErrorStream(true)
                            .start();
            try (Call.Registration _ = call.onCancelled(process::destroyForcibly)) {
                return read(process, call);
            } finally {
                process.destroyForcibly();
            }
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Optional<String> read(Process process, Call call) throws IOException {
        process.getOutputStream().close();
        process.onExit()
                .orTimeout(call.remaining().toMillis(), TimeUnit.MILLISECONDS)
                .exceptionally(late -> process.destroyForcibly());
        try (InputStream output = process.getInputStream()) {
            Matcher matcher =
                    VERSION.matcher(new String(output.readNBytes(LONGEST), StandardCharsets.UTF_8));
            return matcher.find() ? Optional.of(matcher.group()) : Optional.empty();
        }
    }
}
