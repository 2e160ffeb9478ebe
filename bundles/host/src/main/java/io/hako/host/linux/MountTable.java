// SPDX-License-Identifier: Apache-2.0
package io.hako.host.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * The mounts that this process sees, in the order they were made (/proc/self/mountinfo,
 * proc_pid_mountinfo(5)).
 */
public record MountTable(List<Mount> mounts) {
    private static final Path SELF = Path.of("/proc/self/mountinfo");
    private static final Pattern ESCAPED = Pattern.compile("\\\\([0-3][0-7]{2})");
    private static final int TARGET = 4;
    private static final int FIRST_OPTIONAL = 6;

    public record Mount(Path target, String type) {}

    public static MountTable read() throws IOException {
        return parse(Files.readAllLines(SELF, StandardCharsets.UTF_8));
    }

    static MountTable parse(List<String> lines) {
        return new MountTable(
                lines.stream().map(MountTable::mount).flatMap(Optional::stream).toList());
    }

    /**
     * Mount points at or below a directory, deepest first, and of those on one place the newest
     * first.
     */
    public List<Path> below(Path directory) {
        return mounts.reversed().stream()
                .map(Mount::target)
                .filter(target -> target.startsWith(directory))
                .sorted(Comparator.comparing(Path::getNameCount).reversed())
                .toList();
    }

    public List<Path> ofType(String... types) {
        List<String> wanted = Arrays.asList(types);
        return mounts.stream()
                .filter(mount -> wanted.contains(mount.type()))
                .map(Mount::target)
                .toList();
    }

    private static Optional<Mount> mount(String line) {
        List<String> fields = List.of(line.split(" "));
        int separator =
                fields.size() > FIRST_OPTIONAL
                        ? fields.subList(FIRST_OPTIONAL, fields.size()).indexOf("-")
                        : -1;
        if (separator < 0 || fields.size() <= FIRST_OPTIONAL + separator + 1) {
            return Optional.empty();
        }
        return Optional.of(
                new Mount(
                        Path.of(plain(fields.get(TARGET))),
                        fields.get(FIRST_OPTIONAL + separator + 1)));
    }

    /** Space, tab, newline and backslash are written as a backslash and three octal digits. */
    private static String plain(String field) {
        return ESCAPED.matcher(field).replaceAll(MountTable::character);
    }

    private static String character(MatchResult escape) {
        char character = (char) Integer.parseInt(escape.group(1), 8);
        return character == '\\' ? "\\\\" : Character.toString(character);
    }
}
