// SPDX-License-Identifier: Apache-2.0
package io.hako.api.driver;

import io.hako.api.types.Names;

/**
 * One thing that a driver looked for on the host; {@code hako doctor} prints it.
 *
 * @param subject what was looked for, in a few words: "QEMU", "/dev/kvm"
 * @param level how bad it is
 * @param sentence what was found: "QEMU 7.2.22 at /usr/bin/qemu-system-x86_64."
 * @param remedy what to do about it, or what it means if nothing is done; empty if and only if the
 *     level is OK
 */
public record Finding(String subject, Level level, String sentence, String remedy) {
    public Finding {
        Names.text("The subject of a finding", subject, 80);
        Names.text("The sentence of a finding", sentence, 1000);
        if (level != Level.OK) {
            Names.text("The remedy of a finding", remedy, 1000);
        }
    }

    public static Finding ok(String subject, String sentence) {
        return new Finding(subject, Level.OK, sentence, "");
    }

    public static Finding warning(String subject, String sentence, String remedy) {
        return new Finding(subject, Level.WARNING, sentence, remedy);
    }

    public static Finding missing(String subject, String sentence, String remedy) {
        return new Finding(subject, Level.MISSING, sentence, remedy);
    }

    /** How bad a finding is. */
    public enum Level {
        /** As it should be. */
        OK,
        /** It works, with a loss that the sentence names. */
        WARNING,
        /** The driver cannot work. */
        MISSING
    }
}
