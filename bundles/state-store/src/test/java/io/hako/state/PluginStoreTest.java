// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class PluginStoreTest {
    /** SHA-256 of "first" and "second" (sha256sum). */
    private static final String FIRST =
            "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e";

    private static final String SECOND =
            "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4";
    private static final DriverId QEMU = DriverId.parse("hypervisor/qemu");
    private static final DriverId FS = DriverId.parse("storage/virtio-fs");

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Path plugins;
    private PluginStore store;

    @Before
    public void open() {
        plugins = folder.getRoot().toPath().resolve("plugins");
        store = new PluginStore(plugins);
    }

    @Test
    public void aJarIsKeptByItsContentAndTheSetOutlivesTheDaemon() throws IOException {
        assertEquals(FIRST, store.add(jar("first")));
        store.assign(QEMU, Optional.of(FIRST));
        assertEquals(
                "hypervisor/qemu=" + FIRST + "\n",
                Files.readString(plugins.resolve("set.properties")));
        PluginStore again = new PluginStore(plugins);
        assertEquals(Map.of(QEMU, FIRST), again.set());
        assertEquals("first", Files.readString(again.jar(FIRST)));
    }

    @Test
    public void whatServesNothingAnyMoreIsRemoved() throws IOException {
        store.add(jar("first"));
        store.assign(QEMU, Optional.of(FIRST));
        store.assign(FS, Optional.of(FIRST));
        store.add(jar("second"));
        store.assign(QEMU, Optional.of(SECOND));
        assertEquals(List.of(SECOND + ".jar", FIRST + ".jar", "set.properties"), files());
        store.assign(FS, Optional.empty());
        assertEquals(List.of(SECOND + ".jar", "set.properties"), files());
    }

    @Test
    public void aJarThatServesNothingIsTakenBackAndNoOther() throws IOException {
        store.add(jar("first"));
        store.add(jar("second"));
        store.assign(QEMU, Optional.of(FIRST));
        store.takeBack(FIRST);
        store.takeBack(SECOND);
        store.takeBack(SECOND);
        assertEquals(List.of(FIRST + ".jar", "set.properties"), files());
    }

    @Test
    public void aJarOfASwapThatWasCutOffIsRemovedAtTheNextStart() throws IOException {
        store.add(jar("first"));
        assertEquals(List.of(FIRST + ".jar"), files());
        new PluginStore(plugins);
        assertEquals(List.of(), files());
    }

    @Test
    public void aJarThatIsNotThereIsRefusedAndLeavesNothing() throws IOException {
        Path absent = folder.getRoot().toPath().resolve("absent.jar");
        DriverException refusal = assertThrows(DriverException.class, () -> store.add(absent));
        assertEquals(FailureKind.NOT_FOUND, refusal.failure());
        assertEquals("There is no plugin jar " + absent + ".", refusal.getMessage());
        assertEquals(List.of(), files());
    }

    private Path jar(String content) throws IOException {
        return Files.writeString(folder.newFile().toPath(), content);
    }

    private List<String> files() throws IOException {
        try (Stream<Path> all = Files.list(plugins)) {
            return all.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
