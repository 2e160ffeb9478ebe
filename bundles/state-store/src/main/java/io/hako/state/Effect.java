// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

/**
 * Something made on the host for a sandbox. Slot, kind and name are its identity; all three are
 * deterministic, so that a repeat of an interrupted step finds what the first try made.
 *
 * @param slot on whose account: a handle's, such as {@code storage-0}, or {@code sandbox}
 * @param kind what undoing it means, such as {@code mount}
 * @param name such as the mount's target
 * @param detail what undoing needs beyond the name; may be empty
 * @param done whether it is known to have been made; if not, it may or may not be there
 */
public record Effect(String slot, String kind, String name, String detail, boolean done) {
    boolean is(String otherSlot, String otherKind, String otherName) {
        return slot.equals(otherSlot) && kind.equals(otherKind) && name.equals(otherName);
    }
}
