// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import java.lang.classfile.Attributes;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.PermittedSubclassesAttribute;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.reflect.AccessFlag;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Makes of the API's classes those of a later one: each enum has one more constant, and each sealed
 * interface one more variant, whose methods answer as those of a known one do, but for the
 * constants. By the Java Language Specification (13.4.2.1, 13.4.26) neither breaks a driver that
 * was compiled before, but for a switch without a default: that ends with a {@link MatchException}.
 */
final class LaterApi {
    static final String CONSTANT = "OF_A_LATER_API";
    private static final String VARIANT = "$OfALaterApi";
    private static final String VALUES = "$VALUES";
    private static final String KNOWN = "known";
    private static final ClassDesc ARRAYS = ClassDesc.of(Arrays.class.getName());
    private static final MethodTypeDesc COPY_OF =
            MethodTypeDesc.of(
                    ConstantDescs.CD_Object.arrayType(),
                    ConstantDescs.CD_Object.arrayType(),
                    ConstantDescs.CD_int);
    private static final MethodTypeDesc VALUE_OF =
            MethodTypeDesc.of(
                    ConstantDescs.CD_Enum, ConstantDescs.CD_Class, ConstantDescs.CD_String);

    private LaterApi() {}

    static boolean isVariant(String name) {
        return name.endsWith(VARIANT);
    }

    /** Name of the interface that it is a variant of. */
    static String family(String variant) {
        return variant.substring(0, variant.length() - VARIANT.length());
    }

    /** A class of the API, as it is later. */
    static byte[] later(byte[] today) {
        ClassModel model = ClassFile.of().parse(today);
        if (model.flags().has(AccessFlag.ENUM)) {
            return ClassFile.of().transformClass(model, withOneMoreConstant(model));
        }
        return model.findAttribute(Attributes.permittedSubclasses())
                .map(
                        permitted ->
                                ClassFile.of().transformClass(model, withOneMore(model, permitted)))
                .orElse(today);
    }

    private static ClassTransform withOneMore(
            ClassModel model, PermittedSubclassesAttribute permitted) {
        List<ClassDesc> all = new ArrayList<>();
        permitted.permittedSubclasses().forEach(known -> all.add(known.asSymbol()));
        all.add(variant(model.thisClass().asSymbol()));
        return ClassTransform.dropping(PermittedSubclassesAttribute.class::isInstance)
                .andThen(
                        ClassTransform.endHandler(
                                builder ->
                                        builder.with(PermittedSubclassesAttribute.ofSymbols(all))));
    }

    private static ClassDesc variant(ClassDesc family) {
        return ClassDesc.ofDescriptor(family.descriptorString().replace(";", VARIANT + ";"));
    }

    private static ClassTransform withOneMoreConstant(ClassModel model) {
        ClassDesc type = model.thisClass().asSymbol();
        MethodTypeDesc constructor =
                model.methods().stream()
                        .filter(method -> method.methodName().equalsString(ConstantDescs.INIT_NAME))
                        .map(MethodModel::methodTypeSymbol)
                        .findFirst()
                        .orElseThrow();
        CodeTransform oneMore =
                (code, element) -> {
                    if (element instanceof ReturnInstruction) {
                        appendConstant(code, type, constructor);
                    }
                    code.with(element);
                };
        return ClassTransform.transformingMethodBodies(
                method -> method.methodName().equalsString(ConstantDescs.CLASS_INIT_NAME), oneMore);
    }

    /** At the end of the static initializer: {@code $VALUES} is replaced by a longer copy. */
    private static void appendConstant(
            CodeBuilder code, ClassDesc type, MethodTypeDesc constructor) {
        ClassDesc array = type.arrayType();
        code.getstatic(type, VALUES, array).dup().arraylength().iconst_1().iadd();
        code.invokestatic(ARRAYS, "copyOf", COPY_OF).checkcast(array);
        code.dup().getstatic(type, VALUES, array).arraylength();
        code.new_(type).dup().loadConstant(CONSTANT);
        code.getstatic(type, VALUES, array).arraylength();
        constructor.parameterList().stream().skip(2).forEach(more -> any(code, more));
        code.invokespecial(type, ConstantDescs.INIT_NAME, constructor);
        code.aastore().putstatic(type, VALUES, array);
    }

    private static void any(CodeBuilder code, ClassDesc type) {
        if (type.equals(ConstantDescs.CD_String)) {
            code.loadConstant(CONSTANT);
        } else if (type.isPrimitive()) {
            code.iconst_0();
        } else {
            code.aconst_null();
        }
    }

    /** The class of the one more variant of a sealed interface. */
    static byte[] variantOf(byte[] today) {
        ClassModel family = ClassFile.of().parse(today);
        ClassDesc of = family.thisClass().asSymbol();
        ClassDesc type = variant(of);
        MethodTypeDesc constructor = MethodTypeDesc.of(ConstantDescs.CD_void, of);
        return ClassFile.of()
                .build(
                        type,
                        builder -> {
                            builder.withFlags(AccessFlag.PUBLIC, AccessFlag.FINAL);
                            builder.withInterfaceSymbols(of);
                            builder.withField(KNOWN, of, ClassFile.ACC_FINAL);
                            builder.withMethodBody(
                                    ConstantDescs.INIT_NAME,
                                    constructor,
                                    ClassFile.ACC_PUBLIC,
                                    code -> construct(code, type, of));
                            abstracts(family).forEach(m -> answer(builder, m, type, of));
                        });
    }

    private static Stream<MethodModel> abstracts(ClassModel family) {
        return family.methods().stream().filter(method -> method.flags().has(AccessFlag.ABSTRACT));
    }

    private static void construct(CodeBuilder code, ClassDesc type, ClassDesc of) {
        code.aload(0)
                .invokespecial(
                        ConstantDescs.CD_Object, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void);
        code.aload(0).aload(1).putfield(type, KNOWN, of).return_();
    }

    /** As the known variant does; a kind of its own is the later constant. */
    private static void answer(
            ClassBuilder builder, MethodModel method, ClassDesc type, ClassDesc of) {
        String name = method.methodName().stringValue();
        MethodTypeDesc signature = method.methodTypeSymbol();
        builder.withMethodBody(
                name,
                signature,
                ClassFile.ACC_PUBLIC,
                code -> {
                    if (name.equals("kind")) {
                        ClassDesc kind = signature.returnType();
                        code.loadConstant(kind).loadConstant(CONSTANT);
                        code.invokestatic(ConstantDescs.CD_Enum, "valueOf", VALUE_OF);
                        code.checkcast(kind).areturn();
                    } else {
                        code.aload(0).getfield(type, KNOWN, of);
                        code.invokeinterface(of, name, signature).areturn();
                    }
                });
    }
}
