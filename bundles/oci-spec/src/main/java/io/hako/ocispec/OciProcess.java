// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import com.google.gson.JsonObject;
import java.util.List;

/**
 * An OCI {@code process} object.
 *
 * @param args argv, at least one word
 * @param rows of the terminal when it begins; 0: not said
 * @param json all of it, less what no guest can honour (labels of the host's security modules)
 */
public record OciProcess(List<String> args, boolean terminal, int rows, int columns, String json) {
    public OciProcess {
        args = List.copyOf(args);
    }

    /**
     * Reads the process of an Exec.
     *
     * @throws io.hako.api.types.DriverException INVALID_REQUEST with the path of what is wrong
     */
    public static OciProcess parse(String json) {
        return of(JsonNode.parse("The exec's process", json));
    }

    static OciProcess of(JsonNode process) {
        List<String> args = process.get("args").strings();
        if (args.isEmpty() || args.getFirst().isEmpty()) {
            process.get("args").fail("a command with at least one word");
        }
        if (!process.get("cwd").string().startsWith("/")) {
            process.get("cwd").fail("an absolute path");
        }
        process.get("env").strings();
        JsonNode size = process.get("consoleSize");
        return new OciProcess(
                args,
                process.get("terminal").bool(false),
                dimension(size.get("height")),
                dimension(size.get("width")),
                JsonNode.text(withoutLabels(process.object())));
    }

    /**
     * The guest's kernel runs without AppArmor and SELinux: a label of the host's policy would only
     * make its start fail.
     */
    static JsonObject withoutLabels(JsonObject process) {
        JsonObject copy = process.deepCopy();
        copy.remove("apparmorProfile");
        copy.remove("selinuxLabel");
        return copy;
    }

    private static int dimension(JsonNode number) {
        long value = number.wholeNumber().orElse(0L);
        return value >= 0 && value <= 0xFFFF ? (int) value : number.fail("0 to 65535 characters");
    }
}
