// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class HakoSettingsTest {
    private static final DriverId EXAMPLE = DriverId.parse("hypervisor/example");

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    /** As a plugin has it: every type that a setting can have. */
    enum Accel {
        AUTO,
        KVM_ONLY
    }

    record Example(
            String machineType,
            boolean trace,
            int queues,
            long seed,
            double ratio,
            Path program,
            Duration limit,
            MemorySize ring,
            CpuCount cpus,
            Accel accel,
            List<String> arguments,
            Optional<Path> firmware) {
        Example() {
            this(
                    "q",
                    false,
                    1,
                    2,
                    0.5,
                    Path.of("/p"),
                    Duration.ofSeconds(1),
                    MemorySize.ofMebibytes(1),
                    new CpuCount(1),
                    Accel.AUTO,
                    List.of(),
                    Optional.empty());
        }

        Example {
            if (queues > 8) {
                throw DriverException.invalid("queues is at most 8, but is " + queues + ".");
            }
        }
    }

    @Test
    public void aDriversTableBecomesItsRecord() {
        HakoSettings settings =
                HakoSettings.parse(
                        "f",
                        """
                [hypervisor.example]
                machine_type = "m"
                trace = true
                queues = 8
                seed = 9007199254740993
                ratio = 2
                program = "/x"
                limit = "90s"
                ring = "64k"
                cpus = 2
                accel = "kvm-only"
                arguments = ["-a", "b"]
                firmware = "/fw"
                """);
        Example whole =
                new Example(
                        "m",
                        true,
                        8,
                        9007199254740993L,
                        2.0,
                        Path.of("/x"),
                        Duration.ofSeconds(90),
                        MemorySize.ofKibibytes(64),
                        new CpuCount(2),
                        Accel.KVM_ONLY,
                        List.of("-a", "b"),
                        Optional.of(Path.of("/fw")));
        assertEquals(whole, settings.driver(EXAMPLE).as(Example.class));
        assertEquals(
                whole, DriverSettings.parse(settings.driver(EXAMPLE).json()).as(Example.class));
        assertEquals(Set.of(EXAMPLE), settings.configuredDrivers());
        assertEquals(
                new Example(),
                settings.driver(DriverId.parse("hypervisor/other")).as(Example.class));
    }

    @Test
    public void frozenSettingsKeepTheDefaultsOfTheirTime() {
        DriverSettings frozen =
                HakoSettings.parse("f", "[hypervisor.example]\nqueues = 3")
                        .driver(EXAMPLE)
                        .withDefaultsOf(Example.class);
        assertEquals(
                "{\"accel\":\"auto\",\"arguments\":[],\"cpus\":1,\"limit\":\"1000ms\",\"machine_type\":\"q\",\"program\":\"/p\","
                        + "\"queues\":3,\"ratio\":0.5,\"ring\":\"1048576\",\"seed\":2,\"trace\":false}",
                frozen.json());
        assertEquals(3, DriverSettings.parse(frozen.json()).as(Example.class).queues());
    }

    @Test
    public void whatIsNotKnownIsRefusedWithTheNearestName() {
        refused(
                "[guest]\nmemmory = '1G'",
                "In the settings file f: The setting guest.memmory is not known: did you mean \"memory\"?");
        refused(
                "[gest]\n",
                "In the settings file f: The table [gest] is not known: did you mean \"guest\"?");
        refused(
                "[hypervizor.example]\n",
                "In the settings file f: The table [hypervizor] is not known: did you mean \"hypervisor\"?");
        refused(
                "guest = 3",
                "In the settings file f: guest is a table: write [guest] on a line of its own and its keys below.");
        refused(
                "[hypervisor]\nexample = 3",
                "In the settings file f: hypervisor.example is a table: write [hypervisor.example] on"
                        + " a line of its own and its keys below.");
        HakoSettings settings = HakoSettings.parse("f", "[hypervisor.example]\nacell = 'auto'");
        DriverException refusal =
                assertThrows(
                        DriverException.class,
                        () -> settings.check(EXAMPLE, Optional.of(Example.class)));
        assertEquals(
                "In the settings file f: The setting hypervisor.example.acell is not known: did you mean \"accel\"?",
                refusal.getMessage());
    }

    @Test
    public void aValueThatDoesNotFitIsRefusedWithWhatWould() {
        refused(
                "[guest]\ncpus = 0",
                "In the settings file f: The setting guest.cpus is a whole number from 1 to 4096, but 0 was given.");
        refused(
                "[guest]\nmemory = 'much'",
                "In the settings file f: The setting guest.memory: A memory size is a whole number with"
                        + " an optional unit K, M, G or T, such as 256M, but is \"much\".");
        refused(
                "[guest]\nmemory = '1M'",
                "In the settings file f: The settings in [guest] are refused: memory is at least 32 MiB,"
                        + " but is 1 MiB.");
        refused(
                "[guest]\nkernel = 'vmlinux'",
                "In the settings file f: The setting guest.kernel is an absolute path without \".\" and \"..\", but is \"vmlinux\".");
        refused(
                "[guest]\nstart_limit = '3 days'",
                "In the settings file f: The setting guest.start_limit is a time such as"
                        + " \"500ms\", \"30s\" or \"5m\", but \"3 days\" was given.");
        refused(
                "[drivers]\nstorage = 'x'",
                "In the settings file f: The setting drivers.storage is a list, but \"x\" was given.");
        driverRefused(
                "accel = 'fast'",
                "The setting hypervisor.example.accel is one of auto, kvm-only, but \"fast\" was given.");
        driverRefused(
                "trace = 1",
                "The setting hypervisor.example.trace is true or false, but 1 was given.");
        driverRefused(
                "queues = 9",
                "The settings in [hypervisor.example] are refused: queues is at most 8, but is 9.");
        driverRefused(
                "queues = 1.5",
                "The setting hypervisor.example.queues is a whole number from -2147483648 to 2147483647, but 1.5 was given.");
    }

    @Test
    public void theRangeOfPodsAddressesIsAWholePrefix() {
        Ipv4Range range =
                HakoSettings.parse("f", "[veth]\nrange = '172.20.4.0/22'\n[network.tcfilter]\n")
                        .veth()
                        .range();
        assertEquals("172.20.4.0/22", range.toString());
        assertEquals(1024, range.size());
        assertEquals("172.20.7.255", range.address(1023).getHostAddress());
        assertEquals("10.213.0.0/16", HakoSettings.parse("f", "").veth().range().toString());
        refused(
                "[veth]\nrange = '172.20.5.0/22'",
                "In the settings file f: The setting veth.range: The range 172.20.5.0/22 begins within"
                        + " its prefix: write 172.20.4.0/22.");
        refused(
                "[veth]\nrange = '10.0.0.0/32'",
                "In the settings file f: The setting veth.range: A range of addresses has a prefix of 0 to"
                        + " 31 bits, but 32 were given.");
        refused(
                "[veth]\nrange = 'fd00::/64'",
                "In the settings file f: The setting veth.range: A range of IPv4 addresses is written like"
                        + " 10.0.0.0/16, but is \"fd00::/64\".");
        refused(
                "[veth]\nrange = 10",
                "In the settings file f: The setting veth.range is a range such as \"10.0.0.0/16\", but 10 was given.");
    }

    @Test
    public void aFileThatIsNoTomlIsRefused() {
        DriverException refusal =
                assertThrows(DriverException.class, () -> HakoSettings.parse("f", "[guest\nx"));
        assertTrue(
                refusal.getMessage(),
                refusal.getMessage().startsWith("The settings file f is no TOML: "));
        refusal =
                assertThrows(
                        DriverException.class,
                        () -> HakoSettings.parse("f", "[guest]\ncpus=1\ncpus=2"));
        assertEquals(FailureKind.INVALID_REQUEST, refusal.failure());
    }

    @Test
    public void anAbsentFileMeansDefaultsAndEachValueSaysWhereItIsFrom() throws IOException {
        Path file = folder.getRoot().toPath().resolve("hako.toml");
        assertEquals(new GuestSettings(), HakoSettings.read(file).guest());
        Files.writeString(file, "[guest]\ncpus = 2\n");
        List<Origin> origins = HakoSettings.read(file).origins();
        assertTrue(
                origins.toString(),
                origins.contains(new Origin("guest.cpus", "2", file.toString())));
        assertTrue(
                origins.toString(),
                origins.contains(new Origin("guest.memory", "201326592", "default")));
    }

    private static void refused(String text, String sentence) {
        DriverException refusal =
                assertThrows(DriverException.class, () -> HakoSettings.parse("f", text));
        assertEquals(FailureKind.INVALID_REQUEST, refusal.failure());
        assertEquals(sentence, refusal.getMessage());
    }

    private static void driverRefused(String line, String sentence) {
        DriverSettings settings =
                HakoSettings.parse("f", "[hypervisor.example]\n" + line).driver(EXAMPLE);
        DriverException refusal =
                assertThrows(DriverException.class, () -> settings.as(Example.class));
        assertEquals(sentence, refusal.getMessage());
    }
}
