// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A program, the hako command for one, on a terminal of its own, at which a test sits: it types,
 * resizes and reads what is shown.
 */
public final class Terminal implements AutoCloseable {
    private final Running running;
    private int read;

    /** Starts hako on a terminal of so many rows and columns. */
    public Terminal(Node node, int rows, int columns, String... arguments) {
        this(
                node,
                rows,
                columns,
                Stream.concat(Stream.of(node.command()), Stream.of(arguments)).toList());
    }

    /** Starts any program there. */
    public Terminal(Node node, int rows, int columns, List<String> program) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "python3",
                                script().toString(),
                                Integer.toString(rows),
                                Integer.toString(columns)));
        command.addAll(program);
        running = node.startProgram(command);
    }

    public void type(String text) {
        JsonObject action = new JsonObject();
        action.addProperty("type", text);
        running.write(action + "\n");
    }

    public void resize(int rows, int columns) {
        JsonArray size = new JsonArray();
        size.add(rows);
        size.add(columns);
        JsonObject action = new JsonObject();
        action.add("resize", size);
        running.write(action + "\n");
    }

    /** Waits until this is shown, after all that was expected before. */
    public void expect(String text) {
        running.awaitOutput(
                "\"" + text + "\" after " + read + " characters",
                out -> out.indexOf(text, read) >= 0,
                Node.LIMIT);
        read = running.textSoFar().indexOf(text, read) + text.length();
    }

    public Result finish() {
        return running.finish(Node.LIMIT);
    }

    @Override
    public void close() {
        running.close();
    }

    private static Path script() {
        try (InputStream text = Terminal.class.getResourceAsStream("/terminal.py")) {
            Path copy = Files.createTempFile("hako-terminal", ".py");
            copy.toFile().deleteOnExit();
            Files.write(copy, text.readAllBytes());
            return copy;
        } catch (IOException e) {
            throw new UncheckedIOException("terminal.py cannot be copied out of the jar", e);
        }
    }
}
