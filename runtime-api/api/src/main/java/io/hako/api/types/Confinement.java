// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

import java.util.Optional;
import java.util.Set;

/**
 * What a process is shut off from. The shim sets it up before the program starts; whatever it is,
 * the process is in the sandbox's cgroup and dies with the shim.
 *
 * @param namespaces those that the process gets new; a network namespace given with the process
 *     takes the place of NETWORK
 * @param runAs the host user that it runs as; absent: the shim's
 * @param noNewPrivileges PR_SET_NO_NEW_PRIVS (prctl(2)): no program that it starts gains rights
 * @param dropCapabilities it has no capability in any namespace that it did not make itself
 */
public record Confinement(
        Set<Namespace> namespaces,
        Optional<HostUser> runAs,
        boolean noNewPrivileges,
        boolean dropCapabilities) {
    /** A process like the shim itself. Only for programs that confine themselves. */
    public static final Confinement NONE =
            new Confinement(Set.of(), Optional.empty(), false, false);

    public Confinement {
        namespaces = Set.copyOf(namespaces);
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
        /** With the identity map, so that files keep their owners. */
        USER
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
