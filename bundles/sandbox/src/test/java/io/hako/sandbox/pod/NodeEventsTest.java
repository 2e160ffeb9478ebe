// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static io.hako.sandbox.pod.Bench.OWNER;
import static io.hako.sandbox.pod.Bench.WEB;
import static io.hako.sandbox.pod.Bench.call;
import static io.hako.sandbox.pod.Bench.eventually;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.types.DriverException;
import io.hako.api.types.ExitStatus;
import io.hako.observability.Event;
import io.hako.observability.Told;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.fake.FakeOutside;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** What an operator hears of pods. */
public class NodeEventsTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Bench bench;
    private Bench.Run hakod;

    @Before
    public void start() throws IOException {
        bench = new Bench(folder.getRoot().toPath());
        hakod = bench.start();
    }

    @Test
    public void aLifeIsToldInOrder() {
        hakod.run("web");
        hakod.exec("web", "probe");
        bench.outside.agent().end("web", "probe", 3);
        hakod.await(new ProcessId("web", "probe"));
        hakod.service.pause(OWNER, "web", call());
        hakod.service.resume(OWNER, "web", call());
        bench.outside.agent().end("web", "", 0);
        hakod.await(WEB);
        eventually("it is stopped", () -> words().contains("pod stop"));
        hakod.service.delete(hakod.key(), WEB, call());
        hakod.shutdown();
        assertEquals(
                List.of(
                        "container create",
                        "pod start",
                        "container start",
                        "exec create",
                        "exec start",
                        "exec exit",
                        "container pause",
                        "container resume",
                        "container exit",
                        "pod stop",
                        "container delete",
                        "pod remove"),
                words());
        assertEquals("3", event("exec exit").details().get("exit_status"));
        assertEquals("shop", event("pod start").details().get("name"));
        assertEquals(Optional.of(OWNER), event("pod start").sandbox());
        assertTrue(event("pod start").took().isPresent());
    }

    @Test
    public void aMachinesDeathIsToldWithItsCauseAndHowLate() {
        hakod.run("web");
        bench.outside.end(FakeOutside.VMM, new ExitStatus.Signalled(9));
        hakod.await(WEB);
        eventually("it is told", () -> words().contains("machine die"));
        Event death = event("machine die");
        assertEquals(hakod.service.list().getFirst().reason(), death.cause());
        assertFalse(death.cause().isEmpty());
        assertTrue(death.took().orElseThrow().compareTo(Duration.ofSeconds(1)) < 0);
    }

    @Test
    public void anAdoptionIsToldByTheDaemonThatDidIt() {
        hakod.run("web");
        hakod.kill();
        hakod = bench.start();
        eventually("it is adopted", () -> words().contains("pod adopt"));
        assertTrue(event("pod adopt").took().isPresent());
        assertEquals("running", event("pod adopt").details().get("machine"));
        // What the daemon before it told is not told again.
        assertEquals(1, words().stream().filter("container start"::equals).count());
    }

    @Test
    public void aRemovalThatFailsIsToldEachTimeItIsTried() {
        hakod.run("web");
        bench.outside.busy(2);
        bench.outside.killShim();
        hakod.shims.remove(hakod.shims.find(OWNER).orElseThrow());
        eventually("it is removed", () -> words().contains("pod remove"));
        List<Event> failures =
                events().stream().filter(e -> e.action().equals("remove-retry")).toList();
        assertEquals("1", failures.getFirst().details().get("failed_attempts"));
        assertEquals(
                "Processes [4711] in cgroup /hako/web do not end.", failures.getFirst().cause());
        assertEquals(2, failures.size());
    }

    @Test
    public void aStartThatFailsIsToldWithItsCause() throws IOException {
        bench.memory(1L << 50);
        DriverException refused = assertThrows(DriverException.class, () -> hakod.create("web"));
        Event failure = event("pod start-failed");
        assertEquals(refused.getMessage(), failure.cause());
        assertTrue(failure.took().isPresent());
    }

    private List<Event> events() {
        return hakod.events.read(0, Duration.ZERO, call()).events().stream()
                .map(Told::event)
                .toList();
    }

    private List<String> words() {
        return events().stream().map(NodeEventsTest::word).toList();
    }

    private Event event(String word) {
        return events().stream().filter(e -> word(e).equals(word)).findFirst().orElseThrow();
    }

    private static String word(Event event) {
        return event.subject().word() + " " + event.action();
    }
}
