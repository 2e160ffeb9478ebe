// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import io.hako.itests.cri.api.ContainerConfig;
import io.hako.itests.cri.api.ContainerMetadata;
import io.hako.itests.cri.api.CreateContainerRequest;
import io.hako.itests.cri.api.DNSConfig;
import io.hako.itests.cri.api.ImageSpec;
import io.hako.itests.cri.api.LinuxContainerConfig;
import io.hako.itests.cri.api.LinuxContainerSecurityContext;
import io.hako.itests.cri.api.LinuxPodSandboxConfig;
import io.hako.itests.cri.api.LinuxSandboxSecurityContext;
import io.hako.itests.cri.api.NamespaceMode;
import io.hako.itests.cri.api.NamespaceOption;
import io.hako.itests.cri.api.PodSandboxConfig;
import io.hako.itests.cri.api.PodSandboxId;
import io.hako.itests.cri.api.PodSandboxMetadata;
import io.hako.itests.cri.api.PodSandboxState;
import io.hako.itests.cri.api.RunPodSandboxRequest;
import java.nio.file.Path;
import java.util.List;

/** A pod that runs, made as kubelet makes one. */
record CriPod(CriServer server, PodSandboxConfig config, PodSandboxId id) implements AutoCloseable {
    /** Without shareProcessNamespace, and in the pod's network, which is the default. */
    private static final NamespaceOption OWN_PROCESSES =
            NamespaceOption.newBuilder().setPid(NamespaceMode.CONTAINER).build();

    /** What kubelet says of a pod that asks for nothing special. */
    static PodSandboxConfig.Builder config(CriServer server, String name) {
        return PodSandboxConfig.newBuilder()
                .setMetadata(
                        PodSandboxMetadata.newBuilder()
                                .setName(name)
                                .setUid(name + "-uid")
                                .setNamespace("default"))
                .setHostname(name)
                .setLogDirectory(server.directory().resolve("logs").resolve(name).toString())
                .setDnsConfig(
                        DNSConfig.newBuilder()
                                .addServers("198.18.7.1")
                                .addSearches("svc.test")
                                .addOptions("ndots:5"))
                .setLinux(
                        LinuxPodSandboxConfig.newBuilder()
                                .setCgroupParent(server.cgroup())
                                .setSecurityContext(
                                        LinuxSandboxSecurityContext.newBuilder()
                                                .setNamespaceOptions(OWN_PROCESSES)));
    }

    static CriPod run(CriServer server, String name) {
        return run(server, config(server, name).build());
    }

    static CriPod run(CriServer server, PodSandboxConfig config) {
        return run(server, config, CriServer.HANDLER);
    }

    static CriPod run(CriServer server, PodSandboxConfig config, String handler) {
        String id =
                server.client()
                        .runPodSandbox(
                                RunPodSandboxRequest.newBuilder()
                                        .setConfig(config)
                                        .setRuntimeHandler(handler)
                                        .build())
                        .getPodSandboxId();
        return new CriPod(server, config, PodSandboxId.newBuilder().setPodSandboxId(id).build());
    }

    /** A container that runs this command, whose log is NAME.log. */
    static ContainerConfig.Builder container(String name, String... command) {
        return ContainerConfig.newBuilder()
                .setMetadata(ContainerMetadata.newBuilder().setName(name))
                .setImage(ImageSpec.newBuilder().setImage(CriServer.IMAGE))
                .addAllCommand(List.of(command))
                .setLinux(
                        LinuxContainerConfig.newBuilder()
                                .setSecurityContext(
                                        LinuxContainerSecurityContext.newBuilder()
                                                .setNamespaceOptions(OWN_PROCESSES)))
                .setLogPath(name + ".log");
    }

    CriContainer create(ContainerConfig.Builder container) {
        ContainerConfig built = container.build();
        return new CriContainer(
                server,
                server.client()
                        .createContainer(
                                CreateContainerRequest.newBuilder()
                                        .setPodSandboxId(id.getPodSandboxId())
                                        .setConfig(built)
                                        .setSandboxConfig(config)
                                        .build()),
                Path.of(config.getLogDirectory()).resolve(built.getLogPath()));
    }

    CriContainer start(ContainerConfig.Builder container) {
        CriContainer created = create(container);
        created.start();
        return created;
    }

    /** Its address in the node's network; empty if it has none. */
    String address() {
        return server.client().podSandboxStatus(id).getStatus().getNetwork().getIp();
    }

    PodSandboxState state() {
        return server.client().podSandboxStatus(id).getStatus().getState();
    }

    void stop() {
        server.client().stopPodSandbox(id);
    }

    /** Stops it and takes it away with its containers. */
    @Override
    public void close() {
        stop();
        server.client().removePodSandbox(id);
    }
}
