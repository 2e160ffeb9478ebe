// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.DriverException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Where an output goes, as the Task API names it: the path of a fifo, or one of containerd's URIs
 * (its cmd/containerd-shim-runc-v2/process/io.go), or hako's own for a bounded log.
 */
sealed interface OutputUri {
    /** Made by whoever reads it. */
    record Fifo(Path path) implements OutputUri {}

    /** {@code file:///PATH}: appended to, without a bound. */
    record Appended(Path path) implements OutputUri {}

    /**
     * {@code cri-log:///PATH}, unescaped: records in the CRI log format, bounded by the settings.
     */
    record Log(Path path) implements OutputUri {}

    /** {@code binary:///PATH?NAME=VALUE&...}: a program, whose arguments are names and values. */
    record Program(Path path, List<String> arguments) implements OutputUri {}

    String FILE = "file:";
    String PROGRAM = "binary:";
    String LOG = "cri-log://";

    /**
     * @throws DriverException UNSUPPORTED if it is none of these
     */
    static OutputUri parse(String text) {
        try {
            if (text.startsWith(LOG)) {
                return new Log(absolute(text, text.substring(LOG.length())));
            }
            if (text.startsWith(FILE)) {
                return new Appended(absolute(text, new URI(text).getPath()));
            }
            if (text.startsWith(PROGRAM)) {
                URI uri = new URI(text);
                return new Program(absolute(text, uri.getPath()), arguments(uri));
            }
            return new Fifo(absolute(text, text));
        } catch (URISyntaxException | IllegalArgumentException e) {
            throw refused(text, ": " + e.getMessage());
        }
    }

    /** Whether both outputs may go there. */
    static boolean isShared(String text) {
        return text.startsWith(FILE) || text.startsWith(PROGRAM);
    }

    private static Path absolute(String text, String path) {
        if (path == null || !path.startsWith("/")) {
            throw refused(text, "");
        }
        try {
            return Path.of(path);
        } catch (InvalidPathException e) {
            throw refused(text, ": " + e.getReason());
        }
    }

    /** The first value of each name, which may be empty, as containerd's {@code NewBinaryCmd}. */
    private static List<String> arguments(URI uri) {
        String query = uri.getRawQuery() == null ? "" : uri.getRawQuery();
        Map<String, String> first = new LinkedHashMap<>();
        for (String pair : query.split("&")) {
            String[] parts = pair.split("=", 2);
            if (!pair.isEmpty()) {
                first.putIfAbsent(decoded(parts[0]), parts.length > 1 ? decoded(parts[1]) : "");
            }
        }
        return first.entrySet().stream()
                .flatMap(entry -> Stream.of(entry.getKey(), entry.getValue()))
                .toList();
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }

    private static DriverException refused(String text, String why) {
        return DriverException.unsupported(
                "An output cannot go to \"%s\"%s. It is the absolute path of a fifo, file:///PATH, or binary:///PATH?NAME=VALUE."
                        .formatted(text, why));
    }
}
