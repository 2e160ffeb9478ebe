// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import static org.junit.Assert.assertEquals;

import com.electronwill.nightconfig.toml.TomlParser;
import io.hako.api.types.CpuCount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.Test;

/** What deploy/ gives to operators is what hako and its callers read. */
public class DeployTest {
    private static final Path DEPLOY = Path.of("../../deploy");

    @Test
    public void theSettingsFileNamesEveryKeyWithItsDefault() throws IOException {
        String text = Files.readString(DEPLOY.resolve("hako.toml"));
        HakoSettings shown = HakoSettings.parse("f", text.replaceAll("(?m)^# (\\w+ = )", "$1"));
        for (Origin setting : shown.origins()) {
            assertEquals(setting.key() + " is in the file", "f", setting.from());
        }
        HakoSettings asItIs = HakoSettings.parse("f", text);
        assertEquals(asItIs.guest(), shown.guest());
        assertEquals(asItIs.drivers(), shown.drivers());
        assertEquals(asItIs.logs(), shown.logs());
        assertEquals(asItIs.veth(), shown.veth());
        assertEquals(asItIs.debug(), shown.debug());
        assertEquals(asItIs.metrics(), shown.metrics());
        assertEquals(new GuestSettings(), asItIs.guest());
        assertEquals(
                new CpuCount(2),
                asItIs.forPod(Optional.of(new ProfileChoice("large", "the test")), Map.of())
                        .guest()
                        .cpus());
    }

    @Test
    public void criOsHandlersAreThoseOfContainerd() throws IOException {
        Set<String> handlers =
                handlers("crio/50-hako.conf", List.of("crio", "runtime", "runtimes"));
        assertEquals(Set.of("hako", "hako-large"), handlers);
        assertEquals(handlers, ofContainerd("config-v2.toml", "io.containerd.grpc.v1.cri"));
        assertEquals(handlers, ofContainerd("config-v3.toml", "io.containerd.cri.v1.runtime"));
    }

    private static Set<String> ofContainerd(String file, String plugin) throws IOException {
        return handlers("containerd/" + file, List.of("plugins", plugin, "containerd", "runtimes"));
    }

    private static Set<String> handlers(String file, List<String> table) throws IOException {
        String text = Files.readString(DEPLOY.resolve(file));
        return Tables.values(file, new TomlParser().parse(text).get(table)).keySet();
    }
}
