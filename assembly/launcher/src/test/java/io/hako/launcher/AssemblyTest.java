// SPDX-License-Identifier: Apache-2.0
package io.hako.launcher;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class AssemblyTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Path home;
    private Path state;

    @Before
    public void layOut() throws IOException {
        home = folder.newFolder("home").toPath();
        state = folder.newFolder("state").toPath();
        write(home.resolve("bundles/30-daemon/sandbox.jar"), "sandbox");
        write(home.resolve("bundles/10-libraries/scr.jar"), "scr");
        write(home.resolve("plugins/hypervisor/qemu.jar"), "own qemu");
    }

    @Test
    public void theFolderSaysTheStartLevel() throws Exception {
        var daemon = bundles().stream().filter(BundleFile::required).toList();
        assertEquals(
                List.of(
                        new BundleFile(
                                home.resolve("bundles/10-libraries/scr.jar"),
                                "hako:scr.jar",
                                10,
                                true),
                        new BundleFile(
                                home.resolve("bundles/30-daemon/sandbox.jar"),
                                "hako:sandbox.jar",
                                30,
                                true)),
                daemon);
    }

    @Test
    public void aFolderWithoutALevelIsRefused() throws Exception {
        write(home.resolve("bundles/late/x.jar"), "x");
        var failure = assertThrows(StartFailure.class, this::bundles);
        assertEquals(
                "The folder "
                        + home.resolve("bundles/late")
                        + " does not begin with a start level, as in 30-daemon: install hakod again.",
                failure.getMessage());
    }

    @Test
    public void aPluginOfTheAssemblyServesUnderItsFolderAndName() throws Exception {
        var own = home.resolve("plugins/hypervisor/qemu.jar");
        assertEquals(List.of(plugin("hypervisor/qemu", own)), plugins());
    }

    @Test
    public void theSetReplacesAndAddsPlugins() throws Exception {
        var swapped = swapIn("hypervisor/qemu", "swapped qemu");
        var added = swapIn("storage/dax", "dax");
        assertEquals(
                List.of(plugin("hypervisor/qemu", swapped), plugin("storage/dax", added)),
                plugins());
    }

    @Test
    public void aDamagedJarOfTheSetLeavesTheAssemblysOwnInPlace() throws Exception {
        Files.writeString(swapIn("hypervisor/qemu", "swapped qemu"), "cut off");
        assertEquals(
                List.of(plugin("hypervisor/qemu", home.resolve("plugins/hypervisor/qemu.jar"))),
                plugins());
    }

    @Test
    public void aMissingJarOfTheSetWithoutAnOwnIsLeftOut() throws Exception {
        Files.delete(swapIn("storage/dax", "dax"));
        assertEquals(
                List.of(plugin("hypervisor/qemu", home.resolve("plugins/hypervisor/qemu.jar"))),
                plugins());
    }

    private List<BundleFile> bundles() throws StartFailure {
        return new Assembly(home).bundles(new PluginSet(state));
    }

    private List<BundleFile> plugins() throws StartFailure {
        return bundles().stream().filter(bundle -> !bundle.required()).toList();
    }

    private static BundleFile plugin(String id, Path jar) throws IOException {
        return new BundleFile(
                jar,
                "hako:plugin/" + id + "@" + sha256(jar).substring(0, 12),
                Assembly.PLUGIN_LEVEL,
                false);
    }

    private Path swapIn(String id, String content) throws IOException {
        var draft = write(state.resolve("plugins/draft"), content);
        var digest = sha256(draft);
        var set = state.resolve("plugins/set.properties");
        Files.writeString(
                set, (Files.exists(set) ? Files.readString(set) : "") + id + "=" + digest + "\n");
        return Files.move(draft, draft.resolveSibling(digest + ".jar"));
    }

    private static Path write(Path file, String content) throws IOException {
        Files.createDirectories(file.getParent());
        return Files.writeString(file, content);
    }

    private static String sha256(Path file) throws IOException {
        try {
            return HexFormat.of()
                    .formatHex(
                            MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError(impossible);
        }
    }
}
