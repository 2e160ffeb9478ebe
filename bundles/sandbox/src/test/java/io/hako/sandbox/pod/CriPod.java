// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.sandbox.CreateTask;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.StdioPaths;
import io.hako.settings.ProfileChoice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What containerd's CRI plugin asks for: a sandbox container "web", then others in it. */
record CriPod(Bench bench) {
    private static final String SANDBOX =
            """
            {"ociVersion":"1.1.0","hostname":"box","root":{"path":"rootfs"},
             "process":{"args":["/pause"],"cwd":"/"},
             "annotations":{"io.kubernetes.cri.container-type":"sandbox","io.kubernetes.cri.sandbox-id":"web",
               "io.kubernetes.cri.sandbox-name":"shop","io.kubernetes.cri.sandbox-memory":"%d"%s},
             "mounts":[{"destination":"/proc","type":"proc","source":"proc"}],
             "linux":{"cgroupsPath":"/hako/web","sysctl":{"net.core.somaxconn":"999"},
               "namespaces":[{"type":"pid"},{"type":"network"},{"type":"ipc"},{"type":"uts"},{"type":"mount"}]}}
            """;

    private static final String CONTAINER =
            """
            {"ociVersion":"1.1.0","root":{"path":"rootfs"},
             "process":{"args":["serve"],"cwd":"/"},
             "annotations":{"io.kubernetes.cri.container-type":"container","io.kubernetes.cri.sandbox-id":"web",
               "io.kubernetes.cri.container-name":"%1$s","io.kubernetes.cri.image-name":"demo:1"},
             "mounts":[{"destination":"/proc","type":"proc","source":"proc"},
               {"destination":"/dev/shm","type":"bind","source":"%2$s","options":["rbind","rprivate"]}],
             "linux":{"cgroupsPath":"/hako/web/%1$s",
               "namespaces":[{"type":"pid"%3$s},{"type":"network","path":"/proc/1/ns/net"},
                 {"type":"ipc","path":"/proc/1/ns/ipc"},{"type":"uts","path":"/proc/1/ns/uts"},{"type":"mount"}],
               "resources":%4$s}}
            """;

    static ProcessId app(String container) {
        return ProcessId.first(container);
    }

    /**
     * @param memory the sum of the containers' limits in bytes; 0 for none
     * @param annotations more of them, as JSON members, each after a comma
     */
    CreateTask sandbox(long memory, String annotations) throws IOException {
        return task("web", SANDBOX.formatted(memory, annotations));
    }

    CreateTask sandbox() throws IOException {
        return sandbox(200L << 20, "");
    }

    /** A sandbox whose server's options for the runtime name a profile. */
    CreateTask sandbox(String profile, String annotations) throws IOException {
        return task(
                "web",
                SANDBOX.formatted(200L << 20, annotations),
                Optional.of(new ProfileChoice(profile, "the runtime's option ConfigPath")));
    }

    /** A sandbox of CRI-O's, which tells its name for the runtime. */
    CreateTask sandboxOfCriO(String handler) throws IOException {
        String annotations = ",\"io.kubernetes.cri-o.RuntimeHandler\":\"%s\"".formatted(handler);
        return task(
                "web",
                SANDBOX.formatted(0, annotations)
                        .replace(
                                "io.kubernetes.cri.container-type",
                                "io.kubernetes.cri-o.ContainerType"));
    }

    CreateTask container(String name, long memory) throws IOException {
        return limited(name, memory(memory));
    }

    /**
     * @param resources OCI LinuxResources, JSON
     */
    CreateTask limited(String name, String resources) throws IOException {
        return task(name, CONTAINER.formatted(name, sharedMemory(), "", resources));
    }

    /** LinuxResources with a memory limit in bytes. */
    static String memory(long limit) {
        return "{\"memory\":{\"limit\":%d}}".formatted(limit);
    }

    /** One of a pod with {@code shareProcessNamespace}. */
    CreateTask sharing(String name) throws IOException {
        String path = ",\"path\":\"/proc/1/ns/pid\"";
        return task(name, CONTAINER.formatted(name, sharedMemory(), path, memory(64L << 20)));
    }

    /** Where a CRI server keeps it: in a directory of the sandbox's name. */
    private Path sharedMemory() throws IOException {
        return Files.createDirectories(bench.root.resolve("cri/sandboxes/web/shm"));
    }

    private CreateTask task(String container, String config) throws IOException {
        return task(container, config, Optional.empty());
    }

    private CreateTask task(String container, String config, Optional<ProfileChoice> profile)
            throws IOException {
        Path bundle = Files.createDirectories(bench.root.resolve("bundle-" + container));
        Files.writeString(bundle.resolve("config.json"), config);
        return new CreateTask(
                container,
                bundle,
                List.of(new CreateTask.RootfsMount("overlay", "overlay", List.of("lowerdir=/a"))),
                new StdioPaths(false, "", "/f/out-" + container, ""),
                profile);
    }
}
