// SPDX-License-Identifier: Apache-2.0
package io.hako.observability;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import io.hako.observability.MetricsText.Sample;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.Test;

public class MetricsTextTest {
    @Test
    public void aFamilyIsItsHelpItsTypeAndItsSamples() {
        MetricsText text =
                new MetricsText()
                        .gauge(
                                "hako_pods",
                                "Pods,\nby \\ state.",
                                List.of(new Sample(Map.of("state", "a \"b\"\n\\"), 1.5)))
                        .counter("hako_x_total", "X.", List.of(Sample.of(1L << 40)));
        assertEquals(
                """
                # HELP hako_pods Pods,\\nby \\\\ state.
                # TYPE hako_pods gauge
                hako_pods{state="a \\"b\\"\\n\\\\"} 1.5
                # HELP hako_x_total X.
                # TYPE hako_x_total counter
                hako_x_total 1099511627776
                """,
                text.toString());
    }

    @Test
    public void aHistogramAddsUpToInfinity() {
        Durations durations =
                Durations.NONE
                        .with(Optional.of(Duration.ofMillis(10)))
                        .with(Optional.of(Duration.ofMillis(700)))
                        .with(Optional.of(Duration.ofMinutes(2)))
                        .with(Optional.empty());
        String text = new MetricsText().histogram("h_seconds", "H.", durations).toString();
        assertEquals(4, durations.count());
        assertEquals(
                List.of(
                        "h_seconds_bucket{le=\"0.01\"} 1",
                        "h_seconds_bucket{le=\"0.5\"} 1",
                        "h_seconds_bucket{le=\"1\"} 2",
                        "h_seconds_bucket{le=\"10\"} 2",
                        "h_seconds_bucket{le=\"60\"} 2",
                        "h_seconds_bucket{le=\"+Inf\"} 3",
                        "h_seconds_sum 120.71",
                        "h_seconds_count 3"),
                text.lines()
                        .filter(l -> l.matches(".*(0\\.01|0\\.5|\"1|60|Inf|_sum|_count).*"))
                        .toList());
    }

    @Test
    public void aFamilyIsThereOnce() {
        MetricsText text = new MetricsText().gauge("a", "A.", List.of());
        assertThrows(IllegalArgumentException.class, () -> text.gauge("a", "A.", List.of()));
    }

    @Test
    public void kindsThatDriversNameAreBounded() {
        Tally tally = new Tally();
        for (int i = 0; i < 10 * Tally.MOST_KINDS; i++) {
            tally.add(Event.of(Event.Subject.DRIVER, "event-" + i));
        }
        assertEquals(Tally.MOST_KINDS + 1, tally.kinds().size());
        assertEquals(
                9L * Tally.MOST_KINDS,
                tally.kinds().get(new Tally.Kind("driver", "other")).count());
    }
}
