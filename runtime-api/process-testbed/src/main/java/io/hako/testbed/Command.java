// SPDX-License-Identifier: Apache-2.0
package io.hako.testbed;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Runs a program of the machine to its end. */
final class Command {
    private Command() {}

    static void run(List<String> command) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new DriverException(
                        FailureKind.UNAVAILABLE,
                        "%s failed: %s.".formatted(command, output.strip()));
            }
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE, "%s could not be run.".formatted(command), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DriverException(
                    FailureKind.CANCELLED, "%s was interrupted.".formatted(command));
        }
    }
}
