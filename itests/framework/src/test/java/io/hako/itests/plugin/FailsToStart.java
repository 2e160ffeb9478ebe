// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.plugin;

/** Its constructor fails. */
public final class FailsToStart extends PlainHypervisor {
    public FailsToStart() {
        throw new IllegalStateException("no such day");
    }
}
