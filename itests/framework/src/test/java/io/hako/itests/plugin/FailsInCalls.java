// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.plugin;

/** Fails in the middle of a call, with a class of its own. */
public final class FailsInCalls extends PlainHypervisor {
    @Override
    void booting() {
        throw new Unheard();
    }

    private static final class Unheard extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Unheard() {
            super("unheard of");
        }
    }
}
