// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import static org.junit.Assert.assertFalse;

import io.hako.itests.machine.AgentCall;
import io.hako.itests.machine.Node;
import io.hako.itests.machine.Residue;
import io.hako.itests.machine.Running;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Kills, as kill -9 does, and starts again what an operator's service manager would. */
record Crash(Node node, Containerd containerd, String pod) {
    private static final String MONITOR = "qemu-system";

    void kill(Victim victim) {
        switch (victim) {
            case HAKOD -> node.killDaemon();
            case CONTAINERD -> containerd.kill();
            case BOTH -> {
                node.killDaemon();
                containerd.kill();
            }
            case SHIM -> signal("KILL", shims());
            case MONITOR -> signal("KILL", served(MONITOR));
            case FILE_SERVER -> signal("KILL", served("virtiofsd"));
            case AGENT -> Thread.startVirtualThread(this::crashGuest);
        }
    }

    /** Returns once those that are to be there again, are. */
    void recover(Victim victim) {
        switch (victim) {
            case HAKOD -> node.startDaemon();
            case CONTAINERD -> containerd.start();
            case BOTH -> {
                // By the answers that hakod has left.
                containerd.start();
                node.startDaemon();
            }
            case SHIM, MONITOR, FILE_SERVER, AGENT -> {}
        }
    }

    /** Stops the machine, so that whatever asks its agent waits. */
    void hold() {
        signal("STOP", served(MONITOR));
    }

    /** Lets it go on, if it is still there. */
    void release() {
        for (long pid : served(MONITOR)) {
            try (Running kill = node.startProgram(List.of("kill", "-CONT", Long.toString(pid)))) {
                kill.finish(Node.LIMIT);
            }
        }
    }

    private List<Long> shims() {
        List<String> words = List.of("containerd-shim-hako-v2", " -id " + pod + " ", " serve");
        return Residue.processes(node.run()).entrySet().stream()
                .filter(process -> words.stream().allMatch(process.getValue()::contains))
                .map(Map.Entry::getKey)
                .toList();
    }

    /** The programs of this name among what the pod's shim has started. */
    private List<Long> served(String program) {
        return shims().stream()
                .flatMap(shim -> ProcessHandle.of(shim).stream())
                .flatMap(ProcessHandle::children)
                .filter(child -> child.info().command().orElse("").contains(program))
                .map(ProcessHandle::pid)
                .toList();
    }

    private void signal(String name, List<Long> pids) {
        assertFalse("There is no process for a signal " + name + ".", pids.isEmpty());
        pids.forEach(pid -> node.program("kill", "-" + name, Long.toString(pid)));
    }

    private void crashGuest() {
        Path socket =
                node.run().resolve("pods").resolve(containerd.owner(pod)).resolve("guest.sock");
        try {
            AgentCall.send(socket, "CrashGuest");
        } catch (IOException e) {
            throw new AssertionError("The guest cannot be crashed", e);
        }
    }
}
