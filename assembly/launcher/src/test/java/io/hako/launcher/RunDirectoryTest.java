// SPDX-License-Identifier: Apache-2.0
package io.hako.launcher;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class RunDirectoryTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Path path;

    @Before
    public void name() {
        path = folder.getRoot().toPath().resolve("run/hako");
    }

    @Test
    public void isMadeForItsOwnerAlone() throws Exception {
        RunDirectory.take(path);
        assertEquals(
                "rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
    }

    @Test
    public void isClosedToOthersAlsoIfItWasOpenBefore() throws Exception {
        Files.createDirectories(path);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxrwxrwx"));
        RunDirectory.take(path);
        assertEquals(
                "rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
    }

    @Test
    public void countsItsStarts() throws Exception {
        var run = RunDirectory.take(path);
        assertEquals(1, run.nextEpoch());
        assertEquals(2, run.nextEpoch());
        Files.writeString(path.resolve("epoch"), "41\n");
        assertEquals(42, run.nextEpoch());
        assertEquals("42\n", Files.readString(path.resolve("epoch")));
    }

    @Test
    public void refusesADamagedEpoch() throws Exception {
        var run = RunDirectory.take(path);
        Files.writeString(path.resolve("epoch"), "");
        var failure = assertThrows(StartFailure.class, run::nextEpoch);
        assertTrue(
                failure.getMessage(),
                failure.getMessage().contains(path.resolve("epoch").toString()));
        assertTrue(
                failure.getMessage(),
                failure.getMessage()
                        .endsWith("write into it a number higher than any start so far."));
    }

    @Test
    public void refusesAPathThatIsAFile() throws Exception {
        Files.createDirectories(path.getParent());
        Files.createFile(path);
        var failure = assertThrows(StartFailure.class, () -> RunDirectory.take(path));
        assertTrue(
                failure.getMessage(),
                failure.getMessage().startsWith("hakod could not take its run directory " + path));
    }
}
