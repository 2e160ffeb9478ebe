// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * One line of a sandbox's journal. On disk: one JSON object a line, its first member {@code "t"}
 * the word of {@link EntryCodec}, then the components by their names; members that are not known
 * are ignored, so that a component can be added without a new {@link #SCHEMA}.
 *
 * <p>Strings are never null: what is not there is the empty string. Times are ISO-8601 instants.
 */
public sealed interface Entry {
    /**
     * Version of the whole format, written into the first line. A journal with a higher one is
     * refused.
     */
    int SCHEMA = 2;

    /**
     * The first line: what never changes.
     *
     * @param v {@link Entry#SCHEMA} at the time of writing
     * @param bundle OCI bundle of the sandbox container, absolute
     * @param instance the shim's random word: another shim under the same id is another sandbox
     */
    record Sandbox(
            int v, String namespace, String id, String bundle, String instance, Instant created)
            implements Entry {}

    /** An effect on the host is about to be made. Repeating it changes nothing. */
    record Begin(String slot, String kind, String name, String detail) implements Entry {}

    /** The effect was made. */
    record Done(String slot, String kind, String name) implements Entry {}

    /** The effect is no longer there. */
    record Undone(String slot, String kind, String name) implements Entry {}

    /**
     * A driver's handle as it was last stated; replaces an earlier one of the slot.
     *
     * @param driver {@code KIND/NAME}
     * @param schema version of {@code state}, the driver's own
     * @param state the driver's JSON, as text
     * @param settings the driver's settings, frozen with the handle: JSON, as text
     */
    record Handle(String slot, String driver, int schema, String state, String settings)
            implements Entry {}

    /** The slot's handle was destroyed. */
    record HandleGone(String slot) implements Entry {}

    /** One step of the start took this long. */
    record Step(String name, long micros) implements Entry {}

    /**
     * What the machine is up to.
     *
     * @param pid of the monitor on the host, also after its end; 0 before there is one
     * @param reason one sentence, for OFF and QUARANTINED; else empty
     */
    record Machine(MachinePhase phase, int pid, String reason) implements Entry {}

    /**
     * What the machine is to be; replaces an earlier one when it changes its size.
     *
     * @param memory bytes of the whole machine
     * @param containerMemory bytes of it that its containers may use
     * @param settings what was decided by, in the order of their keys
     * @param room absent in older journals: the machine keeps its size
     */
    record Planned(long memory, long containerMemory, int cpus, List<Setting> settings, Room room)
            implements Entry {
        public Planned {
            settings = List.copyOf(settings);
            room =
                    Objects.requireNonNullElseGet(
                            room,
                            () ->
                                    new Room(
                                            memory,
                                            containerMemory,
                                            cpus,
                                            containerMemory,
                                            cpus,
                                            0,
                                            List.of()));
        }
    }

    /**
     * In which limits a machine changes its size, and what it is large enough for.
     *
     * @param bootMemory bytes of the whole machine as it booted
     * @param bootContainerMemory bytes of it that containers could use
     * @param bootCpus that it booted with
     * @param containerMemoryCeiling bytes that its containers may come to use
     * @param cpuCeiling CPUs that it may come to have
     * @param unlimitedMemory bytes for its containers without a limit, all together
     * @param limits of its containers, of ended ones too
     */
    record Room(
            long bootMemory,
            long bootContainerMemory,
            int bootCpus,
            long containerMemoryCeiling,
            int cpuCeiling,
            long unlimitedMemory,
            List<Limit> limits) {
        public Room {
            limits = List.copyOf(limits);
        }
    }

    /**
     * A container's limits.
     *
     * @param memory bytes; 0: none
     * @param milliCpus thousandths of a CPU; 0: none
     */
    record Limit(String container, long memory, int milliCpus) {}

    /**
     * A setting as it held when the machine was planned.
     *
     * @param from where its value came from, for people
     */
    record Setting(String key, String value, String from) {}

    /**
     * A container is about to be made. {@code name} and {@code image}: its annotations, or empty.
     *
     * @param sandbox it stands for the machine itself: the guest has no such container
     */
    record Container(
            String id,
            String bundle,
            String name,
            String image,
            List<String> command,
            boolean sandbox)
            implements Entry {
        public Container {
            command = List.copyOf(command);
        }
    }

    /**
     * A process with its streams, before it is made. The tokens name the streams on the guest's
     * data port; 0: no such stream.
     *
     * @param exec empty for a container's first process
     * @param spec OCI process JSON of a further process; empty for the first
     */
    record Process(
            String container,
            String exec,
            boolean terminal,
            String stdin,
            String stdout,
            String stderr,
            long stdinToken,
            long stdoutToken,
            long stderrToken,
            String spec)
            implements Entry {}

    /** A process moved on: CREATED, RUNNING or PAUSED. */
    record Moved(String container, String exec, ProcessPhase to) implements Entry {}

    /**
     * A process ended. {@code reason}: one sentence where the machine's end ended it, else empty.
     */
    record Exited(String container, String exec, int status, Instant at, String reason)
            implements Entry {}

    /** The guest's kernel ended a process of the container for want of memory. */
    record OutOfMemory(String container) implements Entry {}

    /** What happened was told on, up to the {@link Happening} of this number. */
    record Told(long number) implements Entry {}

    /**
     * A {@link Happening} that has not been told on, in a journal that was written anew.
     *
     * @param before the container's entries at that time
     */
    record Happened(long number, int pid, List<Entry> before, Entry entry) implements Entry {
        public Happened {
            before = before == null ? null : List.copyOf(before);
        }
    }

    /** A stopped process, or with an empty {@code exec} a container and all of it, is forgotten. */
    record Deleted(String container, String exec) implements Entry {}

    /** A request is about to be worked on. */
    record Request(String key, String verb) implements Entry {}

    /**
     * A request was answered.
     *
     * @param failure name of a {@link io.hako.api.types.FailureKind}, or empty for success
     * @param body the failure's sentence, or the answer as JSON text
     */
    record Answered(String key, String failure, String body) implements Entry {}
}
