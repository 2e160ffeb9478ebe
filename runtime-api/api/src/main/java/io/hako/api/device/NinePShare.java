// SPDX-License-Identifier: Apache-2.0
package io.hako.api.device;

import io.hako.api.types.DeviceId;
import io.hako.api.types.Names;
import java.nio.file.Path;

/**
 * A shared directory over 9P, served by the monitor itself with the monitor's user and rights.
 *
 * @param id of the device
 * @param tag that the guest mounts, at most 31 bytes (MAX_TAG_LEN of QEMU's hw/9pfs/9p.h is 32 with
 *     its closing zero)
 * @param directory absolute path on the host
 * @param readOnly whether the guest can only read it
 */
public record NinePShare(DeviceId id, String tag, Path directory, boolean readOnly)
        implements Device {
    public NinePShare {
        Names.name("The tag of a 9P share", tag, 31);
        Names.absolute("The directory of a 9P share", directory);
    }

    @Override
    public DeviceKind kind() {
        return DeviceKind.NINE_P_SHARE;
    }
}
