// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A kernel of some thirty bytes: writes a text to the first serial port, then does one thing. An
 * ELF file with a PVH note (Xen docs/misc/pvh.pandoc), so that it enters in 32-bit mode without
 * paging.
 */
enum TestKernel {
    /** cli; hlt; jmp hlt. */
    HALTS(0xfa, 0xf4, 0xeb, 0xfd),
    /**
     * Writes 6 to port 0xcf9, the reset control of the q35's ICH9, as reboot=p and a panicking
     * Linux do in effect.
     */
    RESETS(0xba, 0xf9, 0x0c, 0, 0, 0xb0, 0x06, 0xee, 0xf4, 0xeb, 0xfd);

    private static final int LOAD_ADDRESS = 0x10_0000;
    private static final int HEADERS = 64 + 2 * 56;
    private static final int NOTE = 12 + 4 + 4;
    private static final int CODE = 256;
    private static final int TEXT = 320;
    private static final int SIZE = 1024;

    private final int[] end;

    TestKernel(int... end) {
        this.end = end;
    }

    /** Writes the kernel to a file that is not there. */
    Path write(Path file, String text) throws IOException {
        ByteBuffer elf = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
        header(elf);
        segment(elf, 1, 0, SIZE); // PT_LOAD
        segment(elf, 4, HEADERS, NOTE); // PT_NOTE
        elf.putInt(4).putInt(4).putInt(18); // XEN_ELFNOTE_PHYS32_ENTRY
        elf.put("Xen\0".getBytes(StandardCharsets.US_ASCII)).putInt(LOAD_ADDRESS + CODE);
        elf.position(CODE);
        code(elf);
        elf.position(TEXT).put((text + "\n\0").getBytes(StandardCharsets.US_ASCII));
        return Files.write(file, elf.array());
    }

    private static void header(ByteBuffer elf) {
        elf.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1, 0}).putLong(0);
        elf.putShort((short) 2).putShort((short) 62).putInt(1); // executable, x86-64, version
        elf.putLong(LOAD_ADDRESS + CODE).putLong(64).putLong(0).putInt(0);
        elf.putShort((short) 64)
                .putShort((short) 56)
                .putShort((short) 2); // header sizes, two segments
        elf.putShort((short) 0).putShort((short) 0).putShort((short) 0);
    }

    private static void segment(ByteBuffer elf, int type, long offset, long size) {
        elf.putInt(type).putInt(7).putLong(offset);
        elf.putLong(LOAD_ADDRESS + offset)
                .putLong(LOAD_ADDRESS + offset)
                .putLong(size)
                .putLong(size)
                .putLong(4);
    }

    private void code(ByteBuffer elf) {
        elf.put((byte) 0xbe).putInt(LOAD_ADDRESS + TEXT); // mov esi, text
        int[] print = {0xba, 0xf8, 0x03, 0, 0, 0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8};
        for (int octet :
                print) { // mov edx, 0x3f8; 1: lodsb; test al, al; jz 2f; out dx, al; jmp 1b; 2:
            elf.put((byte) octet);
        }
        for (int octet : end) {
            elf.put((byte) octet);
        }
    }
}
