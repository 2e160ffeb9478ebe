// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Cuts a byte stream into lines, with a bound on what one line may be: a guest that has taken QEMU
 * over writes it.
 */
final class LineSplitter {
    /** QEMU's longest answer to what this driver asks has some ten thousand bytes. */
    static final int LONGEST = 1024 * 1024;

    private byte[] line = new byte[4096];
    private int length;

    /**
     * Takes the bytes in, and hands over each line that they complete, without its end.
     *
     * @throws DriverException UNAVAILABLE if a line is longer than {@link #LONGEST}
     */
    void feed(ByteBuffer bytes, Consumer<String> lines) {
        while (bytes.hasRemaining()) {
            byte next = bytes.get();
            if (next == '\n') {
                lines.accept(new String(line, 0, length, StandardCharsets.UTF_8).stripTrailing());
                length = 0;
            } else {
                append(next);
            }
        }
    }

    private void append(byte next) {
        if (length == LONGEST) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "QEMU wrote a line of more than %d bytes to its control socket."
                            .formatted(LONGEST));
        }
        if (length == line.length) {
            line = Arrays.copyOf(line, Math.min(LONGEST, 2 * line.length));
        }
        line[length++] = next;
    }
}
