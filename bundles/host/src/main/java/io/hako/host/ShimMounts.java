// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import io.hako.api.host.Mounts;
import io.hako.api.types.Call;
import io.hako.host.shim.Shim;
import java.nio.file.Path;
import java.util.List;

/**
 * Mounts made by the shim, in the mount namespace that it shares with containerd; a JVM cannot
 * enter one.
 */
record ShimMounts(Shim shim) implements Mounts {
    @Override
    public void mount(String type, String source, Path target, List<String> options, Call call) {
        shim.mount(type, source, target, options, call);
    }

    @Override
    public void unmount(Path target, Call call) {
        shim.unmount(target, true, call);
    }
}
