// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

/** A container's first process, or with a non-empty exec id a further one. */
public record GuestProcessId(String container, String exec) {
    public static GuestProcessId first(String container) {
        return new GuestProcessId(container, "");
    }
}
