// SPDX-License-Identifier: Apache-2.0
package io.hako.host.linux;

import com.sun.jna.LastErrorException;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLong;
import com.sun.jna.Pointer;

/**
 * The functions of the C library that are used; a failure is thrown with errno. Numbers are those
 * of x86-64 Linux.
 */
public interface Libc extends Library {
    int ENOENT = 2;
    int EINTR = 4;
    int EAGAIN = 11;
    int EINVAL = 22;
    int ENOBUFS = 105;
    int POLLIN = 1;
    int POLLOUT = 4;
    int AF_UNIX = 1;
    int SOL_SOCKET = 1;
    int SCM_RIGHTS = 1;
    int MSG_DONTWAIT = 0x40;
    int MSG_NOSIGNAL = 0x4000;
    int MNT_DETACH = 2;
    int UMOUNT_NOFOLLOW = 8;
    long SYS_PIDFD_OPEN = 434;
    long SYS_PIDFD_GETFD = 438;

    static Libc load() {
        return Native.load("c", Libc.class);
    }

    int open(String path, int flags, Object... mode) throws LastErrorException;

    int ioctl(int fd, NativeLong request, Object... argument) throws LastErrorException;

    int unshare(int flags) throws LastErrorException;

    int gettid();

    int setns(int fd, int type) throws LastErrorException;

    int socket(int domain, int type, int protocol) throws LastErrorException;

    int bind(int fd, Pointer address, int length) throws LastErrorException;

    int eventfd(int count, int flags) throws LastErrorException;

    int eventfd_read(int fd, Pointer value) throws LastErrorException;

    int eventfd_write(int fd, long value) throws LastErrorException;

    int setsockopt(int fd, int level, int name, Pointer value, int length)
            throws LastErrorException;

    NativeLong send(int fd, Pointer data, long length, int flags) throws LastErrorException;

    NativeLong recv(int fd, Pointer data, long length, int flags) throws LastErrorException;

    int umount2(String target, int flags) throws LastErrorException;

    int close(int fd) throws LastErrorException;

    int getsockname(int fd, Pointer address, Pointer length) throws LastErrorException;

    NativeLong sendmsg(int fd, Pointer message, int flags) throws LastErrorException;

    int poll(Pointer polled, NativeLong count, int timeoutMillis) throws LastErrorException;

    NativeLong syscall(NativeLong number, Object... arguments) throws LastErrorException;
}
