// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What a process is shut off from. The shim sets it up before the program starts; whatever it is,
 * the process is in the sandbox's cgroup and dies with the shim.
 *
 * @param namespaces those that the process gets new; a network namespace given with the process
 *     takes the place of NETWORK
 * @param runAs the host user that it runs as; absent: the shim's
 * @param noNewPrivileges PR_SET_NO_NEW_PRIVS (prctl(2)): no program that it starts gains rights
 * @param capabilities those that it keeps, at most; only as user 0 can a program keep any. Absent:
 *     the shim's
 * @param root what it sees of files instead of the host's; with MOUNT and PID namespaces and
 *     without all of the shim's capabilities only. Absent: the host's
 */
public record Confinement(
        Set<Namespace> namespaces,
        Optional<HostUser> runAs,
        boolean noNewPrivileges,
        Optional<Set<Capability>> capabilities,
        Optional<OwnRoot> root) {
    /** A process like the shim itself. Only for programs that confine themselves. */
    public static final Confinement NONE =
            new Confinement(Set.of(), Optional.empty(), false, Optional.empty(), Optional.empty());

    private static final Set<Namespace> FOR_A_ROOT = Set.of(Namespace.MOUNT, Namespace.PID);

    public Confinement {
        namespaces = Set.copyOf(namespaces);
        capabilities = capabilities.map(Set::copyOf);
        if (root.isPresent() && !namespaces.containsAll(FOR_A_ROOT)) {
            throw DriverException.invalid(
                    "A process with a root of its own has namespaces of its own for MOUNT and PID, but they are %s."
                            .formatted(new TreeSet<>(namespaces)));
        }
        if (root.isPresent() && capabilities.isEmpty()) {
            throw DriverException.invalid(
                    "A process with a root of its own names the capabilities that it keeps: with all of the shim's it could leave the root.");
        }
        if (capabilities.isPresent()
                && !capabilities.get().isEmpty()
                && runAs.filter(user -> user.uid() != 0).isPresent()) {
            throw DriverException.invalid(
                    "A process keeps capabilities as user 0 only, but is to keep %s as user %d."
                            .formatted(new TreeSet<>(capabilities.get()), runAs.get().uid()));
        }
    }

    /** Kinds of namespace, namespaces(7). */
    public enum Namespace {
        /** An empty one, with nothing but a loopback interface that is down. */
        NETWORK,
        /**
         * A slave of the shim's: what the shim mounts later appears in it, never the other way
         * round.
         */
        MOUNT,
        PID,
        IPC,
        UTS,
        /**
         * With the identity map, so that files keep their owners. The process has no rights over
         * its other namespaces: those are the host's.
         */
        USER
    }

    /**
     * Capabilities, capabilities(7), as far as they are about files and the process's own identity:
     * one with rights over more than those cannot be kept.
     */
    public enum Capability {
        CHOWN(0),
        DAC_OVERRIDE(1),
        /** Files by handle (open_by_handle_at(2)) need it on the host itself. */
        DAC_READ_SEARCH(2),
        FOWNER(3),
        FSETID(4),
        SETGID(6),
        SETUID(7),
        SETPCAP(8),
        SYS_CHROOT(18),
        MKNOD(27),
        SETFCAP(31);

        private final int number;

        Capability(int number) {
            this.number = number;
        }

        /** Its number in linux/capability.h. */
        public int number() {
            return number;
        }
    }

    /**
     * A root file system of the process's own: in memory and read-only. There is nothing of the
     * host's in it but the directories of programs and libraries ({@code /usr}, {@code /lib} and
     * the like), the program itself, what is listed here, and of {@code /proc} the process itself
     * ({@code /proc/self}). A process in a user namespace of its own cannot make a further one.
     *
     * @param readable files, devices, and directories with all that is mounted below them, as they
     *     are when it starts; they cannot be written to, but a device can
     * @param followed directories as they are, which it can write to as far as its user may, but
     *     whose devices it cannot open; what the shim mounts below them later appears
     */
    public record OwnRoot(Set<Path> readable, Set<Path> followed) {
        public OwnRoot {
            readable = Set.copyOf(readable);
            followed = Set.copyOf(followed);
            readable.forEach(path -> Names.absolute("A path of a process's root", path));
            followed.forEach(path -> Names.absolute("A path of a process's root", path));
        }
    }

    /**
     * A user and group of the host.
     *
     * @param uid 0 to 2^32 - 2 (2^32 - 1 means "no change" to setresuid(2))
     * @param gid likewise
     */
    public record HostUser(long uid, long gid) {
        private static final long MOST = 0xFFFF_FFFEL;

        public HostUser {
            if (Math.min(uid, gid) < 0 || Math.max(uid, gid) > MOST) {
                throw DriverException.invalid(
                        "A user and group id is 0 to %d, but they are %d and %d."
                                .formatted(MOST, uid, gid));
            }
        }
    }
}
