// SPDX-License-Identifier: Apache-2.0
package io.hako.api.host;

import io.hako.api.types.Call;
import io.hako.api.types.NetworkNamespace;
import java.nio.file.Path;
import org.osgi.annotation.versioning.ProviderType;

/** The machine, as far as a driver may touch it. Each effect is journalled before it is made. */
@ProviderType
public interface Host {
    /** The network interfaces in one namespace. */
    Links links(NetworkNamespace network);

    /** The sandbox's mounts. */
    Mounts mounts();

    /**
     * Connects to a unix stream socket, trying again until something listens or the call's time is
     * over.
     *
     * @throws io.hako.api.types.DriverException NOT_FOUND at once if there is no such socket;
     *     UNAVAILABLE if nothing listens there until the call's end
     */
    UnixStream connect(Path socket, Call call);
}
