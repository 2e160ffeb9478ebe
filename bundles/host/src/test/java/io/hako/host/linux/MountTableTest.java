// SPDX-License-Identifier: Apache-2.0
package io.hako.host.linux;

import static org.junit.Assert.assertEquals;

import java.nio.file.Path;
import java.util.List;
import org.junit.Test;

public class MountTableTest {
    private static final MountTable TABLE =
            MountTable.parse(
                    List.of(
                            "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
                            "30 22 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu",
                            "31 22 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
                            "40 22 0:30 / /p/share rw shared:2 master:1 - tmpfs none rw",
                            "41 40 0:31 / /p/share/c/root\\040fs rw - overlay overlay rw",
                            "42 40 0:32 / /p/share/c/root\\040fs rw - overlay overlay rw",
                            "43 22 0:33 / /p/back\\134slash rw - tmpfs none rw",
                            "44 22 0:34 / /pq rw - tmpfs none rw",
                            "a line of another form"));

    @Test
    public void belowIsDeepestFirstAndOncePerMount() {
        assertEquals(
                List.of(
                        Path.of("/p/share/c/root fs"),
                        Path.of("/p/share/c/root fs"),
                        Path.of("/p/back\\slash"),
                        Path.of("/p/share")),
                TABLE.below(Path.of("/p")));
    }

    @Test
    public void hierarchiesAreFoundByType() {
        assertEquals(
                List.of(Path.of("/sys/fs/cgroup/cpu"), Path.of("/sys/fs/cgroup/unified")),
                TABLE.ofType("cgroup", "cgroup2"));
    }
}
