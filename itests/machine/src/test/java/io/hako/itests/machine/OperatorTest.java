// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.ClassRule;
import org.junit.Test;

/**
 * What an operator asks of a node without a container: doctor, version, plugin list and why, help.
 */
public class OperatorTest {
    @ClassRule public static final Node NODE = new Node();

    @Test
    public void theDoctorFindsWhatHakoNeeds() {
        Map<String, JsonObject> findings = findings(NODE.succeed("doctor", "--format", "json"));

        for (String needed :
                new String[] {
                    "shim",
                    "demo image",
                    "guest kernel",
                    "guest initramfs",
                    "run directory",
                    "settings",
                    "QEMU",
                    "virtiofsd",
                    "taps",
                    "traffic control"
                }) {
            assertEquals(needed, "ok", findings.get(needed).get("level").getAsString());
        }
        String table = NODE.succeed("doctor").text();
        findings.keySet()
                .forEach(subject -> assertTrue(table, table.contains(" " + subject + ": ")));
    }

    @Test
    public void theDoctorSaysWhatIsMissingAndHowToGetIt() throws IOException {
        NODE.withSettings(
                "[hypervisor.qemu]\nbinary = \"/no/qemu\"\n[storage.virtio-fs]\nbinary = \"/no/virtiofsd\"\n",
                () -> {
                    Result result = NODE.hako("doctor", "--format", "json");

                    assertEquals(result.toString(), 1, result.exit());
                    for (String subject : new String[] {"QEMU", "virtiofsd"}) {
                        JsonObject finding = findings(result).get(subject);
                        assertEquals("missing", finding.get("level").getAsString());
                        assertTrue(
                                finding.toString(),
                                finding.get("sentence").getAsString().contains("/no/"));
                        assertFalse(
                                finding.toString(), finding.get("remedy").getAsString().isEmpty());
                    }
                });
    }

    @Test
    public void theDoctorSaysThatThereIsNoDaemon() {
        NODE.stopDaemon();
        try {
            Result result = NODE.hako("doctor", "--format", "json");

            assertEquals(1, result.exit());
            assertEquals("missing", findings(result).get("hakod").get("level").getAsString());
        } finally {
            NODE.startDaemon();
        }
    }

    @Test
    public void driversAreListedAndExplained() {
        JsonArray drivers =
                JsonParser.parseString(NODE.succeed("plugin", "list", "--format", "json").text())
                        .getAsJsonArray();

        Map<String, JsonObject> byName =
                byText(
                        drivers,
                        driver ->
                                driver.get("kind").getAsString()
                                        + "/"
                                        + driver.get("name").getAsString());
        for (String driver : new String[] {"hypervisor/qemu", "storage/virtio-fs"}) {
            assertEquals("serving", byName.get(driver).get("state").getAsString());
            assertEquals(0, byName.get(driver).get("leases").getAsInt());
            assertTrue(NODE.succeed("plugin", "why", driver).text().contains("is at work"));
        }
        assertTrue(
                NODE.succeed("plugin", "why", "hypervisor/bhyve")
                        .text()
                        .contains("hypervisor/bhyve"));
    }

    @Test
    public void whyOfADriverWhoseSettingsAreRefused() throws IOException {
        NODE.withSettings(
                "[hypervisor.qemu]\nacel = \"kvm\"\n",
                () -> {
                    String why = NODE.succeed("plugin", "why", "hypervisor/qemu").text();
                    assertTrue(
                            why,
                            why.contains(
                                    "hypervisor.qemu.acel is not known: did you mean \"accel\"?"));
                    assertEquals(125, NODE.hako("run", "--rm", "demo", "true").exit());
                    NODE.nothingLeft();
                });
    }

    @Test
    public void versionsWithAndWithoutADaemon() {
        JsonObject versions =
                JsonParser.parseString(NODE.succeed("version", "--format", "json").text())
                        .getAsJsonObject();

        assertEquals(NODE.daemonPid(), versions.getAsJsonObject("hakod").get("pid").getAsLong());
        assertEquals(versions.get("hako"), versions.getAsJsonObject("hakod").get("version"));
    }

    @Test
    public void everyVerbHasHelp() {
        String[] verbs = {
            "run",
            "ps",
            "exec",
            "attach",
            "logs",
            "kill",
            "wait",
            "stop",
            "rm",
            "inspect",
            "overhead",
            "plugin",
            "shell",
            "version",
            "doctor"
        };
        String all = NODE.succeed("--help").text();
        for (String verb : verbs) {
            assertTrue(
                    verb + " in " + all,
                    all.lines().anyMatch(line -> line.strip().startsWith(verb + " ")));
            assertTrue(verb, NODE.succeed(verb, "--help").text().contains("hako " + verb));
        }
    }

    private static Map<String, JsonObject> findings(Result doctor) {
        return byText(
                JsonParser.parseString(doctor.text()).getAsJsonArray(),
                finding -> finding.get("subject").getAsString());
    }

    private static Map<String, JsonObject> byText(JsonArray all, Function<JsonObject, String> key) {
        return StreamSupport.stream(all.spliterator(), false)
                .map(JsonElement::getAsJsonObject)
                .collect(Collectors.toMap(key, Function.identity()));
    }
}
