// SPDX-License-Identifier: Apache-2.0
package io.hako.storage.virtiofs;

import static org.junit.Assert.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.Test;

public class VirtioFsSettingsTest {
    @Test
    public void theFileOfDeployNamesEveryKeyWithItsDefault() throws IOException {
        String file = Files.readString(Path.of("../../deploy/hako.toml"));
        String table = file.split("\n\\[storage\\.virtio-fs]\n")[1].split("\n\\[")[0];
        Map<String, String> shown =
                Pattern.compile("(?m)^# (\\w+) = \"(.*)\"$")
                        .matcher(table)
                        .results()
                        .collect(Collectors.toMap(m -> m.group(1), m -> m.group(2)));
        String cache = new VirtioFsSettings().cache().word();
        String place = VirtioFsSettings.PLACES.getFirst().toString();
        assertEquals(Map.of("binary", place, "cache", cache), shown);
        assertEquals(VirtioFsSettings.class.getRecordComponents().length, shown.size());
    }
}
