// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.ClassRule;
import org.junit.Test;

/** {@code hako events}, read by somebody who keeps up while everything else comes and goes. */
public class EventStreamTest {
    @ClassRule public static final Node NODE = new Node();

    @Test
    public void aReaderHearsOfEverythingInOrderAcrossDaemons() {
        try (Running reader =
                NODE.start("events", "--since", "0", "--format", "json", "-f", "pod=web")) {
            NODE.succeed("run", "-d", "-m", "64M", "--name", "web", "demo", "sleep", "600");
            assertEquals(3, NODE.hako("exec", "web", "sh", "-c", "exit 3").exit());
            assertEquals(137, NODE.hako("exec", "web", "tail", "/dev/zero").exit());
            NODE.killDaemon();
            NODE.startDaemon();
            NODE.succeed("plugin", "swap", "hypervisor/qemu");
            long monitor = NODE.inspect("web").getAsJsonObject("machine").get("pid").getAsLong();
            ProcessHandle.of(monitor).orElseThrow().destroyForcibly();
            NODE.succeed("wait", "web");
            NODE.succeed("rm", "web");
            reader.awaitOutput(
                    "the pod's end", out -> out.contains("\"event\":\"remove\""), Node.LIMIT);
            List<JsonObject> seen =
                    reader.textSoFar().lines().map(EventStreamTest::object).toList();
            assertEquals(
                    List.of(
                            "container create",
                            "pod start",
                            "container start",
                            "exec create",
                            "exec start",
                            "exec exit",
                            "exec create",
                            "exec start",
                            "exec exit",
                            "pod adopt",
                            "container exit",
                            "machine die",
                            "pod stop",
                            "container delete",
                            "pod remove"),
                    seen.stream()
                            .map(EventStreamTest::word)
                            // The guest tells it beside the exit, in no order.
                            .filter(word -> !word.equals("container oom"))
                            .toList());
            told(seen);
        }
        numbersHaveNoGap();
    }

    private static void told(List<JsonObject> seen) {
        assertTrue(seen.toString(), seen.stream().anyMatch(e -> word(e).equals("container oom")));
        assertEquals("3", detail(seen, "exec exit", "exit_status"));
        assertTrue(one(seen, "pod start").get("milliseconds").getAsDouble() > 1);
        assertTrue(one(seen, "pod adopt").get("milliseconds").getAsDouble() > 1);
        JsonObject death = one(seen, "machine die");
        assertTrue(death.toString(), death.get("cause").getAsString().contains("signal 9"));
        assertTrue(death.toString(), death.get("milliseconds").getAsDouble() < 1000);
        assertEquals("web", detail(seen, "pod remove", "name"));
    }

    /** Also what is of no pod: each daemon's start, the swap. */
    private static void numbersHaveNoGap() {
        List<JsonObject> all =
                NODE.succeed("events", "--since", "0", "--until", "0s", "--format", "json")
                        .text()
                        .lines()
                        .map(EventStreamTest::object)
                        .toList();
        assertEquals(
                LongStream.rangeClosed(1, all.size()).boxed().toList(),
                all.stream().map(event -> event.get("number").getAsLong()).toList());
        assertEquals(
                2, all.stream().map(EventStreamTest::word).filter("daemon ready"::equals).count());
        assertEquals("1", detail(all, "driver swap", "moved"));
    }

    private static JsonObject object(String line) {
        return JsonParser.parseString(line).getAsJsonObject();
    }

    private static String word(JsonObject event) {
        return event.get("type").getAsString() + " " + event.get("event").getAsString();
    }

    private static JsonObject one(List<JsonObject> events, String word) {
        return events.stream().filter(e -> word(e).equals(word)).findFirst().orElseThrow();
    }

    private static String detail(List<JsonObject> events, String word, String name) {
        return one(events, word).getAsJsonObject("details").get(name).getAsString();
    }
}
