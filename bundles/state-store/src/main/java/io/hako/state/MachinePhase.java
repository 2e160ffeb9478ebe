// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

/** What a sandbox's virtual machine is up to, as journalled. */
public enum MachinePhase {
    /** Being planned or started; a daemon that finds this undoes the start. */
    STARTING,
    /** The agent has said hello. */
    RUNNING,
    /**
     * hako asked for its end: journalled before the agent is told, so that the exit is known as
     * requested.
     */
    STOPPING,
    /** Gone. */
    OFF,
    /** All of the sandbox is being taken away; a daemon that finds this goes on with it. */
    UNDOING,
    /** It runs, and could not be adopted. */
    QUARANTINED
}
