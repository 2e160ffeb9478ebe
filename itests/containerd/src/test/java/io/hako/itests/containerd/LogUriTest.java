// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import static io.hako.itests.containerd.Containerd.IMAGE;
import static io.hako.itests.containerd.Containerd.RUNTIME;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;

import io.hako.itests.machine.Await;
import io.hako.itests.machine.Node;
import io.hako.itests.machine.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.ClassRule;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.RuleChain;
import org.junit.rules.TemporaryFolder;

/** Output that containerd's client sends elsewhere than to itself. */
public class LogUriTest {
    private static final Node NODE = new Node();
    private static final Containerd CONTAINERD = new Containerd(NODE);
    private static final String[] COMMAND = {
        "sh", "-c", "seq 20000; echo to-err >&2; exit 7",
    };

    @ClassRule public static final RuleChain RULES = RuleChain.outerRule(NODE).around(CONTAINERD);

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    /** The logger gets all of it, and what it ends with is its own affair. */
    @Test
    public void aLoggerGetsBothOutputsWhole() throws IOException {
        Path store = folder.newFolder().toPath();
        Path logger =
                program(
                        """
                        #!/bin/sh
                        exec 5>&-
                        echo "$CONTAINER_NAMESPACE/$CONTAINER_ID $*" > %1$s/called
                        /bin/cat <&4 > %1$s/err &
                        /bin/cat <&3 > %1$s/out
                        wait
                        echo end >> %1$s/called
                        exit 1
                        """
                                .formatted(store));

        Result result = run("binary://" + logger + "?-to=a%20b", "logged");

        assertEquals("7 ", result.exit() + " " + result.text());
        Path called = store.resolve("called");
        Await.until(
                "the logger to end",
                Node.LIMIT,
                () -> read(called).endsWith("end\n"),
                CONTAINERD::log);
        String whose = read(called).lines().findFirst().orElseThrow();
        assertTrue(whose, whose.endsWith("/logged -to a b"));
        assertEquals(numbers(), read(store.resolve("out")));
        assertEquals("to-err\n", read(store.resolve("err")));
        NODE.nothingLeft();
    }

    @Test
    public void aLoggerThatFailsAtOnceFailsTheContainerInASentence() throws IOException {
        Path logger = program("#!/bin/sh\necho no room >&2; exit 9\n");

        Result result = run("binary://" + logger, "unlogged");

        assertNotEquals(0, result.exit());
        assertTrue(
                result.err(),
                result.err()
                        .contains(
                                "The logger %s has ended before it was ready (exit status 9; it said"
                                        .formatted(logger)));
        NODE.nothingLeft();
    }

    @Test
    public void aFileGetsBothOutputs() throws IOException {
        Path log = folder.getRoot().toPath().resolve("made/for it/log");

        Result result = run(log.toUri().toString(), "filed");

        assertEquals("7 ", result.exit() + " " + result.text());
        String text = Files.readString(log);
        assertTrue(text, text.contains("to-err\n"));
        assertEquals(numbers(), text.replace("to-err\n", ""));
        NODE.nothingLeft();
    }

    private Result run(String uri, String id) {
        String[] options = {"run", "--rm", "--runtime", RUNTIME, "--log-uri", uri, IMAGE, id};
        String[] all = new String[options.length + COMMAND.length];
        System.arraycopy(options, 0, all, 0, options.length);
        System.arraycopy(COMMAND, 0, all, options.length, COMMAND.length);
        return CONTAINERD.ctr(all);
    }

    private Path program(String text) throws IOException {
        Path path = folder.newFile().toPath();
        Files.writeString(path, text);
        return Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static String numbers() {
        StringBuilder numbers = new StringBuilder();
        for (int number = 1; number <= 20_000; number++) {
            numbers.append(number).append('\n');
        }
        return numbers.toString();
    }

    private static String read(Path file) {
        try {
            return Files.exists(file) ? Files.readString(file) : "";
        } catch (IOException e) {
            return "";
        }
    }
}
