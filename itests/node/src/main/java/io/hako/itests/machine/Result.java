// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import java.nio.charset.StandardCharsets;

/** What a command left: its exit code and the whole of its two outputs. */
public record Result(int exit, byte[] out, String err) {

    public String text() {
        return new String(out, StandardCharsets.UTF_8);
    }

    /** The output without its last line end. */
    public String line() {
        return text().stripTrailing();
    }

    @Override
    public String toString() {
        return "exit "
                + exit
                + "\nout: "
                + (out.length > 2000 ? out.length + " bytes" : text())
                + "\nerr: "
                + err;
    }
}
