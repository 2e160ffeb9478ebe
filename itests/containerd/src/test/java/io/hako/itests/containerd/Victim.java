// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

/** What is killed with signal 9, and what becomes of a pod then. */
enum Victim {
    HAKOD(true, false, ""),
    CONTAINERD(true, true, ""),
    BOTH(true, true, ""),
    SHIM(false, false, "its shim"),
    MONITOR(false, false, "signal 9"),
    FILE_SERVER(false, false, "cannot go on without it"),
    /** The guest's first process cannot be killed from outside: its kernel falls instead. */
    AGENT(false, false, "panic");

    private final boolean podLives;
    private final boolean cutsClient;
    private final String cause;

    Victim(boolean podLives, boolean cutsClient, String cause) {
        this.podLives = podLives;
        this.cutsClient = cutsClient;
        this.cause = cause;
    }

    /** Whether a pod lives on as if nothing had been. */
    boolean podLives() {
        return podLives;
    }

    /** Whether a call that is under way is lost for its caller, who asks again. */
    boolean cutsClient() {
        return cutsClient;
    }

    /** Words of the cause that is told where the pod cannot live. */
    String cause() {
        return cause;
    }
}
