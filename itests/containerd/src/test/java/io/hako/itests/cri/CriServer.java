// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import io.grpc.StatusRuntimeException;
import io.hako.itests.cri.api.ContainerId;
import io.hako.itests.cri.api.PodSandboxId;
import io.hako.itests.cri.api.RuntimeCondition;
import io.hako.itests.machine.Await;
import io.hako.itests.machine.Node;
import io.hako.itests.machine.Residue;
import io.hako.itests.machine.Running;
import io.hako.itests.machine.Sweeper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.rules.ExternalResource;

/**
 * containerd with its CRI plugin and the CNI plugins of the distribution, as a Kubernetes node has
 * them: pods of the runtime handler "hako" on a bridge, in a network namespace that stands for the
 * node's. The images are the demo image alone. -Dhako.containerd=DIR takes containerd and ctr from
 * a directory instead of from PATH.
 */
final class CriServer extends ExternalResource {
    static final String IMAGE = "docker.io/library/demo:latest";
    static final String HANDLER = "hako";

    /** What kubelet waits for; containerd 2 tells of its deprecations among the same. */
    private static final Set<String> READY = Set.of("RuntimeReady", "NetworkReady");

    /** For one wait; a machine is emulated where the host has no KVM. */
    static final Duration LIMIT = Duration.ofSeconds(60);

    /** 198.18.0.0/15 is for tests (RFC 2544), and no node has it. */
    private static final String SUBNET = "198.18.7.0/24";

    private final Node node;
    private final NodeNetwork network;
    private final String cgroup = "hako-it-" + ProcessHandle.current().pid();
    private Running process;
    private CriClient client;
    private Residue before = new Residue(Set.of());
    private List<String> links = List.of();

    CriServer(Node node, NodeNetwork network) {
        this.node = node;
        this.network = network;
    }

    @Override
    protected void before() throws IOException {
        Files.createDirectories(directory().resolve("net.d"));
        Files.writeString(directory().resolve("net.d/10-bridge.conflist"), networks());
        CriConfig.of(node.program(program("containerd"), "--version").text())
                .write(directory(), IMAGE, HANDLER);
        start();
        Path archive = directory().resolve("demo.tar");
        node.program("tar", "-C", System.getProperty("hako.demo"), "-cf", archive.toString(), ".");
        node.program(
                program("ctr"),
                "-a",
                socket().toString(),
                "-n",
                "k8s.io",
                "images",
                "import",
                "--base-name",
                "docker.io/library/demo",
                archive.toString());
        before = node.residue();
        links = network.links();
    }

    @Override
    protected void after() {
        try {
            node.ensureDaemon();
            removeAll();
        } finally {
            kill();
            Sweeper.removeParent(cgroup);
        }
    }

    private void removeAll() {
        client.listContainers()
                .getContainersList()
                .forEach(
                        container ->
                                client.removeContainer(
                                        ContainerId.newBuilder()
                                                .setContainerId(container.getId())
                                                .build()));
        for (var pod : client.listPodSandbox().getItemsList()) {
            PodSandboxId id = PodSandboxId.newBuilder().setPodSandboxId(pod.getId()).build();
            client.stopPodSandbox(id);
            client.removePodSandbox(id);
        }
    }

    /** A chain of plugins as cluster networks use it: CNI specification 1.0, section 1. */
    private String networks() {
        return """
        {"cniVersion": "0.4.0", "name": "pods", "plugins": [
          {"type": "bridge", "bridge": "cni0", "isGateway": true,
           "ipam": {"type": "host-local", "dataDir": "%s", "ranges": [[{"subnet": "%s"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
        """
                .formatted(directory().resolve("addresses"), SUBNET);
    }

    /** Starts it and returns once its runtime and its network are ready. */
    void start() {
        process =
                node.startProgram(
                        network.inside(
                                program("containerd"),
                                "-c",
                                directory().resolve("config.toml").toString()),
                        Map.of(
                                "PATH",
                                System.getProperty("hako.native") + ":" + System.getenv("PATH")));
        client = new CriClient(socket());
        Await.until("containerd to be ready", LIMIT, this::ready, this::log);
    }

    private boolean ready() {
        if (!process.alive()) {
            throw new AssertionError("containerd has ended; " + process);
        }
        try {
            return client.status().getStatus().getConditionsList().stream()
                    .filter(condition -> READY.contains(condition.getType()))
                    .allMatch(RuntimeCondition::getStatus);
        } catch (StatusRuntimeException e) {
            return false; // it does not listen yet
        }
    }

    /** As kill -9 does. */
    void kill() {
        client.close();
        process.close();
        Await.until("containerd to be gone", LIMIT, () -> !process.alive(), this::log);
    }

    CriClient client() {
        return client;
    }

    NodeNetwork network() {
        return network;
    }

    /** Where a pod's cgroup is, as kubelet names it. */
    String cgroup() {
        return "/" + cgroup;
    }

    /** For the files of tests. */
    Path directory() {
        return node.state().resolve("cri");
    }

    /** Fails, naming each thing, if anything of a pod is left on the machine. */
    void nothingLeft() {
        node.nothingSince(before);
        List<String> left = network.links().stream().filter(l -> !links.contains(l)).toList();
        // The bridge is the plugin's, and stays for the next pod.
        if (!left.isEmpty() && !left.equals(List.of("cni0"))) {
            throw new AssertionError("Links are left in the node's network: " + left);
        }
    }

    String log() {
        return "containerd: " + process + "\nhakod: " + node.logText();
    }

    private Path socket() {
        return directory().resolve("c.sock");
    }

    private static String program(String name) {
        String directory = System.getProperty("hako.containerd", "");
        return directory.isEmpty() ? name : Path.of(directory, name).toString();
    }
}
