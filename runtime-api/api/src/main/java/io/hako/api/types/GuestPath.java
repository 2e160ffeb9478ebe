// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

import java.nio.file.Path;

/**
 * A path inside the guest. A type of its own, so that it is never opened on the host.
 *
 * @param text absolute, without "." and ".."
 */
public record GuestPath(String text) {
    public GuestPath {
        Names.absolute(
                "A path in the guest", Path.of(Names.text("A path in the guest", text, 4095)));
    }

    public GuestPath resolve(String below) {
        return new GuestPath(Path.of(text).resolve(below).toString());
    }

    @Override
    public String toString() {
        return text;
    }
}
