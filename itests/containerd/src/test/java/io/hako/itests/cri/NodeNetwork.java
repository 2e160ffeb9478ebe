// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import io.hako.itests.machine.Node;
import java.util.ArrayList;
import java.util.List;
import org.junit.rules.ExternalResource;

/**
 * A network namespace that stands for a node's own: what a CNI plugin makes there, bridges and
 * addresses, meets nothing of the machine's, and goes with it.
 */
public final class NodeNetwork extends ExternalResource {
    private final Node node;
    private final String name = "hako-it-" + ProcessHandle.current().pid();

    public NodeNetwork(Node node) {
        this.node = node;
    }

    @Override
    protected void before() {
        node.program("ip", "netns", "add", name);
        node.program("ip", "-n", name, "link", "set", "lo", "up");
    }

    @Override
    protected void after() {
        node.program("ip", "netns", "delete", name);
    }

    /**
     * The command so that it runs in there. (ip netns exec would give it a /sys of its own, without
     * cgroups.)
     */
    public List<String> inside(String... command) {
        List<String> all = new ArrayList<>(List.of("nsenter", "--net=/run/netns/" + name));
        all.addAll(List.of(command));
        return all;
    }

    /** Runs a program in there, demands exit code 0 and gives its output. */
    public String run(String... command) {
        return node.program(inside(command).toArray(String[]::new)).text();
    }

    /** The names of its links. */
    public List<String> links() {
        return node.program("ip", "-n", name, "-o", "link")
                .text()
                .lines()
                .map(line -> line.split(": ")[1].replaceFirst("@.*", ""))
                .toList();
    }
}
