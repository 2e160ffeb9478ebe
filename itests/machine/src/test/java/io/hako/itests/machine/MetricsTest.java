// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.ClassRule;
import org.junit.Test;

/** {@code hako metrics}, and Prometheus' way to the same. */
public class MetricsTest {
    @ClassRule public static final Node NODE = new Node();

    @Test
    public void aPodsLifeIsInTheFigures() {
        Map<String, Double> before = read();
        assertEquals(0, before.get("hako_pods{state=\"running\"}"), 0);
        NODE.succeed("run", "-d", "--name", "web", "demo", "sleep", "600");
        String pod = NODE.inspect("web").get("id").getAsString();
        Map<String, Double> with = read();
        String labels = "{namespace=\"hako\",pod=\"" + pod + "\"";
        assertEquals(1, with.get("hako_pods{state=\"running\"}"), 0);
        assertEquals(1, with.get("hako_pod_starts_total{result=\"started\"}"), 0);
        assertEquals(1, with.get("hako_pod_start_duration_seconds_count"), 0);
        assertEquals(1, with.get("hako_shim_links"), 0);
        assertEquals(1, with.get("hako_driver_handles{driver=\"hypervisor/qemu\"}"), 0);
        assertEquals(0, with.get("hako_pods_unmeasured"), 0);
        assertTrue(
                with.get("hako_pod_process_memory_bytes" + labels + ",role=\"vmm\"}") > 32 << 20);
        assertTrue(with.get("hako_pod_process_cpu_seconds_total" + labels + ",role=\"vmm\"}") > 0);
        double memory = with.get("hako_pod_guest_memory_bytes" + labels + "}");
        assertTrue(with.get("hako_pod_guest_memory_available_bytes" + labels + "}") < memory);
        assertTrue(with.get("hako_daemon_resident_memory_bytes") > 16 << 20);
        NODE.succeed("rm", "-f", "web");
        Map<String, Double> after = read();
        assertEquals(1, after.get("hako_pod_removals_total"), 0);
        assertEquals("Of a pod that is gone nothing is left", families(before), families(after));
    }

    @Test
    public void onlyWhereItIsAskedForItListens() throws IOException {
        int port = freePort();
        NODE.withSettings(
                "[metrics]\nlisten = \"127.0.0.1:" + port + "\"\n",
                () -> {
                    HttpResponse<String> answer = get(port);
                    assertEquals(200, answer.statusCode());
                    assertEquals(
                            "text/plain; version=0.0.4; charset=utf-8",
                            answer.headers().firstValue("Content-Type").orElseThrow());
                    assertFalse(ExpositionFormat.read(answer.body()).isEmpty());
                });
    }

    private static Map<String, Double> read() {
        return ExpositionFormat.read(NODE.succeed("metrics").text());
    }

    /** Without the events, of which there are more kinds after more has happened. */
    private static Set<String> families(Map<String, Double> samples) {
        return samples.keySet().stream()
                .filter(key -> !key.startsWith("hako_events_total"))
                .collect(Collectors.toSet());
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static HttpResponse<String> get(int port) {
        try (HttpClient client = HttpClient.newHttpClient()) {
            URI address = URI.create("http://127.0.0.1:" + port + "/metrics");
            return client.send(
                    HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError("Interrupted while asking for metrics", e);
        }
    }
}
