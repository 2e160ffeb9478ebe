// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import static org.junit.Assert.assertEquals;

import io.hako.itests.cri.api.ContainerId;
import io.hako.itests.cri.api.ContainerState;
import io.hako.itests.cri.api.ContainerStats;
import io.hako.itests.cri.api.ContainerStatus;
import io.hako.itests.cri.api.ExecSyncRequest;
import io.hako.itests.cri.api.ExecSyncResponse;
import io.hako.itests.cri.api.LinuxContainerResources;
import io.hako.itests.cri.api.StopContainerRequest;
import io.hako.itests.cri.api.UpdateContainerResourcesRequest;
import io.hako.itests.machine.Await;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A container of a pod.
 *
 * @param logFile where containerd writes its outputs, in the CRI's format
 */
record CriContainer(CriServer server, ContainerId id, Path logFile) {
    void start() {
        server.client().startContainer(id);
    }

    ContainerStatus status() {
        return server.client().containerStatus(id).getStatus();
    }

    /** Waits for its end. */
    ContainerStatus ended() {
        Await.until(
                "container " + id.getContainerId() + " to end",
                CriServer.LIMIT,
                () -> status().getState() == ContainerState.CONTAINER_EXITED,
                () -> status() + server.log());
        return status();
    }

    /** Runs a command in it, whatever its exit code. */
    ExecSyncResponse exec(String... command) {
        return server.client()
                .execSync(
                        ExecSyncRequest.newBuilder()
                                .setContainerId(id.getContainerId())
                                .addAllCmd(List.of(command))
                                .setTimeout(CriServer.LIMIT.toSeconds())
                                .build());
    }

    /** Runs a shell's script in it, demands exit code 0 and gives its output without line end. */
    String sh(String script) {
        ExecSyncResponse answer = exec("sh", "-c", script);
        assertEquals(
                script + ": " + answer.getStderr().toStringUtf8() + "\n" + server.log(),
                0,
                answer.getExitCode());
        return answer.getStdout().toStringUtf8().strip();
    }

    ContainerStats stats() {
        return server.client().containerStats(id).getStats();
    }

    void update(LinuxContainerResources.Builder limits) {
        server.client()
                .updateContainerResources(
                        UpdateContainerResourcesRequest.newBuilder()
                                .setContainerId(id.getContainerId())
                                .setLinux(limits)
                                .build());
    }

    void stop(int graceSeconds) {
        server.client()
                .stopContainer(
                        StopContainerRequest.newBuilder()
                                .setContainerId(id.getContainerId())
                                .setTimeout(graceSeconds)
                                .build());
    }

    void remove() {
        server.client().removeContainer(id);
    }

    void awaitLog(String text) {
        Await.until(
                "the log of container " + id.getContainerId() + " to be " + text.strip(),
                CriServer.LIMIT,
                () -> log("stdout").equals(text),
                () -> log("stdout") + server.log());
    }

    /** What its log has of one stream, "stdout" or "stderr", without the CRI's marks. */
    String log(String stream) {
        try {
            return Files.readString(logFile)
                    .lines()
                    .map(line -> line.split(" ", 4))
                    .filter(fields -> fields[1].equals(stream))
                    .map(fields -> fields[3] + (fields[2].equals("F") ? "\n" : ""))
                    .collect(Collectors.joining());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
