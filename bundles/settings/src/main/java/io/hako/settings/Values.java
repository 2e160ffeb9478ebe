// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import io.hako.api.types.Names;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** A key's value, as a settings file or JSON gives it, as the Java type that a record wants. */
final class Values {
    private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|m|h)");

    private Values() {}

    /**
     * @param key what it is the value of, for sentences: "The setting guest.cpus"
     */
    static Object convert(String key, Object value, Type type) {
        if (value instanceof AnnotationText given) {
            return convert("The annotation " + given.annotation(), typed(given.text(), type), type);
        }
        if (type instanceof ParameterizedType generic) {
            Type element = generic.getActualTypeArguments()[0];
            if (generic.getRawType() == Optional.class) {
                return Optional.of(convert(key, value, element));
            }
            if (generic.getRawType() == List.class) {
                return list(key, value, element);
            }
        }
        return scalar(key, value, (Class<?>) type);
    }

    /** A text as a file would give it to a setting of this type; as it is where it does not fit. */
    private static Object typed(String text, Type type) {
        if (type instanceof ParameterizedType generic) {
            Type element = generic.getActualTypeArguments()[0];
            return generic.getRawType() == List.class
                    ? Arrays.stream(text.split(","))
                            .map(word -> typed(word.strip(), element))
                            .toList()
                    : typed(text, element);
        }
        if (type == boolean.class) {
            return text.equals("true") ? true : text.equals("false") ? false : text;
        }
        return type == double.class || isWhole((Class<?>) type) ? number(text) : text;
    }

    /** Whether a file gives values of this type as whole numbers alone. */
    private static boolean isWhole(Class<?> type) {
        return type == CpuCount.class || type == int.class || type == long.class;
    }

    private static Object number(String text) {
        try {
            return text.contains(".") ? (Object) Double.valueOf(text) : (Object) Long.valueOf(text);
        } catch (NumberFormatException e) {
            return text;
        }
    }

    private static List<Object> list(String key, Object value, Type element) {
        if (!(value instanceof List<?> values)) {
            throw wrong(key, "a list", value);
        }
        return values.stream().map(one -> convert(key, one, element)).toList();
    }

    private static Object scalar(String key, Object value, Class<?> type) {
        if (type.isEnum()) {
            return enumeration(key, value, type);
        }
        return switch (type.getName()) {
            case "java.lang.String" -> string(key, value, "a text in quotes");
            case "boolean" -> value instanceof Boolean b ? b : refuse(key, "true or false", value);
            case "int" -> (int) number(key, value, Integer.MIN_VALUE, Integer.MAX_VALUE);
            case "long" -> number(key, value, Long.MIN_VALUE, Long.MAX_VALUE);
            case "double" ->
                    value instanceof Number n ? n.doubleValue() : refuse(key, "a number", value);
            case "java.nio.file.Path" -> path(key, value);
            case "java.time.Duration" -> duration(key, value);
            case "io.hako.api.types.MemorySize" -> memory(key, value);
            case "io.hako.settings.Ipv4Range" -> range(key, value);
            case "io.hako.api.types.CpuCount" ->
                    new CpuCount((int) number(key, value, 1, CpuCount.MOST));
            default ->
                    throw new DriverException(
                            FailureKind.INTERNAL,
                            "%s has the type %s, which no setting can have."
                                    .formatted(key, type.getName()));
        };
    }

    private static Object enumeration(String key, Object value, Class<?> type) {
        String word = string(key, value, "one of " + words(type));
        return Arrays.stream(type.getEnumConstants())
                .filter(constant -> word(constant).equals(word))
                .findFirst()
                .orElseThrow(() -> wrong(key, "one of " + words(type), value));
    }

    private static String words(Class<?> type) {
        return Arrays.stream(type.getEnumConstants())
                .map(Values::word)
                .collect(Collectors.joining(", "));
    }

    /** A value of a record as a file would give it; the inverse of {@link #convert}. */
    static Object plain(Object value) {
        return switch (value) {
            case Optional<?> optional -> optional.map(Values::plain).orElse(null);
            case List<?> list -> list.stream().map(Values::plain).toList();
            case Enum<?> constant -> word(constant);
            case MemorySize size -> size.bytes() + "";
            case CpuCount cpus -> (long) cpus.count();
            case Duration duration -> duration.toMillis() + "ms";
            case Path path -> path.toString();
            case Ipv4Range range -> range.toString();
            default -> value;
        };
    }

    static String word(Object constant) {
        return ((Enum<?>) constant).name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static MemorySize memory(String key, Object value) {
        String text =
                value instanceof Number n
                        ? n.toString()
                        : string(key, value, "a size such as \"256M\"");
        try {
            return MemorySize.parse(text);
        } catch (DriverException e) {
            throw DriverException.invalid("%s: %s".formatted(key, e.getMessage()));
        }
    }

    private static Ipv4Range range(String key, Object value) {
        String text = string(key, value, "a range such as \"10.0.0.0/16\"");
        try {
            return Ipv4Range.parse(text);
        } catch (DriverException e) {
            throw DriverException.invalid("%s: %s".formatted(key, e.getMessage()));
        }
    }

    private static Duration duration(String key, Object value) {
        String text = string(key, value, "a time such as \"500ms\", \"30s\" or \"5m\"");
        Matcher m = DURATION.matcher(text);
        if (!m.matches()) {
            throw wrong(key, "a time such as \"500ms\", \"30s\" or \"5m\"", value);
        }
        long count = Long.parseLong(m.group(1));
        return switch (m.group(2)) {
            case "ms" -> Duration.ofMillis(count);
            case "s" -> Duration.ofSeconds(count);
            case "m" -> Duration.ofMinutes(count);
            default -> Duration.ofHours(count);
        };
    }

    private static Path path(String key, Object value) {
        try {
            return Names.absolute(key, Path.of(string(key, value, "an absolute path")));
        } catch (InvalidPathException e) {
            throw wrong(key, "an absolute path", value);
        }
    }

    private static long number(String key, Object value, long least, long most) {
        boolean whole =
                value instanceof Integer
                        || value instanceof Long
                        || value instanceof Double d && d == Math.rint(d) && Math.abs(d) < 1L << 53;
        long number = whole ? ((Number) value).longValue() : 0;
        if (!whole || number < least || number > most) {
            throw wrong(key, "a whole number from %d to %d".formatted(least, most), value);
        }
        return number;
    }

    private static String string(String key, Object value, String expected) {
        if (value instanceof String text) {
            return text;
        }
        throw wrong(key, expected, value);
    }

    private static Object refuse(String key, String expected, Object value) {
        throw wrong(key, expected, value);
    }

    private static DriverException wrong(String key, String expected, Object value) {
        String shown = value instanceof String ? "\"" + value + "\"" : String.valueOf(value);
        return DriverException.invalid(
                "%s is %s, but %s was given.".formatted(key, expected, shown));
    }
}
