// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

/**
 * A container's first process, or with a non-empty exec id a further one. What an operator runs in
 * the guest itself is a further process of the container "".
 */
public record GuestProcessId(String container, String exec) {
    public static GuestProcessId first(String container) {
        return new GuestProcessId(container, "");
    }

    public static GuestProcessId ofGuest(String exec) {
        return new GuestProcessId("", exec);
    }

    /** Whether it is in no container. */
    public boolean isOfGuest() {
        return container.isEmpty();
    }
}
