// SPDX-License-Identifier: Apache-2.0
package io.hako.fake;

import io.hako.api.types.CpuCount;
import io.hako.api.types.MemorySize;
import io.hako.api.types.Names;
import java.nio.file.Path;

/**
 * Settings of each of the fake drivers.
 *
 * @param largestGuest that the fake hypervisor says it can run
 * @param mostCpus likewise
 * @param program what is launched as monitor or backend: a program that runs until it is killed
 * @param arguments of it, in one word
 */
public record FakeSettings(
        MemorySize largestGuest, CpuCount mostCpus, Path program, String arguments) {
    public FakeSettings() {
        this(MemorySize.ofGibibytes(4), new CpuCount(8), Path.of("/bin/sleep"), "infinity");
    }

    public FakeSettings {
        Names.absolute("The setting program", program);
    }

    public FakeSettings withProgram(Path other) {
        return new FakeSettings(largestGuest, mostCpus, other, arguments);
    }
}
