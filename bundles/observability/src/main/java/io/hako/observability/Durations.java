// SPDX-License-Identifier: Apache-2.0
package io.hako.observability;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * How often something happened, and how long that took. Immutable.
 *
 * @param count how often
 * @param timed for how many of them the duration is known
 * @param sum of the known durations
 * @param within for each of {@link #BOUNDS}, how many of the known took at most so long
 */
public record Durations(long count, long timed, Duration sum, List<Long> within) {
    public static final List<Duration> BOUNDS =
            List.of(
                    Duration.ofMillis(10),
                    Duration.ofMillis(50),
                    Duration.ofMillis(100),
                    Duration.ofMillis(250),
                    Duration.ofMillis(500),
                    Duration.ofSeconds(1),
                    Duration.ofMillis(2500),
                    Duration.ofSeconds(5),
                    Duration.ofSeconds(10),
                    Duration.ofSeconds(30),
                    Duration.ofSeconds(60));
    public static final Durations NONE =
            new Durations(0, 0, Duration.ZERO, Collections.nCopies(BOUNDS.size(), 0L));

    public Durations {
        within = List.copyOf(within);
    }

    /** One more, which took so long if that is known. */
    public Durations with(Optional<Duration> took) {
        Durations more =
                took.map(
                                time ->
                                        new Durations(
                                                1,
                                                1,
                                                time,
                                                BOUNDS.stream()
                                                        .map(b -> b.compareTo(time) >= 0 ? 1L : 0L)
                                                        .toList()))
                        .orElse(new Durations(1, 0, Duration.ZERO, NONE.within));
        return plus(more);
    }

    public Durations plus(Durations other) {
        return new Durations(
                count + other.count,
                timed + other.timed,
                sum.plus(other.sum),
                IntStream.range(0, BOUNDS.size())
                        .mapToObj(i -> within.get(i) + other.within.get(i))
                        .toList());
    }
}
