// SPDX-License-Identifier: Apache-2.0
package io.hako.testbed;

import com.sun.jna.LastErrorException;
import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.StringArray;
import com.sun.jna.ptr.IntByReference;

/** The calls of the C library that Java has no words for. Failures are LastErrorException. */
interface Libc extends Library {
    int AF_UNIX = 1;
    int SOCK_STREAM_CLOEXEC = 1 | 0x80000;
    int O_RDWR = 2;
    int O_CLOEXEC = 0x80000;
    int F_DUPFD_CLOEXEC = 1030;
    int MFD_CLOEXEC = 1;
    int SHUT_RDWR = 2;
    int MSG_NOSIGNAL = 0x4000;

    static Libc load() {
        return Native.load("c", Libc.class);
    }

    int memfd_create(String name, int flags) throws LastErrorException;

    int ftruncate(int fd, long length) throws LastErrorException;

    int socket(int domain, int type, int protocol) throws LastErrorException;

    int bind(int fd, Memory address, int length) throws LastErrorException;

    int listen(int fd, int backlog) throws LastErrorException;

    int connect(int fd, Memory address, int length) throws LastErrorException;

    int shutdown(int fd, int how) throws LastErrorException;

    long send(int fd, byte[] bytes, long length, int flags) throws LastErrorException;

    long sendmsg(int fd, Memory message, int flags) throws LastErrorException;

    int socketpair(int domain, int type, int protocol, int[] ends) throws LastErrorException;

    int pipe2(int[] ends, int flags) throws LastErrorException;

    int open(String path, int flags) throws LastErrorException;

    int fcntl(int fd, int command, int argument) throws LastErrorException;

    long read(int fd, byte[] bytes, long length) throws LastErrorException;

    int close(int fd) throws LastErrorException;

    int waitpid(int pid, IntByReference status, int options) throws LastErrorException;

    int kill(int pid, int signal) throws LastErrorException;

    /** This family returns the error number. */
    int posix_spawn(
            IntByReference pid,
            String path,
            Pointer actions,
            Pointer attributes,
            StringArray argv,
            StringArray environment);

    int posix_spawn_file_actions_init(Pointer actions);

    int posix_spawn_file_actions_adddup2(Pointer actions, int from, int to);

    int posix_spawn_file_actions_addclosefrom_np(Pointer actions, int first);

    int posix_spawn_file_actions_destroy(Pointer actions);
}
