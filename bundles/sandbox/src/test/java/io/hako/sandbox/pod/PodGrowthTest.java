// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static io.hako.sandbox.pod.Bench.OWNER;
import static io.hako.sandbox.pod.Bench.WEB;
import static io.hako.sandbox.pod.Bench.call;
import static io.hako.sandbox.pod.CriPod.app;
import static io.hako.sandbox.pod.CriPod.memory;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.observability.Event;
import io.hako.observability.Told;
import io.hako.sandbox.CreateTask;
import io.hako.sandbox.fake.Daemon;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** A pod of which nobody says beforehand how large it will be, as CRI-O's are. */
public class PodGrowthTest {
    /** What {@code [guest]} gives a pod that sets no limit, with the guest's own need. */
    private static final long START = 256L << 20;

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Bench bench;
    private CriPod pod;
    private Bench.Run hakod;

    @Before
    public void start() throws IOException {
        bench = new Bench(folder.getRoot().toPath());
        pod = new CriPod(bench);
        Files.writeString(
                bench.root.resolve("hako.toml"),
                "memory_ceiling = \"2G\"\ncpu_ceiling = 4\n",
                StandardOpenOption.APPEND);
        hakod = bench.start();
        run(pod.sandbox(0, ""));
    }

    @After
    public void end() {
        hakod.service.kill(hakod.key(), WEB, 9, true, call());
        hakod.await(WEB);
        hakod.service.processes(OWNER).stream()
                .filter(process -> !process.equals(WEB))
                .forEach(process -> hakod.service.delete(hakod.key(), process, call()));
        hakod.service.delete(hakod.key(), WEB, call());
        hakod.shutdown();
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }

    @Test
    public void theMachineGrowsForItsContainersWithWhatTheMemoryItselfNeeds() throws IOException {
        run(pod.container("app", 64L << 20));
        assertEquals(START, machine("memory"));
        run(pod.container("big", 300L << 20));
        // 364 MiB instead of 192, in two blocks of 128 MiB of which each needs 2 MiB.
        assertEquals(START + (176L << 20), machine("memory"));
        assertEquals(
                List.of("432 MiB"),
                events("resize").map(event -> event.details().get("memory")).toList());
        assertEquals(START + (176L << 20), planned("memory_bytes"));
        assertEquals(364L << 20, planned("container_memory_bytes"));
        assertTrue(
                inspected().toString(),
                inspected()
                        .get("settings")
                        .toString()
                        .contains(
                                "{\"key\":\"machine.memory\",\"value\":\"432 MiB\",\"from\":\"limits of its containers\"}"));
    }

    @Test
    public void aContainerWithoutALimitGetsWhatAPodWithoutOneGets() throws IOException {
        run(pod.container("app", 192L << 20));
        run(pod.limited("free", "{}"));
        assertEquals((192 + 192L) << 20, planned("container_memory_bytes"));
        run(pod.limited("free2", "{}"));
        assertEquals(
                "those without a limit share it",
                (192 + 192L) << 20,
                planned("container_memory_bytes"));
    }

    @Test
    public void anUpdateChangesTheMachineAndThenTheContainerAndBack() throws IOException {
        run(pod.container("app", 64L << 20));
        update("app", memory(1L << 30));
        assertEquals(1L << 30, planned("container_memory_bytes"));
        assertTrue(machine("memory") > 1L << 30);
        update("app", "{\"cpu\":{\"shares\":2}}");
        assertEquals("what is not named stays", 1L << 30, planned("container_memory_bytes"));
        update("app", memory(64L << 20));
        assertEquals(START, machine("memory"));
        assertEquals(
                List.of(
                        "update app " + memory(1L << 30),
                        "update app {\"cpu\":{\"shares\":2}}",
                        "update app " + memory(64L << 20)),
                bench.outside.agent().log().stream().filter(l -> l.startsWith("update")).toList());
    }

    @Test
    public void anUpdateThatTheGuestRefusesLeavesTheMachineAsItWas() throws IOException {
        run(pod.container("app", 64L << 20));
        DriverException no = DriverException.invalid("The kernel says no.");
        bench.outside.agent().refuseNext(no);
        failure(no.failure(), no.getMessage(), () -> update("app", memory(1L << 30)));
        assertEquals(START, machine("memory"));
        run(pod.container("side", 64L << 20));
        assertEquals("the old limit counts", 192L << 20, planned("container_memory_bytes"));
    }

    @Test
    public void aLimitThatNoMachineOfThePodsCouldHoldIsRefusedWithBothNumbers() throws IOException {
        run(pod.container("app", 64L << 20));
        String sentence =
                "Container %s may not have up to 3 GiB of memory: its virtual machine can grow to 2 GiB for containers."
                        + " Make the pod anew with limits that add up to what it needs, or raise memory_ceiling in [guest] before.";
        failure(
                FailureKind.UNSUPPORTED,
                sentence.formatted("app"),
                () -> update("app", memory(3L << 30)));
        failure(
                FailureKind.UNSUPPORTED,
                sentence.formatted("big"),
                () -> create(pod.container("big", 3L << 30)));
        failure(
                FailureKind.UNSUPPORTED,
                sentence.formatted("web"),
                () -> update("web", memory(3L << 30)));
        assertEquals(START, machine("memory"));
    }

