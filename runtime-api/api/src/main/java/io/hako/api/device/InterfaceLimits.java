// SPDX-License-Identifier: Apache-2.0
package io.hako.api.device;

import io.hako.api.types.Names;

/** The limits that the two kinds of network interface have in common. */
final class InterfaceLimits {
    private InterfaceLimits() {}

    static void check(String what, int mtu, int queues) {
        Names.within("The MTU of " + what, mtu, 68, 65_535);
        Names.within("The number of queue pairs of " + what, queues, 1, 256);
    }
}
