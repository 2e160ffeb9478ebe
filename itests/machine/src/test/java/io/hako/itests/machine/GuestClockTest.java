// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.stream.Stream;
import org.junit.ClassRule;
import org.junit.Test;

/**
 * A machine that stood still, as under a debugger, a checkpoint of the host or a long shortage of
 * processors, has the host's time again when it goes on.
 */
public class GuestClockTest {
    @ClassRule public static final Node NODE = new Node();

    /**
     * How far the guest's clock may be from the host's, be it asked at the question or the answer.
     */
    private static final Duration MOST = Duration.ofMillis(100);

    /** The clock is said by the shell itself: nothing is started between the question and it. */
    private static final String CLOCK = "while read word; do echo $word $EPOCHREALTIME; done";

    /** A question takes some milliseconds; on a busy host the fastest of many does. */
    private static final int QUESTIONS = 40;

    @Test
    public void aMachineThatStoodStillHasTheHostsTime() throws Exception {
        try (Running clock =
                NODE.start("run", "--rm", "-i", "--name", "clock", "demo", "sh", "-c", CLOCK)) {
            isTheHosts("before", ask(clock, "before"));
            long monitor = NODE.inspect("clock").getAsJsonObject("machine").get("pid").getAsLong();

            standStill(monitor, LongTests.asked() ? 60 : 5);

            isTheHosts("after", ask(clock, "after"));
            clock.stdin().close();
            assertEquals(0, clock.finish(Node.LIMIT).exit());
        }
        NODE.nothingLeft();
    }

    private static void isTheHosts(String when, Answer answer) {
        assertTrue(
                "The guest's clock " + when + " the stop: " + answer,
                answer.off().compareTo(MOST) <= 0);
    }

    /** The one of many answers that came fastest, for that one says most. */
    private static Answer ask(Running clock, String word) {
        return Stream.iterate(0, number -> number < QUESTIONS, number -> number + 1)
                .map(number -> askOnce(clock, word + number))
                .min(Comparator.comparing(Answer::took))
                .orElseThrow();
    }

    private static Answer askOnce(Running clock, String word) {
        Instant asked = Instant.now();
        clock.write(word + "\n");
        String line = word + " ";
        clock.awaitOutput(word, out -> out.contains(line) && out.endsWith("\n"), Node.LIMIT);
        Instant answered = Instant.now();
        String seconds = clock.textSoFar().split(line, 2)[1].strip();
        return new Answer(asked, microseconds(seconds), answered);
    }

    private static Instant microseconds(String seconds) {
        return Instant.EPOCH.plus(Long.parseLong(seconds.replace(".", "")), ChronoUnit.MICROS);
    }

    private record Answer(Instant asked, Instant said, Instant answered) {
        Duration took() {
            return Duration.between(asked, answered);
        }

        /** The farthest that the guest's clock may be from the host's. */
        Duration off() {
            return Stream.of(asked, answered)
                    .map(host -> Duration.between(host, said).abs())
                    .max(Comparator.naturalOrder())
                    .orElseThrow();
        }
    }

    /** Stopped to the last: a monitor that went on too early proves nothing. */
    private static void standStill(long monitor, int seconds) throws Exception {
        String script =
                "kill -STOP $0; sleep $1; grep -q '^State:.*T (stopped)' /proc/$0/status; was=$?;"
                        + " kill -CONT $0; exit $was";
        Process stop =
                new ProcessBuilder(
                                "sh",
                                "-c",
                                script,
                                Long.toString(monitor),
                                Integer.toString(seconds))
                        .start();
        assertEquals("the monitor stood still", 0, stop.waitFor());
    }
}
