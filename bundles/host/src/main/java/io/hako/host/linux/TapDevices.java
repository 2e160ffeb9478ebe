// SPDX-License-Identifier: Apache-2.0
package io.hako.host.linux;

import com.sun.jna.Memory;
import com.sun.jna.NativeLong;
import java.nio.charset.StandardCharsets;

/**
 * Makes tap interfaces (Linux Documentation/networking/tuntap.rst) in the thread's network
 * namespace.
 */
public final class TapDevices {
    private static final String CLONE_DEVICE = "/dev/net/tun";
    private static final int O_RDWR = 2;
    private static final int O_CLOEXEC = 0x80000;
    // struct ifreq: a name of 16 bytes, then a union, here flags of 16 bits (netdevice(7)).
    private static final int REQUEST_SIZE = 40;
    private static final int FLAGS_OFFSET = 16;
    private static final long TUNSETIFF = 0x4004_54CAL;
    private static final long TUNSETPERSIST = 0x4004_54CBL;
    private static final int IFF_TAP = 0x2;
    private static final int IFF_MULTI_QUEUE = 0x100;
    private static final int IFF_NO_PI = 0x1000;
    private static final int IFF_VNET_HDR = 0x4000;

    private final Libc libc;

    public TapDevices(Libc libc) {
        this.libc = libc;
    }

    /**
     * @param name at most 15 bytes
     */
    public void createPersistent(String name, boolean multiQueue) {
        int descriptor = libc.open(CLONE_DEVICE, O_RDWR | O_CLOEXEC);
        try (Memory request = new Memory(REQUEST_SIZE)) {
            request.clear();
            byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
            request.write(0, bytes, 0, bytes.length);
            int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (multiQueue ? IFF_MULTI_QUEUE : 0);
            request.setShort(FLAGS_OFFSET, (short) flags);
            libc.ioctl(descriptor, new NativeLong(TUNSETIFF), request);
            libc.ioctl(descriptor, new NativeLong(TUNSETPERSIST), 1);
        } finally {
            libc.close(descriptor);
        }
    }
}
