// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import io.hako.api.types.Call;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Runs a program that only prints something about itself. */
final class ProgramOutput {
    /** More than the longest list that QEMU prints. */
    private static final int LONGEST = 64 * 1024;

    private ProgramOutput() {}

    /**
     * What it wrote to standard output and error; empty if it cannot be run, fails, or does not end
     * within the call.
     */
    static Optional<String> of(List<String> command, Call call) {
        call.checkCancelled();
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            try (Call.Registration _ = call.onCancelled(process::destroyForcibly)) {
                return finish(process, call);
            } finally {
                process.destroyForcibly();
            }
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Optional<String> finish(Process process, Call call) throws IOException {
        process.getOutputStream().close();
        process.onExit()
                .orTimeout(call.remaining().toMillis(), TimeUnit.MILLISECONDS)
                .exceptionally(late -> process.destroyForcibly());
        try (InputStream output = process.getInputStream()) {
            byte[] text = output.readNBytes(LONGEST);
            return process.waitFor() == 0
                    ? Optional.of(new String(text, StandardCharsets.UTF_8))
                    : Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
