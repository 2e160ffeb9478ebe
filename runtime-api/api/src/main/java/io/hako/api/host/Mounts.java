// SPDX-License-Identifier: Apache-2.0
package io.hako.api.host;

import io.hako.api.types.Call;
import java.nio.file.Path;
import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/** Mounts below the sandbox's own directory, made by the shim in its mount namespace. */
@ProviderType
public interface Mounts {
    /**
     * Mounts a file system; succeeds if the same is mounted there. Devices in it cannot be opened
     * on the host: it is for a guest.
     *
     * @param type as for mount(2), or {@code bind} and {@code rbind}
     * @param source as the type wants it
     * @param target absolute; made if it is missing
     * @param options as for mount(8)
     * @throws io.hako.api.types.DriverException INVALID_REQUEST if the target is not below the
     *     sandbox's directory; NOT_FOUND if the source does not exist
     */
    void mount(String type, String source, Path target, List<String> options, Call call);

    /**
     * Takes away what is mounted at a target, and the target if it is empty then; succeeds if
     * nothing is there.
     */
    void unmount(Path target, Call call);
}
