// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import com.google.protobuf.Message;
import io.hako.itests.cri.api.ContainerId;
import io.hako.itests.cri.api.ContainerStatsResponse;
import io.hako.itests.cri.api.ContainerStatusResponse;
import io.hako.itests.cri.api.CreateContainerRequest;
import io.hako.itests.cri.api.Done;
import io.hako.itests.cri.api.ExecRequest;
import io.hako.itests.cri.api.ExecSyncRequest;
import io.hako.itests.cri.api.ExecSyncResponse;
import io.hako.itests.cri.api.ListContainerStatsResponse;
import io.hako.itests.cri.api.ListContainersResponse;
import io.hako.itests.cri.api.ListPodSandboxResponse;
import io.hako.itests.cri.api.ListRequest;
import io.hako.itests.cri.api.PodSandboxId;
import io.hako.itests.cri.api.PodSandboxStatusResponse;
import io.hako.itests.cri.api.RunPodSandboxRequest;
import io.hako.itests.cri.api.RunPodSandboxResponse;
import io.hako.itests.cri.api.StatusRequest;
import io.hako.itests.cri.api.StatusResponse;
import io.hako.itests.cri.api.StopContainerRequest;
import io.hako.itests.cri.api.StreamResponse;
import io.hako.itests.cri.api.UpdateContainerResourcesRequest;
import io.hako.itests.grpc.GrpcSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * The calls of Kubernetes' container runtime interface, v1, as kubelet makes them: gRPC over a unix
 * domain socket. Each blocks until it is answered, two minutes at most, and fails with gRPC's
 * StatusRuntimeException. Used from any thread.
 */
final class CriClient implements AutoCloseable {
    /** As kubelet's runtimeRequestTimeout. */
    private static final Duration LIMIT = Duration.ofSeconds(120);

    private final GrpcSocket socket;

    CriClient(Path socket) {
        this.socket = new GrpcSocket(socket, Map.of());
    }

    StatusResponse status() {
        return call(
                "Status",
                StatusRequest.newBuilder().setVerbose(true).build(),
                StatusResponse.getDefaultInstance());
    }

    RunPodSandboxResponse runPodSandbox(RunPodSandboxRequest request) {
        return call("RunPodSandbox", request, RunPodSandboxResponse.getDefaultInstance());
    }

    void stopPodSandbox(PodSandboxId id) {
        call("StopPodSandbox", id);
    }

    void removePodSandbox(PodSandboxId id) {
        call("RemovePodSandbox", id);
    }

    PodSandboxStatusResponse podSandboxStatus(PodSandboxId id) {
        return call("PodSandboxStatus", id, PodSandboxStatusResponse.getDefaultInstance());
    }

    ListPodSandboxResponse listPodSandbox() {
        return call(
                "ListPodSandbox",
                ListRequest.getDefaultInstance(),
                ListPodSandboxResponse.getDefaultInstance());
    }

    ContainerId createContainer(CreateContainerRequest request) {
        return call("CreateContainer", request, ContainerId.getDefaultInstance());
    }

    void startContainer(ContainerId id) {
        call("StartContainer", id);
    }

    void stopContainer(StopContainerRequest request) {
        call("StopContainer", request);
    }

    void removeContainer(ContainerId id) {
        call("RemoveContainer", id);
    }

    ListContainersResponse listContainers() {
        return call(
                "ListContainers",
                ListRequest.getDefaultInstance(),
                ListContainersResponse.getDefaultInstance());
    }

    ContainerStatusResponse containerStatus(ContainerId id) {
        return call("ContainerStatus", id, ContainerStatusResponse.getDefaultInstance());
    }

    void updateContainerResources(UpdateContainerResourcesRequest request) {
        call("UpdateContainerResources", request);
    }

    ExecSyncResponse execSync(ExecSyncRequest request) {
        return call("ExecSync", request, ExecSyncResponse.getDefaultInstance());
    }

    StreamResponse exec(ExecRequest request) {
        return call("Exec", request, StreamResponse.getDefaultInstance());
    }

    ContainerStatsResponse containerStats(ContainerId id) {
        return call("ContainerStats", id, ContainerStatsResponse.getDefaultInstance());
    }

    ListContainerStatsResponse listContainerStats() {
        return call(
                "ListContainerStats",
                ListRequest.getDefaultInstance(),
                ListContainerStatsResponse.getDefaultInstance());
    }

    private void call(String name, Message request) {
        call(name, request, Done.getDefaultInstance());
    }

    private <A extends Message> A call(String name, Message request, A answer) {
        return socket.call("runtime.v1.RuntimeService", name, request, answer, LIMIT);
    }

    @Override
    public void close() {
        socket.close();
    }
}
