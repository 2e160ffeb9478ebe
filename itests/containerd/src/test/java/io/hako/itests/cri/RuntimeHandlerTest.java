// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.grpc.StatusRuntimeException;
import io.hako.itests.cri.api.PodSandboxConfig;
import io.hako.itests.machine.Node;
import java.io.IOException;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;

/**
 * The runtime handlers that deploy/ gives to containerd, and the settings that pods have by them.
 */
public class RuntimeHandlerTest {
    private static final Node NODE = new Node();
    private static final NodeNetwork NETWORK = new NodeNetwork(NODE);
    private static final CriServer SERVER = new CriServer(NODE, NETWORK);

    @ClassRule
    public static final RuleChain RULES = RuleChain.outerRule(NODE).around(NETWORK).around(SERVER);

    private static final String ANNOTATION = "io.hako.config.hypervisor.qemu.spare_ports";

    private static final String SETTINGS =
            """
            [profiles.large.guest]
            memory = "256M"
            [profiles.large.annotations]
            allowed = ["hypervisor.qemu.spare_ports"]
            """;

    @Test
    public void containerdHasTheHandlersWithTheirOptions() {
        JsonObject config =
                JsonParser.parseString(SERVER.client().status().getInfoOrThrow("config"))
                        .getAsJsonObject();
        JsonObject runtimes = config.getAsJsonObject("containerd").getAsJsonObject("runtimes");
        assertEquals(
                "io.containerd.hako.v2",
                runtimes.getAsJsonObject("hako").get("runtimeType").getAsString());
        JsonObject large = runtimes.getAsJsonObject("hako-large");
        assertEquals("large", large.getAsJsonObject("options").get("ConfigPath").getAsString());
    }

    @Test
    public void aPodHasTheProfileOfItsHandlerAndWhatItsAnnotationsOverride() throws IOException {
        NODE.withSettings(
                SETTINGS,
                () -> {
                    CriPod pod =
                            CriPod.run(
                                    SERVER,
                                    config("large").putAnnotations(ANNOTATION, "2").build(),
                                    "hako-large");
                    Map<String, String> origins = origins(pod);
                    assertEquals("large, the runtime's option ConfigPath", origins.get("profile"));
                    assertEquals("268435456, profile large", origins.get("guest.memory"));
                    assertEquals(
                            "2, annotation " + ANNOTATION,
                            origins.get("hypervisor.qemu.spare_ports"));
                    assertEquals("1, default", origins.get("guest.cpus"));
                    pod.close();
                });
    }

    @Test
    public void whatIsNotAllowedIsRefusedWithASentenceThatKubeletShows() {
        PodSandboxConfig config = config("refused").putAnnotations(ANNOTATION, "2").build();
        refused(config, CriServer.HANDLER, "the operator's setting annotations.allowed in ");
        refused(config("unknown").build(), "hako-large", "The profile \"large\", which ");
    }

    private static void refused(PodSandboxConfig config, String handler, String sentence) {
        StatusRuntimeException refusal =
                assertThrows(
                        StatusRuntimeException.class, () -> CriPod.run(SERVER, config, handler));
        assertTrue(refusal.getMessage(), refusal.getMessage().contains(sentence));
    }

    private static PodSandboxConfig.Builder config(String name) {
        return CriPod.config(SERVER, name);
    }

    /** The value of each setting and what it is from. */
    private static Map<String, String> origins(CriPod pod) {
        return NODE.inspect(pod.id().getPodSandboxId()).getAsJsonArray("settings").asList().stream()
                .map(JsonElement::getAsJsonObject)
                .collect(
                        Collectors.toMap(
                                setting -> setting.get("key").getAsString(),
                                setting ->
                                        setting.get("value").getAsString()
                                                + ", "
                                                + setting.get("from").getAsString()));
    }
}
