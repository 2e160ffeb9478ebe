// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import static io.hako.itests.containerd.Containerd.IMAGE;
import static io.hako.itests.containerd.Containerd.RUNTIME;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.hako.itests.machine.Node;
import io.hako.itests.machine.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import org.junit.After;
import org.junit.Before;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;

/** Hooks of the OCI runtime-spec, as nerdctl and docker bring a container its network by them. */
public class HookTest {
    private static final Node NODE = new Node();
    private static final Containerd CONTAINERD = new Containerd(NODE);

    @ClassRule public static final RuleChain RULES = RuleChain.outerRule(NODE).around(CONTAINERD);

    /**
     * 198.18.0.0/15 is for tests (RFC 2544). Both ends stay in the namespace; one that is down is
     * nobody's.
     */
    private static final String NETWORK =
            """
            #!/bin/sh -e
            state=$(cat)
            echo "$state" >>"$1"
            pid=$(echo "$state" | sed 's/.*"pid":\\([0-9]*\\).*/\\1/')
            nsenter -t "$pid" -n ip link add eth0 type veth peer name other
            nsenter -t "$pid" -n ip address add 198.18.9.2/24 dev eth0
            nsenter -t "$pid" -n ip link set eth0 up
            """;

    private Path directory = Path.of("");
    private Path root = Path.of("");

    @Before
    public void mountRoot() throws IOException {
        directory = Files.createTempDirectory(NODE.state(), "hooks");
        root = Files.createDirectory(directory.resolve("root"));
        CONTAINERD.succeed("images", "mount", "--rw", IMAGE, root.toString());
    }

    @After
    public void nothingIsLeft() {
        CONTAINERD.succeed("images", "unmount", "--rm", root.toString());
        NODE.nothingLeft();
    }

    @Test
    public void whatAHookBringsIntoTheNamespaceIsInTheGuest() throws IOException {
        Path told = directory.resolve("told");
        JsonObject hooks = new JsonObject();
        hooks.add("createRuntime", hook(program("network", NETWORK), told.toString()));
        hooks.add("poststop", hook(program("end", "#!/bin/sh\ncat >>\"$1\"\n"), told.toString()));
        hooks.add("startContainer", hook(Path.of("/bin/touch"), "/started"));
        Path config = config(hooks, "sleep", "1000");
        CONTAINERD.succeed("run", "-d", "--runtime", RUNTIME, "--config", config.toString(), "net");

        String seen = exec("net", "sh", "-c", "ip -o -4 address show eth0; ls /started");
        assertTrue(seen, seen.contains("198.18.9.2/24"));
        assertTrue(seen, seen.endsWith("/started\n"));
        JsonObject state = JsonParser.parseString(Files.readString(told)).getAsJsonObject();
        assertEquals("net", state.get("id").getAsString());
        assertEquals("creating", state.get("status").getAsString());

        CONTAINERD.remove("net");
        assertTrue(
                Files.readString(told),
                Files.readString(told).strip().lines().toList().getLast().contains("\"stopped\""));
    }

    @Test
    public void aHookThatFailsIsASentenceAndLeavesNothing() throws IOException {
        JsonObject hooks = new JsonObject();
        Path program = program("fails", "#!/bin/sh\necho no address is left >&2\nexit 4\n");
        hooks.add("createRuntime", hook(program));
        Path config = config(hooks, "true");
        Result result =
                CONTAINERD.ctr(
                        "run", "-d", "--runtime", RUNTIME, "--config", config.toString(), "fails");
        assertTrue(
                result.toString(),
                result.err()
                        .contains(
                                "The hook %s ended with exit code 4: no address is left"
                                        .formatted(program)));
        CONTAINERD.succeed("c", "rm", "fails");
    }

    private static String exec(String task, String... command) {
        String[] words = {"task", "exec", "--exec-id", "e", task};
        String[] all = Arrays.copyOf(words, words.length + command.length);
        System.arraycopy(command, 0, all, words.length, command.length);
        return CONTAINERD.succeed(all).text();
    }

    private Path program(String name, String text) throws IOException {
        Path file = Files.writeString(directory.resolve(name), text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
        return file;
    }

    private static JsonArray hook(Path program, String... arguments) {
        JsonObject hook = new JsonObject();
        hook.addProperty("path", program.toString());
        JsonArray args = new JsonArray();
        args.add(program.getFileName().toString());
        for (String argument : arguments) {
            args.add(argument);
        }
        hook.add("args", args);
        JsonArray env = new JsonArray();
        env.add("PATH=" + System.getenv("PATH"));
        hook.add("env", env);
        JsonArray one = new JsonArray();
        one.add(hook);
        return one;
    }

    /** ctr's own specification with these hooks. */
    private Path config(JsonObject hooks, String... command) throws IOException {
        JsonObject spec =
                JsonParser.parseString(CONTAINERD.succeed("oci", "spec").text()).getAsJsonObject();
        spec.add("hooks", hooks);
        spec.getAsJsonObject("root").addProperty("path", root.toString());
        spec.getAsJsonObject("linux").addProperty("cgroupsPath", "/hako/it-hooks");
        JsonArray args = new JsonArray();
        for (String word : command) {
            args.add(word);
        }
        spec.getAsJsonObject("process").add("args", args);
        return Files.writeString(directory.resolve("config.json"), spec.toString());
    }
}
