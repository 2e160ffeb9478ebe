// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import java.util.Optional;

/**
 * An entry that tells what became of a process or container, and what was known before it.
 *
 * @param number from 1, one more than that of the sandbox's last one
 * @param before the container without the entry
 * @param pid the monitor's on the host at that time
 */
public record Happening(long number, ContainerRecord before, int pid, Entry entry) {
    /** The container that an entry tells something of; empty for an entry of another kind. */
    static Optional<String> container(Entry entry) {
        return switch (entry) {
            case Entry.Process made when !made.exec().isEmpty() -> Optional.of(made.container());
            case Entry.Moved moved -> Optional.of(moved.container());
            case Entry.Exited exited -> Optional.of(exited.container());
            case Entry.OutOfMemory shortage -> Optional.of(shortage.container());
            case Entry.Deleted gone -> Optional.of(gone.container());
            default -> Optional.empty();
        };
    }
}
