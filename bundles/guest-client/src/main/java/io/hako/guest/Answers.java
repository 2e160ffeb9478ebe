// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.GuestPath;
import io.hako.guest.proto.Event;
import io.hako.guest.proto.EventsResponse;
import io.hako.guest.proto.HelloResponse;
import io.hako.guest.proto.ListResponse;
import io.hako.guest.proto.PreparePodResponse;
import io.hako.guest.proto.ProcessResponse;
import io.hako.guest.proto.ProcessStatus;
import io.hako.guest.proto.Stdio;
import io.hako.guest.proto.WaitResponse;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * The agent's messages as records. Whatever a broken or malicious agent could send and a sound one
 * never does is refused here.
 */
final class Answers {
    private static final int LONGEST_NAME = 256;
    private static final int LONGEST_SENTENCE = 1_000;
    private static final int MOST_PROCESSES = 4_096;
    private static final int MOST_EVENTS = 1_024;
    // PID_MAX_LIMIT of a 64-bit Linux (include/linux/threads.h).
    private static final int LARGEST_PID = 1 << 22;
    private static final int LARGEST_STATUS = 255;
    private static final int LARGEST_WINDOW = 65_535;

    private Answers() {}

    static GuestHello greeting(HelloResponse answer) {
        return new GuestHello(
                answer.getProtocol(),
                name("version", answer.getAgentVersion()),
                name("kernel release", answer.getKernelRelease()),
                name("instance", answer.getInstance()),
                answer.getIdentitySet());
    }

    static PodPlaces places(PreparePodResponse answer) {
        Optional<GuestPath> processes =
                answer.getPid().isEmpty()
                        ? Optional.empty()
                        : Optional.of(path("process namespace", answer.getPid()));
        return new PodPlaces(processes, path("shared memory", answer.getShm()));
    }

    private static GuestPath path(String what, String text) {
        try {
            return new GuestPath(name(what, text));
        } catch (DriverException e) {
            throw refused(what, "\"" + text + "\", which is no path");
        }
    }

    static int pid(ProcessResponse answer) {
        return number("pid", answer.getPid(), 1, LARGEST_PID);
    }

    static GuestExit exit(WaitResponse answer) {
        return exit(answer.getExitStatus(), answer.getExitedAtNs(), answer.getOomKilled());
    }

    private static GuestExit exit(int status, long at, boolean oomKilled) {
        return new GuestExit(
                number("exit status", status, 0, LARGEST_STATUS), instant(at), oomKilled);
    }

    static List<GuestProcess> processes(ListResponse answer) {
        count("processes", answer.getProcessesCount(), MOST_PROCESSES);
        return answer.getProcessesList().stream().map(Answers::process).toList();
    }

    private static GuestProcess process(ProcessStatus process) {
        GuestProcess.State state =
                switch (process.getState()) {
                    case CREATED -> GuestProcess.State.CREATED;
                    case RUNNING -> GuestProcess.State.RUNNING;
                    case PAUSED -> GuestProcess.State.PAUSED;
                    case STOPPED -> GuestProcess.State.STOPPED;
                    case PROCESS_STATE_UNSPECIFIED, UNRECOGNIZED ->
                            throw refused("process state", process.getStateValue());
                };
        Optional<GuestExit> exit =
                state == GuestProcess.State.STOPPED
                        ? Optional.of(
                                exit(
                                        process.getExitStatus(),
                                        process.getExitedAtNs(),
                                        process.getOomKilled()))
                        : Optional.empty();
        return new GuestProcess(
                id(process.getContainerId(), process.getExecId()),
                number("pid", process.getPid(), 0, LARGEST_PID),
                state,
                exit,
                stdio(process.getStdio()));
    }

    private static GuestStdio stdio(Stdio stdio) {
        return new GuestStdio(
                stdio.getTerminal(),
                stdio.getStdin(),
                stdio.getStdout(),
                stdio.getStderr(),
                number("number of rows", stdio.getRows(), 0, LARGEST_WINDOW),
                number("number of columns", stdio.getColumns(), 0, LARGEST_WINDOW));
    }

    static List<GuestEvent> events(EventsResponse answer) {
        count("events", answer.getEventsCount(), MOST_EVENTS);
        return answer.getEventsList().stream().map(Answers::event).toList();
    }

    private static GuestEvent event(Event event) {
        long sequence = figure(event.getSequence());
        Instant at = instant(event.getTimeNs());
        return switch (event.getWhatCase()) {
            case EXITED -> {
                var exited = event.getExited();
                yield new GuestEvent.Exited(
                        sequence,
                        at,
                        id(exited.getContainerId(), exited.getExecId()),
                        number("pid", exited.getPid(), 0, LARGEST_PID),
                        number("exit status", exited.getExitStatus(), 0, LARGEST_STATUS),
                        exited.getOomKilled());
            }
            case OOM ->
                    new GuestEvent.OutOfMemory(
                            sequence,
                            at,
                            name("container id", event.getOom().getContainerId()),
                            figure(event.getOom().getKills()));
            case FAREWELL ->
                    new GuestEvent.Farewell(
                            sequence, at, sentence(event.getFarewell().getReason()));
            case WHAT_NOT_SET -> new GuestEvent.Unknown(sequence, at);
        };
    }

    private static GuestProcessId id(String container, String exec) {
        return new GuestProcessId(name("container id", container), name("exec id", exec));
    }

    static String name(String what, String value) {
        if (value.length() > LONGEST_NAME || value.chars().anyMatch(Character::isISOControl)) {
            throw refused(what, "a text of %d characters".formatted(value.length()));
        }
        return value;
    }

    private static String sentence(String value) {
        String cut =
                value.length() > LONGEST_SENTENCE ? value.substring(0, LONGEST_SENTENCE) : value;
        return cut.replaceAll("\\p{Cntrl}", " ");
    }

    static int number(String what, int value, int least, int most) {
        if (value < least || value > most) {
            throw refused(what, Integer.toUnsignedString(value));
        }
        return value;
    }

    static long figure(long value) {
        if (value < 0) {
            throw refused("figure", Long.toUnsignedString(value));
        }
        return value;
    }

    static void count(String what, int value, int most) {
        if (value > most) {
            throw refused(
                    "list of " + what,
                    "one of %d, of which at most %d are taken".formatted(value, most));
        }
    }

    private static Instant instant(long nanos) {
        return Instant.EPOCH.plusNanos(nanos);
    }

    private static DriverException refused(String what, Object value) {
        return new DriverException(
                FailureKind.INTERNAL,
                "The guest's agent is broken or malicious: its %s is %s.".formatted(what, value));
    }
}
