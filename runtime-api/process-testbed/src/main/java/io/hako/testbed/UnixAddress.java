// SPDX-License-Identifier: Apache-2.0
package io.hako.testbed;

import com.sun.jna.Memory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** sockaddr_un (unix(7)): a family of two bytes, then the path. */
final class UnixAddress {
    private static final int LONGEST = 110;

    private UnixAddress() {}

    /** What is done with an address. */
    @FunctionalInterface
    interface Use {
        int with(Memory address, int length);
    }

    static int with(Path path, Use use) {
        byte[] text = path.toString().getBytes(StandardCharsets.UTF_8);
        try (Memory address = new Memory(LONGEST)) {
            address.clear();
            address.setShort(0, (short) Libc.AF_UNIX);
            address.write(Short.BYTES, text, 0, text.length);
            return use.with(address, Short.BYTES + text.length + 1);
        }
    }

    /** A socket that is connected to one that listens. */
    static int connect(Libc libc, Path path) {
        return with(
                path,
                (address, length) -> {
                    int socket = libc.socket(Libc.AF_UNIX, Libc.SOCK_STREAM_CLOEXEC, 0);
                    libc.connect(socket, address, length);
                    return socket;
                });
    }
}
