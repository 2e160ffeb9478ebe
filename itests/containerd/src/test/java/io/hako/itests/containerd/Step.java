// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

/** The steps of a pod with one container, in their order. */
enum Step {
    /** The machine boots. */
    CREATE_POD("Create"),
    CREATE("Create"),
    START("Start"),
    /** A further process, which lives on beside the first. */
    EXEC("Start"),
    /** By a signal at which the first process writes much, and ends. */
    KILL("Kill"),
    DELETE("Delete"),
    /** The machine ends. */
    KILL_POD("Kill"),
    DELETE_POD("Delete"),
    /** Nothing is left. */
    GONE("");

    private final String verb;

    Step(String verb) {
        this.verb = verb;
    }

    /** The beginning of the request in hakod's journal. */
    String verb() {
        return verb;
    }
}
