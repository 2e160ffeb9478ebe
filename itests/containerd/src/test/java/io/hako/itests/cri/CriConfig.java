// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import io.hako.itests.machine.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How a containerd is told of hako: by what deploy/containerd has for its version, put where that
 * says.
 */
enum CriConfig {
    /** containerd 1.6 and 1.7: one file. */
    VERSION_2("config-v2.toml") {
        @Override
        void write(Path directory, String image, String handler) throws IOException {
            String snippet = Files.readString(snippet());
            Files.writeString(
                    directory.resolve("config.toml"),
                    """
                    version = 2
                    root = "%1$s/root"
                    state = "%1$s/state"
                    [debug]
                      level = "warn"
                    [grpc]
                      address = "%1$s/c.sock"
                    [plugins."io.containerd.grpc.v1.cri"]
                      sandbox_image = "%2$s"
                      restrict_oom_score_adj = true
                      stream_server_address = "127.0.0.1"
                      [plugins."io.containerd.grpc.v1.cri".cni]
                        bin_dir = "/usr/lib/cni"
                        conf_dir = "%1$s/net.d"
                      [plugins."io.containerd.grpc.v1.cri".containerd]
                        default_runtime_name = "%3$s"
                    """
                                    .formatted(directory, image, handler)
                            + snippet);
        }
    },

    /** containerd 2: a file of its own, which the main one imports. */
    VERSION_3("config-v3.toml") {
        @Override
        void write(Path directory, String image, String handler) throws IOException {
            Files.createDirectories(directory.resolve("conf.d"));
            Files.copy(snippet(), directory.resolve("conf.d/hako.toml"));
            Files.writeString(
                    directory.resolve("config.toml"),
                    """
                    version = 3
                    imports = ["%1$s/conf.d/*.toml"]
                    root = "%1$s/root"
                    state = "%1$s/state"
                    [debug]
                      level = "warn"
                    [grpc]
                      address = "%1$s/c.sock"
                    [plugins."io.containerd.grpc.v1.cri"]
                      stream_server_address = "127.0.0.1"
                    [plugins."io.containerd.cri.v1.images".pinned_images]
                      sandbox = "%2$s"
                    [plugins."io.containerd.cri.v1.runtime"]
                      restrict_oom_score_adj = true
                      [plugins."io.containerd.cri.v1.runtime".cni]
                        bin_dirs = ["/usr/lib/cni"]
                        conf_dir = "%1$s/net.d"
                      [plugins."io.containerd.cri.v1.runtime".containerd]
                        default_runtime_name = "%3$s"
                    """
                            .formatted(directory, image, handler));
        }
    };

    private final String file;

    CriConfig(String file) {
        this.file = file;
    }

    /**
     * @param version what {@code containerd --version} says: program, module, version, revision
     */
    static CriConfig of(String version) {
        return version.split(" ")[2].replace("v", "").startsWith("1.") ? VERSION_2 : VERSION_3;
    }

    /**
     * Writes DIRECTORY/config.toml.
     *
     * @param image of sandbox containers
     * @param handler for pods that name none
     */
    abstract void write(Path directory, String image, String handler) throws IOException;

    Path snippet() {
        return Node.required("hako.deploy").resolve("containerd").resolve(file);
    }
}
