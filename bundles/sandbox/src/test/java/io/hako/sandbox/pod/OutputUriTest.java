// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.nio.file.Path;
import java.util.List;
import org.junit.Test;

/** What the Task API's words for an output mean. */
public class OutputUriTest {
    @Test
    public void aPathIsAFifo() {
        assertEquals(new OutputUri.Fifo(Path.of("/run/a b/out")), OutputUri.parse("/run/a b/out"));
    }

    @Test
    public void aFileIsNamedByAnUriWithEscapes() {
        assertEquals(
                new OutputUri.Appended(Path.of("/var/log/a b")),
                OutputUri.parse("file:///var/log/a%20b"));
    }

    @Test
    public void aBoundedLogIsNamedAsItIs() {
        assertEquals(
                new OutputUri.Log(Path.of("/run/100%/log")),
                OutputUri.parse("cri-log:///run/100%/log"));
    }

    @Test
    public void aLoggersArgumentsAreNamesAndFirstValues() {
        assertEquals(
                new OutputUri.Program(
                        Path.of("/usr/bin/log ger"),
                        List.of("_INTERNAL", "/var/lib/x&y", "-v", "", "plus", "a b")),
                OutputUri.parse(
                        "binary:///usr/bin/log%20ger?_INTERNAL=%2Fvar%2Flib%2Fx%26y&-v&plus=a+b&-v=2"));
        assertEquals(
                new OutputUri.Program(Path.of("/bin/log"), List.of()),
                OutputUri.parse("binary:/bin/log"));
    }

    @Test
    public void anythingElseIsRefusedInASentence() {
        assertEquals(
                "An output cannot go to \"tcp://there\". It is the absolute path of a fifo, file:///PATH, or binary:///PATH?NAME=VALUE.",
                refusal("tcp://there"));
        for (String text : List.of("out", "binary://", "file:relative", "binary:///a?%zz", "/\0")) {
            refusal(text);
        }
    }

    private static String refusal(String text) {
        DriverException failure =
                assertThrows(text, DriverException.class, () -> OutputUri.parse(text));
        assertEquals(FailureKind.UNSUPPORTED, failure.failure());
        return failure.getMessage();
    }
}