    @Test
    public void containersThatMayHaveMoreTogetherShareWhatThereIs() throws IOException {
        run(pod.container("app", 3L << 29));
        run(pod.container("side", 3L << 29));
        assertEquals(2L << 30, planned("container_memory_bytes"));
    }

    @Test
    public void cpusComeWithTheirLimitsAndStay() throws IOException {
        run(pod.limited("app", cpus(500)));
        run(pod.limited("side", cpus(500)));
        assertEquals("two halves are one", 1, machine("cpus"));
        update("app", cpus(1200));
        assertEquals(2, machine("cpus"));
        update("app", cpus(9000));
        assertEquals("the ceiling; the limit itself harms nobody", 4, machine("cpus"));
        assertEquals(
                List.of(
                        "Its containers may use up to 10 CPUs together, and share the 4 that its machine can have:"
                                + " cpu_ceiling in [guest] limits it."),
                events("limit").map(Event::cause).toList());
        update("app", cpus(100));
        assertEquals(4, machine("cpus"));
        List<String> log = bench.outside.agent().log();
        assertTrue(log.toString(), log.contains("use 2 cpus") && log.contains("use 4 cpus"));
    }

    @Test
    public void whatAnEndedContainerHadGoesBackWhenTheNextComes() throws IOException {
        run(pod.container("init", 1L << 30));
        bench.outside.agent().end("init", "", 0);
        hakod.await(app("init"));
        run(pod.container("app", 64L << 20));
        assertEquals(START, machine("memory"));
    }

    @Test
    public void theNextDaemonKnowsTheSize() throws IOException {
        run(pod.container("app", 1L << 30));
        hakod.kill();
        hakod = bench.start();
        hakod.service.stats(OWNER, "web", call()); // waits until adoption is over
        assertEquals(1L << 30, planned("container_memory_bytes"));
        run(pod.container("side", 1L << 30));
        assertEquals(2L << 30, planned("container_memory_bytes"));
        assertTrue(machine("memory") > 2L << 30);
    }

    @Test
    public void aMachineThatCannotGrowIsPlannedAsItIs() throws IOException {
        run(pod.container("app", 64L << 20));
        String monitor = Files.readString(monitor());
        Files.writeString(
                monitor(),
                monitor.replaceFirst(
                        "\"most\":\\{\"memory\":\\d+", "\"most\":{\"memory\":" + START));
        DriverException refused =
                assertThrows(DriverException.class, () -> create(pod.container("big", 1L << 30)));
        assertEquals(FailureKind.EXHAUSTED, refused.failure());
        assertEquals(START, planned("memory_bytes"));
        Files.writeString(monitor(), monitor);
        run(pod.container("big", 1L << 30));
        assertEquals(1088L << 20, planned("container_memory_bytes"));
    }

    @Test
    public void aMachineCutOffBetweenPlanAndGrowthGrowsWithTheNextRequest() throws IOException {
        run(pod.container("app", 64L << 20));
        hakod.kill();
        hakod =
                bench.begin(
                        daemon -> {
                            if (journal().contains("\"containerMemory\":" + (1088L << 20))) {
                                daemon.kill();
                            }
                        });
        hakod.link();
        hakod.service.stats(OWNER, "web", call());
        CreateTask big = pod.container("big", 1L << 30);
        assertThrows(Daemon.Cut.class, () -> create(big));
        assertEquals("not told yet", START, machine("memory"));
        hakod = bench.start();
        hakod.service.stats(OWNER, "web", call());
        run(big);
        assertTrue(machine("memory") > 1L << 30);
    }

    private String journal() {
        try {
            return Files.readString(bench.journal());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String cpus(int milli) {
        return "{\"cpu\":{\"quota\":%d,\"period\":100000}}".formatted(milli * 100);
    }

    private Path monitor() {
        return bench.outside.pod().resolve(Pod.VM_SLOT).resolve("monitor.json");
    }

    /** What the machine has, by its monitor. */
    private long machine(String what) throws IOException {
        return JsonParser.parseString(Files.readString(monitor()))
                .getAsJsonObject()
                .getAsJsonObject("size")
                .get(what)
                .getAsLong();
    }

    private Stream<Event> events(String action) {
        return hakod.events.read(0, Duration.ZERO, call()).events().stream()
                .map(Told::event)
                .filter(event -> event.action().equals(action));
    }

    private JsonObject inspected() {
        return JsonParser.parseString(hakod.service.inspect("web")).getAsJsonObject();
    }

    private long planned(String what) {
        return inspected().getAsJsonObject("machine").get(what).getAsLong();
    }

    private void update(String container, String resources) {
        hakod.service.update(hakod.key(), container, resources, call());
    }

    private int create(CreateTask task) {
        return hakod.service.create(hakod.key(), task, call());
    }

    private int run(CreateTask task) {
        create(task);
        return hakod.service.start(hakod.key(), app(task.container()), call());
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void failure(FailureKind kind, String sentence, Work work) {
        DriverException failure = assertThrows(DriverException.class, work::run);
        assertEquals(sentence, failure.getMessage());
        assertEquals(kind, failure.failure());
    }
}
