// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.List;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Which switches a driver may not have, as javac compiles them. */
public class ApiSwitchesTest {
    private static final String BAD = "Driver.tried";

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    @Test
    public void anExpressionOverConstants() throws Exception {
        assertEquals(
                List.of(BAD), found("SourceKind", "return switch (it) { case SCRATCH -> 1; %s };"));
    }

    @Test
    public void anExpressionOverVariants() throws Exception {
        assertEquals(
                List.of(BAD),
                found(
                        "ExitStatus",
                        "return switch (it) { case ExitStatus.Exited e -> 1; case ExitStatus.Signalled s -> 2; };"));
    }

    @Test
    public void aStatementOverVariants() throws Exception {
        assertEquals(
                List.of(BAD),
                found(
                        "ExitStatus",
                        "switch (it) { case ExitStatus.Exited e -> {} case ExitStatus.Signalled s -> {} } return 0;"));
    }

    @Test
    public void oneAmongOthersThatAreComplete() throws Exception {
        String good = "int a = switch (it) { case ExitStatus.Exited e -> 1; default -> 2; };";
        String bad =
                "return switch (it) { case ExitStatus.Exited e -> 1; case ExitStatus.Signalled s -> 2; };";
        assertEquals(List.of(BAD), found("ExitStatus", good + bad));
    }

    @Test
    public void notThoseWithADefault() throws Exception {
        assertEquals(
                List.of(),
                found("SourceKind", "return switch (it) { case SCRATCH -> 1; default -> 2; };"));
        assertEquals(
                List.of(),
                found(
                        "ExitStatus",
                        "return switch (it) { case ExitStatus.Exited e -> 1; default -> 2; };"));
    }

    @Test
    public void notThoseOverTypesOfTheDriversOwn() throws Exception {
        assertEquals(
                List.of(),
                found(
                        "Own",
                        "return switch (it) { case A -> 1; case B -> 2; };"
                                + " } enum Own { A, B } sealed interface Two {} record One() implements Two {}"
                                + " int other(Two two) { return switch (two) { case One one -> 1; };"));
    }

    /** In a driver with a method that is given a value of this type. */
    private List<String> found(String type, String body) throws Exception {
        String rest =
                "case HOST_DIRECTORY, HOST_FILE, HOST_BLOCK_DEVICE, RAW_IMAGE, IMAGE_LAYERS -> 2;";
        String source =
                "import io.hako.api.types.*; import io.hako.api.storage.*; class Driver { int tried(%s it) { %s } }"
                        .formatted(type, body.replace("%s", rest));
        Path directory = folder.newFolder().toPath();
        compile(source, directory);
        try (URLClassLoader loader = new URLClassLoader(new URL[] {directory.toUri().toURL()})) {
            return ApiSwitches.withoutDefault(loader.loadClass("Driver"), "no.such.package");
        }
    }

    private static void compile(String source, Path directory) {
        JavaCompiler javac = ToolProvider.getSystemJavaCompiler();
        DiagnosticCollector<JavaFileObject> diagnostics = new DiagnosticCollector<>();
        List<String> options =
                List.of("-d", directory.toString(), "-cp", System.getProperty("java.class.path"));
        boolean compiled =
                javac.getTask(
                                null,
                                null,
                                diagnostics,
                                options,
                                null,
                                List.of(
                                        new SimpleJavaFileObject(
                                                URI.create("string:///Driver.java"),
                                                JavaFileObject.Kind.SOURCE) {
                                            @Override
                                            public CharSequence getCharContent(boolean ignore) {
                                                return source;
                                            }
                                        }))
                        .call();
        assertTrue(diagnostics.getDiagnostics().toString(), compiled);
    }
}
