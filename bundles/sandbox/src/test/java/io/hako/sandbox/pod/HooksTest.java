// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static io.hako.sandbox.pod.Bench.WEB;
import static io.hako.sandbox.pod.Bench.call;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.NetworkNamespace;
import io.hako.guest.GuestNetwork;
import io.hako.host.NetworkState.Prefix;
import io.hako.host.shim.HookRun;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/**
 * Hooks of the OCI runtime-spec: in its order, with its state, and what they make of the network.
 */
public class HooksTest {
    private static final String ALL =
            """
            "createRuntime":[{"path":"/h/runtime","args":["net","add"],"env":["A=1"],"timeout":7}],
            "prestart":[{"path":"/h/prestart"}],"startContainer":[{"path":"/h/inside"}],
            "poststart":[{"path":"/h/poststart"}],"poststop":[{"path":"/h/poststop"},{"path":"/h/last"}]
            """;

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Bench bench;

    @Before
    public void makeBench() throws IOException {
        bench = new Bench(folder.getRoot().toPath());
    }

    @Test
    public void eachIsRunAtItsPointOfTheContainersLifeWithItsState() throws Exception {
        bench.hooks(ALL);
        Bench.Run hakod = bench.start();
        int pid = hakod.create("web");
        assertEquals(List.of("/h/prestart", "/h/runtime"), programs());
        assertEquals("creating", stateOf(1).get("status").getAsString());
        HookRun runtime = bench.outside.hooks().get(1);
        assertEquals(List.of("net", "add"), runtime.arguments());
        assertEquals(List.of("A=1"), runtime.environment());
        assertEquals(Optional.of(Duration.ofSeconds(7)), runtime.limit());
        assertEquals(bench.bundle, runtime.directory());

        hakod.service.start(hakod.key(), WEB, call());
        assertEquals("/h/poststart", programs().get(2));
        assertEquals("running", stateOf(2).get("status").getAsString());
        assertEquals(pid, stateOf(2).get("pid").getAsInt());

        bench.outside.agent().end("web", "", 0);
        hakod.await(WEB);
        hakod.service.delete(hakod.key(), WEB, call());
        assertEquals(List.of("/h/poststop", "/h/last"), programs().subList(3, 5));
        JsonObject stopped = stateOf(3);
        assertEquals("stopped", stopped.get("status").getAsString());
        assertFalse(stopped.has("pid"));
        assertEquals("web", stopped.get("id").getAsString());
        assertEquals("1.1.0", stopped.get("ociVersion").getAsString());
        assertEquals(bench.bundle.toString(), stopped.get("bundle").getAsString());
        assertEquals(
                "demo", stopped.getAsJsonObject("annotations").get("io.hako.image").getAsString());
    }

    @Test
    public void theGuestIsToldOfThoseAloneThatAreTheContainers() throws IOException {
        bench.hooks(ALL);
        bench.start().run("web");
        String spec = bench.outside.agent().spec("web");
        assertTrue(
                spec, spec.contains("\"hooks\":{\"startContainer\":[{\"path\":\"/h/inside\"}]}"));
    }

    @Test
    public void whatTheyMakeInTheNamespaceBecomesTheGuests() throws IOException {
        bench.hooks("\"createRuntime\":[{\"path\":\"/h\"}]");
        bench.outside.onHook(
                hook -> {
                    NetworkNamespace network = hook.input().namespace().orElseThrow();
                    bench.outside.network().plug(network, "eth3", "veth", Prefix.of("10.4.0.9/24"));
                });
        Bench.Run hakod = bench.start();
        hakod.run("web");
        List<GuestNetwork.Interface> told = bench.outside.agent().network().interfaces();
        assertEquals(1, told.size());
        assertEquals("eth3", told.getFirst().name());
        assertEquals(List.of("10.4.0.9/24"), told.getFirst().addresses());
        assertEquals("fake", hakod.service.find("web").drivers().get("network"));
        end(hakod);
    }

    @Test
    public void aNamespaceThatTheCallerHasIsTheOneThatTheyFind() throws IOException {
        NetworkNamespace given = new NetworkNamespace(Path.of("/run/netns/given"));
        bench.outside.network().foreign(given, "eth0", "veth", Prefix.of("10.5.0.9/24"));
        bench.givenNetwork(given.path());
        bench.hooks("\"prestart\":[{\"path\":\"/h\"}]");
        Bench.Run hakod = bench.start();
        hakod.run("web");
        assertEquals(Optional.of(given), bench.outside.hooks().getFirst().input().namespace());
        end(hakod);
    }

    @Test
    public void aFailureBeforeTheContainerIsMadeIsItsFailureAndLeavesNothing() throws IOException {
        bench.hooks(
                "\"createRuntime\":[{\"path\":\"/h/a\"},{\"path\":\"/h/b\"}],\"poststop\":[{\"path\":\"/h/c\"}]");
        failing("/h/a");
        Bench.Run hakod = bench.start();
        DriverException failure = assertThrows(DriverException.class, () -> hakod.create("web"));
        assertEquals(FailureKind.FAILED_PRECONDITION, failure.failure());
        assertEquals("The hook /h/a ended with exit code 3.", failure.getMessage());
        assertEquals(List.of("/h/a", "/h/c"), programs());
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }

    @Test
    public void aFailureLaterChangesNothing() throws Exception {
        bench.hooks(ALL);
        failing("/h/poststart");
        Bench.Run hakod = bench.start();
        hakod.run("web");
        failing("/h/poststop");
        bench.outside.agent().end("web", "", 4);
        assertEquals(4, hakod.await(WEB).status());
        hakod.service.delete(hakod.key(), WEB, call());
        assertEquals("/h/last", programs().getLast());
    }

    private void failing(String program) {
        bench.outside.onHook(
                hook -> {
                    if (hook.program().toString().equals(program)) {
                        throw new DriverException(
                                FailureKind.FAILED_PRECONDITION,
                                "The hook %s ended with exit code 3.".formatted(program));
                    }
                });
    }

    private List<String> programs() {
        return bench.outside.hooks().stream().map(hook -> hook.program().toString()).toList();
    }

    /** What a hook read, by its number. */
    private JsonObject stateOf(int number) {
        HookRun.Input input = bench.outside.hooks().get(number).input();
        String pid = input.namespace().isPresent() ? "1" : "";
        return JsonParser.parseString(input.text() + pid + input.afterPid()).getAsJsonObject();
    }

    private void end(Bench.Run hakod) {
        bench.outside.agent().end("web", "", 0);
        hakod.await(WEB);
        hakod.service.delete(hakod.key(), WEB, call());
        hakod.shutdown();
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }
}
