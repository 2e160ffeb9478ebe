// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads Prometheus' text format 0.0.4 as strictly as its specification is (prometheus.io, "Text
 * format details"), and demands what "Metric and label naming" there recommends.
 */
final class ExpositionFormat {
    private static final Pattern HELP = Pattern.compile("# HELP ([a-z_]+) (\\S.*\\.)");
    private static final Pattern TYPE =
            Pattern.compile("# TYPE ([a-z_]+) (counter|gauge|histogram)");
    private static final String VALUE =
            "([-+]?[0-9]+(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|NaN|[-+]Inf)";
    private static final String LABEL = "[a-z_]+=\"(?:[^\"\\\\\\n]|\\\\[\\\\\"n])*\"";
    private static final Pattern SAMPLE =
            Pattern.compile("([a-z_]+)(\\{" + LABEL + "(?:," + LABEL + ")*\\})? " + VALUE);

    private final Map<String, Double> samples = new LinkedHashMap<>();
    private final Map<String, String> types = new LinkedHashMap<>();
    private final Set<String> ended = new HashSet<>();
    private String helped = "";
    private String family = "";

    private ExpositionFormat() {}

    /** The samples, by name and labels as they are written. */
    static Map<String, Double> read(String text) {
        assertTrue("It ends with a line end", text.endsWith("\n"));
        ExpositionFormat format = new ExpositionFormat();
        text.lines().forEach(format::line);
        format.types.keySet().forEach(format::complete);
        return format.samples;
    }

    private void line(String line) {
        Matcher help = HELP.matcher(line);
        Matcher type = TYPE.matcher(line);
        Matcher sample = SAMPLE.matcher(line);
        if (help.matches()) {
            helped = help.group(1);
        } else if (type.matches()) {
            begin(type.group(1), type.group(2));
        } else {
            assertTrue("It is no sample: " + line, sample.matches());
            sample(sample, line);
        }
    }

    private void begin(String name, String type) {
        assertEquals("HELP comes right before TYPE", helped, name);
        assertTrue(name + " is of hako", name.startsWith("hako_"));
        assertFalse(name + " is there twice", types.containsKey(name));
        assertEquals(name, type.equals("counter"), name.endsWith("_total"));
        assertFalse(
                name + " is in base units",
                name.matches(".*_(ms|milliseconds|kb|mib|minutes)(_total)?"));
        ended.add(family);
        family = name;
        types.put(name, type);
    }

    private void sample(Matcher sample, String line) {
        String name = sample.group(1);
        boolean histogram = "histogram".equals(types.get(family));
        String base = histogram ? name.replaceFirst("_(bucket|sum|count)$", "") : name;
        assertEquals("Samples of a family are together: " + line, family, base);
        assertFalse(line, ended.contains(base));
        String key = line.substring(0, line.lastIndexOf(' '));
        double value = Double.parseDouble(sample.group(3).replace("Inf", "Infinity"));
        assertFalse(key + " is there twice", samples.containsKey(key));
        assertTrue(line, value >= 0);
        samples.put(key, value);
    }

    /** A histogram's buckets do not fall, and the last is the count. */
    private void complete(String name) {
        if (!types.get(name).equals("histogram")) {
            return;
        }
        double last = 0;
        for (Map.Entry<String, Double> each : samples.entrySet()) {
            if (each.getKey().startsWith(name + "_bucket")) {
                assertTrue(each.toString(), each.getValue() >= last);
                last = each.getValue();
            }
        }
        assertEquals(name, last, samples.get(name + "_bucket{le=\"+Inf\"}"), 0);
        assertEquals(name, last, samples.get(name + "_count"), 0);
        assertTrue(name, samples.containsKey(name + "_sum"));
    }
}
