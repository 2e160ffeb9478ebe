// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import io.hako.api.types.DriverException;
import java.util.List;
import java.util.Optional;
import org.junit.Test;

public class MetricsSettingsTest {
    @Test
    public void byDefaultNothingListens() {
        assertEquals(Optional.empty(), new MetricsSettings().address());
    }

    @Test
    public void itListensOnTheLoopback() {
        assertEquals(9464, new MetricsSettings("127.0.0.1:9464").address().orElseThrow().getPort());
        assertEquals(80, new MetricsSettings("[::1]:80").address().orElseThrow().getPort());
    }

    @Test
    public void whatOthersReachIsRefused() {
        for (String text :
                List.of(
                        "0.0.0.0:9464",
                        "192.0.2.1:9464",
                        "[::]:80",
                        "localhost:80",
                        "9464",
                        "127.0.0.1:0",
                        "127.0.0.1:65536")) {
            DriverException refused =
                    assertThrows(text, DriverException.class, () -> new MetricsSettings(text));
            assertEquals(
                    "listen is an address of the loopback and a port, such as 127.0.0.1:9464, but is "
                            + text
                            + ": whoever reaches it reads of every pod.",
                    refused.getMessage());
        }
    }
}
