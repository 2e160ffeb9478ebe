// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import static org.junit.Assert.assertEquals;

import io.hako.itests.machine.Node;
import io.hako.itests.machine.Running;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * The test's end of a process's stream. Whoever of the others ends, this end stays open, so that
 * nothing is lost here.
 */
interface Fifo extends AutoCloseable {
    Path path();

    @Override
    void close();

    /** What a process writes. */
    record Output(Path path, Running reader) implements Fifo {
        static Output in(Node node, String name) {
            Path path = make(node, name);
            return new Output(
                    path,
                    node.startProgram(List.of("sh", "-c", "exec cat <>\"$0\"", path.toString())));
        }

        /** Demands that exactly this has come, once that much has. */
        void is(String text) {
            reader.awaitOutput(
                    text.length() + " bytes", out -> out.length() >= text.length(), Node.LIMIT);
            assertEquals(text, reader.textSoFar());
        }

        @Override
        public void close() {
            reader.close();
            delete(path);
        }
    }

    /** What a process reads. */
    record Input(Path path, FileChannel writer) implements Fifo {
        static Input in(Node node, String name) {
            Path path = make(node, name);
            try {
                return new Input(
                        path,
                        FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        void write(String text) {
            try {
                writer.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() {
            try {
                writer.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            delete(path);
        }
    }

    private static Path make(Node node, String name) {
        Path path = node.state().resolve(name);
        node.program("mkfifo", path.toString());
        return path;
    }

    private static void delete(Path path) {
        try {
            Files.deleteIfExists(path); // containerd does it, too

        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
