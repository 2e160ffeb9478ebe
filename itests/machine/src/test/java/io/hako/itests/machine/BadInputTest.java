// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.AfterClass;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Test;

/**
 * What a user can get wrong: one sentence that says what to do, exit code 125, nothing left behind
 * or disturbed.
 */
public class BadInputTest {
    @ClassRule public static final Node NODE = new Node();

    private static Path scratch;
    private static Residue then;
    private static String boot;

    @BeforeClass
    public static void aNeighbourThatIsNotDisturbed() throws IOException {
        scratch = Files.createDirectory(NODE.state().resolve("scratch"));
        NODE.succeed("run", "-d", "--name", "neighbour", "demo", "sleep", "600");
        boot = bootId();
        then = NODE.residue();
    }

    @AfterClass
    public static void theNeighbourRunsOn() {
        assertEquals("the same machine", boot, bootId());
        NODE.succeed("rm", "-f", "neighbour");
    }

    @Test
    public void anImageThatIsNotThere() {
        refused("/no/such/layout", "run", "--rm", "oci:/no/such/layout");
        refused("/no/such/tree", "run", "--rm", "rootfs:/no/such/tree", "true");
        refused("\"debian\"", "run", "--rm", "debian");
    }

    @Test
    public void anIndexThatIsNoJson() throws IOException {
        Path broken = layout("broken");
        Files.writeString(broken.resolve("index.json"), "{\"schemaVersion\":2,\"manifests\":[{");

        refused("index.json", "run", "--rm", "oci:" + broken);
    }

    @Test
    public void aTagThatTheImageHasNot() throws IOException {
        refused("latest", "run", "--rm", "oci:" + layout("tagged") + ":no-such-tag");
    }

    @Test
    public void aLayerWhoseContentIsNotItsDigest() throws IOException {
        Path changed = layout("changed");
        Path layer = largestBlob(changed);
        byte[] content = Files.readAllBytes(layer);
        content[content.length / 2] ^= 1;
        Files.write(layer, content);

        isRefusedWhenUnpacked(changed, layer);
    }

    @Test
    public void aLayerThatIsMissing() throws IOException {
        Path incomplete = layout("incomplete");
        Path layer = largestBlob(incomplete);
        Files.delete(layer);

        isRefusedWhenUnpacked(incomplete, layer);
    }

    /**
     * With a state directory of its own, since an image that was unpacked before is not read again.
     */
    private static void isRefusedWhenUnpacked(Path layout, Path layer) throws IOException {
        Path state = Files.createDirectory(scratch.resolve(layout.getFileName() + "-state"));
        List<String> command = List.of(NODE.command(), "run", "--rm", "oci:" + layout);
        try (Running running =
                NODE.startProgram(command, Map.of("HAKO_STATE_DIR", state.toString()))) {
            isRefusal(layer.getFileName().toString(), command, running.finish(Node.LIMIT));
        }
        try (Stream<Path> all = Files.walk(state)) {
            assertEquals(
                    "nothing is left of it",
                    List.of(),
                    all.filter(Files::isRegularFile)
                            .filter(f -> !f.toString().endsWith(".lock"))
                            .toList());
        }
    }

    @Test
    public void anUnknownOptionNamesTheNearest() {
        refused("--memory", "run", "--memroy", "64M", "demo");
        refused("inspect", "inspcet", "neighbour");
    }

    @Test
    public void absurdMemoryIsRefusedWithBothNumbers() {
        refused(
                "at most 512 GiB of memory, but the pod needs",
                "run",
                "--rm",
                "-m",
                "1024T",
                "demo",
                "true");
        refused("256M", "run", "--rm", "-m", "much", "demo", "true");
    }

    @Test
    public void absurdCpusAreRefused() {
        refused("between 0.01 and 1024", "run", "--rm", "--cpus", "100000", "demo", "true");
        refused("CPUs", "run", "--rm", "--cpus", "1000", "demo", "true");
        refused("between 0.01 and 1024", "run", "--rm", "--cpus", "0", "demo", "true");
    }

    @Test
    public void aVolumeThatCannotBeShown() throws IOException {
        Path gone = Files.createSymbolicLink(scratch.resolve("dangling"), Path.of("/no/such/file"));
        Path pipe = scratch.resolve("pipe");
        NODE.program("mkfifo", pipe.toString());

        refused("/no/such/source", volume("/no/such/source:/data"));
        refused(gone.toString(), volume(gone + ":/data"));
        refused("a fifo", volume(pipe + ":/data"));
        refused("a device", volume("/dev/null:/data"));
        refused("named volumes", volume("data:/data"));
        refused("begins with /", volume("/tmp:data"));
        refused("\"rx\"", volume("/tmp:/data:rx"));
    }

    @Test
    public void aUserOrDirectoryThatMakesNoSense() {
        refused("nosuchuser", "run", "--rm", "-u", "nosuchuser", "demo", "true");
        refused("begin with", "run", "--rm", "-w", "relative", "demo", "true");
    }

    @Test
    public void aContainerThatDoesNotExist() {
        for (String verb :
                new String[] {
                    "attach", "logs", "kill", "wait", "stop", "rm", "inspect", "overhead"
                }) {
            refused("nobody", verb, "nobody");
        }
        refused("nobody", "exec", "nobody", "true");
    }

    @Test
    public void aNameThatIsTakenOrIsNone() {
        refused("\"neighbour\"", "run", "--name", "neighbour", "demo", "true");
        refused("letters", "run", "--name", "../up", "demo", "true");
    }

    @Test
    public void aPluginThatIsNone() throws IOException {
        Path noJar = Files.writeString(scratch.resolve("plugin.jar"), "not a jar");

        refused("hypervisor/bhyve", "plugin", "swap", "hypervisor/bhyve");
        refused("is no bundle", "plugin", "swap", "hypervisor/qemu", noJar.toString());
        refused("/no/such.jar", "plugin", "swap", "hypervisor/qemu", "/no/such.jar");
        assertEquals(
                "the driver serves on",
                "here",
                NODE.succeed("exec", "neighbour", "echo", "here").line());
    }

    private static String[] volume(String given) {
        return new String[] {"run", "--rm", "-v", given, "demo", "true"};
    }

    private static void refused(String named, String... arguments) {
        isRefusal(named, List.of(arguments), NODE.hako(arguments));
    }

    private static void isRefusal(String named, List<String> command, Result result) {
        String all = String.join(" ", command) + ": " + result;
        assertEquals(all, 125, result.exit());
        assertTrue(all, result.err().startsWith("hako: "));
        assertEquals("one sentence: " + all, 1, result.err().strip().lines().count());
        assertTrue(named + " in " + all, result.err().contains(named));
        assertEquals(all, "", result.text());
        NODE.nothingSince(then);
    }

    private static String bootId() {
        return NODE.succeed("exec", "neighbour", "cat", "/proc/sys/kernel/random/boot_id").line();
    }

    /** A copy of the demo image that may be spoilt. */
    private static Path layout(String name) {
        Path copy = scratch.resolve(name);
        NODE.program("cp", "-r", Node.required("hako.demo").toString(), copy.toString());
        return copy;
    }

    private static Path largestBlob(Path layout) throws IOException {
        try (Stream<Path> blobs = Files.list(layout.resolve("blobs/sha256"))) {
            return blobs.max(Comparator.comparingLong(blob -> blob.toFile().length()))
                    .orElseThrow();
        }
    }
}
