// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.sandbox.CreateTask;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** The settings that hold for a pod reach its drivers, and {@code hako inspect} tells of each. */
public class EffectiveSettingsTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Bench bench;
    private CriPod pod;
    private Bench.Run hakod;

    @Before
    public void start() throws IOException {
        bench = new Bench(folder.getRoot().toPath());
        Files.writeString(
                bench.root.resolve("hako.toml"),
                """
                [profiles.large.guest]
                memory_overhead = "100M"
                [profiles.large.hypervisor.fake]
                most_cpus = 2
                [profiles.large.annotations]
                allowed = ["hypervisor.fake.largest_guest", "storage.fake.arguments"]
                """,
                StandardOpenOption.APPEND);
        pod = new CriPod(bench);
        hakod = bench.start();
    }

    @Test
    public void eachValueIsToldWithWhereItCameFrom() throws IOException {
        String annotation = "io.hako.config.hypervisor.fake.largest_guest";
        create(pod.sandbox("large", ",\"%s\":\"1G\"".formatted(annotation)));
        JsonArray settings = inspected().getAsJsonArray("settings");
        assertSetting(settings, "profile", "large", "the runtime's option ConfigPath");
        assertSetting(settings, "guest.memory_overhead", "104857600", "profile large");
        assertSetting(
                settings,
                "guest.start_limit",
                "5000ms",
                bench.root.resolve("hako.toml").toString());
        assertSetting(settings, "guest.cpus", "1", "default");
        assertSetting(settings, "hypervisor.fake.most_cpus", "2", "profile large");
        assertSetting(
                settings,
                "hypervisor.fake.largest_guest",
                "1073741824",
                "annotation " + annotation);
        assertSetting(settings, "storage.fake.program", "/bin/sleep", "default");
        assertEquals(
                300L << 20, inspected().getAsJsonObject("machine").get("memory_bytes").getAsLong());
    }

    @Test
    public void anAnnotationReachesItsDriver() throws IOException {
        create(pod.sandbox("large", ",\"io.hako.config.storage.fake.arguments\":\"99\""));
        assertEquals("99", handle("s0").get("arguments").getAsString());
        assertEquals("infinity", handle("h0").get("arguments").getAsString());
    }

    @Test
    public void whatAnAnnotationSetsCountsWhereThePodIsPlanned() throws IOException {
        DriverException refusal =
                refusal(
                        pod.sandbox(
                                "large",
                                ",\"io.hako.config.hypervisor.fake.largest_guest\":\"64M\""));
        assertEquals(FailureKind.UNSUPPORTED, refusal.failure());
        assertTrue(
                refusal.getMessage(),
                refusal.getMessage().contains("gives a guest at most 64 MiB of memory"));
    }

    @Test
    public void criOsNameForTheRuntimeNamesAProfile() throws IOException {
        assertEquals(
                "The profile \"lagre\", which annotation io.kubernetes.cri-o.RuntimeHandler names, is not in the settings file %s: did you mean \"large\"?"
                        .formatted(bench.root.resolve("hako.toml")),
                refusal(pod.sandboxOfCriO("hako-lagre")).getMessage());
    }

    private DriverException refusal(CreateTask task) {
        DriverException refusal =
                assertThrows(
                        DriverException.class,
                        () -> hakod.service.create(hakod.key(), task, Bench.call()));
        assertTrue(hakod.service.list().isEmpty());
        return refusal;
    }

    private void create(CreateTask task) {
        hakod.service.create(hakod.key(), task, Bench.call());
    }

    private JsonObject inspected() {
        return JsonParser.parseString(hakod.service.inspect("web")).getAsJsonObject();
    }

    private JsonObject handle(String slot) {
        return elements(inspected().getAsJsonArray("drivers"))
                .filter(handle -> handle.get("slot").getAsString().equals(slot))
                .findFirst()
                .orElseThrow()
                .getAsJsonObject("settings");
    }

    private static void assertSetting(JsonArray all, String key, String value, String from) {
        JsonObject setting = new JsonObject();
        setting.addProperty("key", key);
        setting.addProperty("value", value);
        setting.addProperty("from", from);
        assertTrue(all.toString(), all.contains(setting));
    }

    private static Stream<JsonObject> elements(JsonArray array) {
        return StreamSupport.stream(array.spliterator(), false).map(JsonElement::getAsJsonObject);
    }
}
