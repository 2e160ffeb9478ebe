// SPDX-License-Identifier: Apache-2.0
package io.hako.api;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.lang.reflect.Method;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.Test;

/** Rules that every type of the API keeps, read off the compiled classes. */
public class ApiShapeTest {
    private static final Set<String> PACKAGES =
            Set.of("device", "driver", "host", "hypervisor", "network", "storage", "types");

    @Test
    public void everyPackageIsExportedWithAVersion() throws Exception {
        assertEquals(PACKAGES, packages());
        for (String name : packages()) {
            assertEquals(
                    "annotations of " + name,
                    List.of(),
                    missing(
                            name,
                            List.of(
                                    "Lorg/osgi/annotation/bundle/Export;",
                                    "Lorg/osgi/annotation/versioning/Version;",
                                    "Lorg/jspecify/annotations/NullMarked;")));
        }
    }

    @Test
    public void everyInterfaceSaysWhoImplementsIt() throws Exception {
        assertEquals(
                List.of(),
                named(
                        type ->
                                isOpenInterface(type)
                                        && !isMarked(type, "ConsumerType")
                                        && !isMarked(type, "ProviderType")));
    }

    @Test
    public void noInterfaceHasADefaultMethod() throws Exception {
        List<Class<?>> interfaces = types().stream().filter(Class::isInterface).toList();
        assertTrue("interfaces were found", interfaces.size() > 20);
        assertEquals(
                List.of(),
                interfaces.stream()
                        .flatMap(type -> Stream.of(type.getDeclaredMethods()))
                        .filter(Method::isDefault)
                        .map(Method::toString)
                        .toList());
    }

    @Test
    public void noPrimitiveStandsForAQuantityWithItsUnitInTheName() throws Exception {
        assertEquals(
                List.of(),
                types().stream()
                        .filter(Class::isRecord)
                        .flatMap(type -> Stream.of(type.getRecordComponents()))
                        .filter(component -> component.getType().isPrimitive())
                        .map(component -> component.getName().toLowerCase(java.util.Locale.ROOT))
                        .filter(name -> name.matches(".*(mb|mib|millis|seconds)$"))
                        .toList());
    }

    @Test
    public void recordsDoNotHaveArraysOrNull() throws Exception {
        assertEquals(
                List.of(),
                types().stream()
                        .filter(Class::isRecord)
                        .flatMap(type -> Stream.of(type.getRecordComponents()))
                        .filter(component -> component.getType().isArray())
                        .map(
                                component ->
                                        component.getDeclaringRecord().getName()
                                                + "."
                                                + component.getName())
                        .toList());
    }

    private static boolean isOpenInterface(Class<?> type) {
        return type.isInterface() && !type.isAnnotation();
    }

    private static List<String> named(Predicate<Class<?>> which) throws Exception {
        return types().stream().filter(which).map(Class::getName).toList();
    }

    /** The OSGi annotations are in class files only, not at run time. */
    private static boolean isMarked(Class<?> type, String annotation) {
        String file = "/" + type.getName().replace('.', '/') + ".class";
        return contains(file, "Lorg/osgi/annotation/versioning/" + annotation + ";");
    }

    private static List<String> missing(String name, List<String> annotations) {
        return annotations.stream()
                .filter(
                        annotation ->
                                !contains(
                                        "/io/hako/api/" + name + "/package-info.class", annotation))
                .toList();
    }

    private static boolean contains(String file, String word) {
        try (var in = ApiShapeTest.class.getResourceAsStream(file)) {
            return new String(
                            java.util.Objects.requireNonNull(in, file).readAllBytes(),
                            java.nio.charset.StandardCharsets.ISO_8859_1)
                    .contains(word);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static Set<String> packages() throws Exception {
        return types().stream()
                .map(type -> type.getPackageName().substring("io.hako.api.".length()))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static List<Class<?>> types()
            throws URISyntaxException, IOException, ClassNotFoundException {
        Path top =
                Path.of(
                        io.hako.api.types.Call.class
                                .getProtectionDomain()
                                .getCodeSource()
                                .getLocation()
                                .toURI());
        List<Class<?>> found = new java.util.ArrayList<>();
        try (Stream<Path> files = Files.walk(top)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".class")).toList()) {
                String name =
                        top.relativize(file)
                                .toString()
                                .replace('/', '.')
                                .replaceAll("\\.class$", "");
                if (!name.endsWith("package-info")) {
                    found.add(Class.forName(name));
                }
            }
        }
        return found;
    }
}
