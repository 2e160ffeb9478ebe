// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The hako command on a terminal of its own, at which a test sits: it types, resizes and reads what
 * is shown.
 */
final class Terminal implements AutoCloseable {
    private final Running running;
    private int read;

    /** Starts hako on a terminal of so many rows and columns. */
    Terminal(Node node, int rows, int columns, String... arguments) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "python3",
                                script().toString(),
                                Integer.toString(rows),
                                Integer.toString(columns),
                                node.command()));
        command.addAll(List.of(arguments));
        running = node.startProgram(command);
    }

    void type(String text) {
        JsonObject action = new JsonObject();
        action.addProperty("type", text);
        running.write(action + "\n");
    }

    void resize(int rows, int columns) {
        JsonArray size = new JsonArray();
        size.add(rows);
        size.add(columns);
        JsonObject action = new JsonObject();
        action.add("resize", size);
        running.write(action + "\n");
    }

    /** Waits until this is shown, after all that was expected before. */
    void expect(String text) {
        running.awaitOutput(
                "\"" + text + "\" after " + read + " characters",
                out -> out.indexOf(text, read) >= 0,
                Node.LIMIT);
        read = running.textSoFar().indexOf(text, read) + text.length();
    }

    Result finish() {
        return running.finish(Node.LIMIT);
    }

    @Override
    public void close() {
        running.close();
    }

    private static Path script() {
        try {
            return Path.of(Terminal.class.getResource("/terminal.py").toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError("terminal.py is no file", e);
        }
    }
}
