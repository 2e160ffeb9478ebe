// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.MemorySize;

/**
 * What of the memory that a running guest gets its containers can use. Linux on x86-64 takes it in
 * blocks of 128 MiB (MIN_MEMORY_BLOCK_SIZE, linux/memory.h), and describes each page of a begun
 * block (64 bytes for 4 KiB, struct page in linux/mm_types.h): 2 MiB for each block.
 */
final class AddedMemory {
    private static final long BLOCK = MemorySize.ofMebibytes(128).bytes();
    private static final long DESCRIPTION = MemorySize.ofMebibytes(2).bytes();

    private AddedMemory() {}

    /** How many bytes are to be added so that so many can be used. */
    static long withItsDescription(long usable) {
        return usable + DESCRIPTION * Math.ceilDiv(usable, BLOCK - DESCRIPTION);
    }

    /** How many of the added bytes can be used. */
    static long usable(long added) {
        return Math.max(0, added - DESCRIPTION * Math.ceilDiv(added, BLOCK));
    }
}
