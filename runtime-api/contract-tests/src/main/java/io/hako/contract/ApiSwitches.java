// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.Instruction;
import java.lang.classfile.Label;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.LabelTarget;
import java.lang.classfile.instruction.LookupSwitchInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.TableSwitchInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDesc;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The switches in a driver's class files, as javac makes them. */
final class ApiSwitches {
    private static final String API = "Lio/hako/api/";
    private static final String ENUM_MAP = "$SwitchMap$io$hako$api$";
    private static final String MATCH_EXCEPTION = "java/lang/MatchException";

    private ApiSwitches() {}

    /**
     * The methods with a switch over a type of the API that has no default.
     *
     * @param driver all that lies beside it is looked at
     * @param but a package that is not
     */
    static List<String> withoutDefault(Class<?> driver, String but)
            throws IOException, URISyntaxException {
        URI place = driver.getProtectionDomain().getCodeSource().getLocation().toURI();
        Path path = Path.of(place);
        if (Files.isDirectory(path)) {
            return withoutDefault(path, but);
        }
        try (FileSystem jar = FileSystems.newFileSystem(path, Map.of())) {
            return withoutDefault(jar.getPath("/"), but);
        }
    }

    private static List<String> withoutDefault(Path root, String but) throws IOException {
        List<String> found = new ArrayList<>();
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".class")).toList()) {
                ClassModel type = ClassFile.of().parse(Files.readAllBytes(file));
                String name = type.thisClass().asInternalName().replace('/', '.');
                if (!name.substring(0, Math.max(0, name.lastIndexOf('.'))).equals(but)) {
                    type.methods().stream()
                            .filter(m -> m.code().filter(ApiSwitches::lacksDefault).isPresent())
                            .forEach(m -> found.add(name + "." + m.methodName().stringValue()));
                }
            }
        }
        return found;
    }

    private static boolean lacksDefault(CodeModel code) {
        List<CodeElement> elements = code.elementList();
        boolean overApi = false;
        for (CodeElement element : elements) {
            overApi = overApi || selectsOfApi(element);
            Optional<Label> otherwise = otherwise(element);
            if (otherwise.isPresent()) {
                if (overApi && throwsMatchException(elements, otherwise.get())) {
                    return true;
                }
                overApi = false;
            }
        }
        return false;
    }

    /**
     * Whether the next switch is over a type of the API: by patterns, or by an enum's constants.
     */
    private static boolean selectsOfApi(CodeElement element) {
        return switch (element) {
            case InvokeDynamicInstruction dynamic ->
                    dynamic.name().stringValue().endsWith("Switch")
                            && Stream.concat(
                                            dynamic.bootstrapArgs().stream(),
                                            dynamic.typeSymbol().parameterList().stream())
                                    .anyMatch(ApiSwitches::isOfApi);
            case FieldInstruction field -> field.name().stringValue().startsWith(ENUM_MAP);
            default -> false;
        };
    }

    private static boolean isOfApi(ConstantDesc label) {
        return label instanceof ClassDesc type && type.descriptorString().startsWith(API);
    }

    private static Optional<Label> otherwise(CodeElement element) {
        return switch (element) {
            case TableSwitchInstruction table -> Optional.of(table.defaultTarget());
            case LookupSwitchInstruction lookup -> Optional.of(lookup.defaultTarget());
            default -> Optional.empty();
        };
    }

    private static boolean throwsMatchException(List<CodeElement> elements, Label target) {
        return elements.stream()
                .dropWhile(
                        element ->
                                !(element instanceof LabelTarget here
                                        && here.label().equals(target)))
                .filter(Instruction.class::isInstance)
                .findFirst()
                .filter(
                        first ->
                                first instanceof NewObjectInstruction made
                                        && made.className()
                                                .asInternalName()
                                                .equals(MATCH_EXCEPTION))
                .isPresent();
    }
}
