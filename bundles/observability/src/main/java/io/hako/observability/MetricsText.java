// SPDX-License-Identifier: Apache-2.0
package io.hako.observability;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Metrics in Prometheus' text format 0.0.4 (prometheus.io, Exposition formats): each family once,
 * with its help and type, then its samples. Names follow Prometheus' rules: base units, and {@code
 * _total} for what is only counted up. Not thread-safe.
 */
public final class MetricsText {
    /** What HTTP calls it. */
    public static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

    private final StringBuilder text = new StringBuilder();
    private final Set<String> families = new HashSet<>();

    /**
     * One value of a family.
     *
     * @param labels by name; in an order that is the same each time
     */
    public record Sample(Map<String, String> labels, double value) {
        /**
         * @param labels names and values by turns
         */
        public static Sample of(double value, String... labels) {
            Map<String, String> named = new LinkedHashMap<>();
            for (int i = 0; i + 1 < labels.length; i += 2) {
                named.put(labels[i], labels[i + 1]);
            }
            return new Sample(named, value);
        }
    }

    /** What goes up and down. */
    public MetricsText gauge(String name, String help, List<Sample> samples) {
        return family(name, help, "gauge", samples);
    }

    /** What goes up alone, from the start of the daemon or of what the labels name. */
    public MetricsText counter(String name, String help, List<Sample> samples) {
        if (!name.endsWith("_total")) {
            throw new IllegalArgumentException("A counter's name ends with _total: " + name);
        }
        return family(name, help, "counter", samples);
    }

    /** Durations, in seconds. */
    public MetricsText histogram(String name, String help, Durations durations) {
        head(name, help, "histogram");
        for (int i = 0; i < Durations.BOUNDS.size(); i++) {
            String bound = number(Durations.BOUNDS.get(i).toMillis() / 1000.0);
            line(name + "_bucket", Map.of("le", bound), durations.within().get(i));
        }
        line(name + "_bucket", Map.of("le", "+Inf"), durations.timed());
        line(name + "_sum", Map.of(), durations.sum().toNanos() / 1e9);
        line(name + "_count", Map.of(), durations.timed());
        return this;
    }

    private MetricsText family(String name, String help, String type, List<Sample> samples) {
        head(name, help, type);
        samples.forEach(sample -> line(name, sample.labels(), sample.value()));
        return this;
    }

    private void head(String name, String help, String type) {
        if (!families.add(name)) {
            throw new IllegalArgumentException("The family " + name + " is there already.");
        }
        text.append("# HELP ").append(name).append(' ').append(escaped(help)).append('\n');
        text.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    private void line(String name, Map<String, String> labels, double value) {
        text.append(name);
        if (!labels.isEmpty()) {
            text.append(
                    labels.entrySet().stream()
                            .map(
                                    label ->
                                            "%s=\"%s\""
                                                    .formatted(
                                                            label.getKey(),
                                                            quoted(label.getValue())))
                            .collect(Collectors.joining(",", "{", "}")));
        }
        text.append(' ').append(number(value)).append('\n');
    }

    private static String number(double value) {
        boolean whole = value == Math.rint(value) && Math.abs(value) < 1L << 53;
        return whole ? Long.toString((long) value) : String.format(Locale.ROOT, "%s", value);
    }

    private static String escaped(String help) {
        return help.replace("\\", "\\\\").replace("\n", "\\n");
    }

    private static String quoted(String value) {
        return escaped(value).replace("\"", "\\\"");
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
