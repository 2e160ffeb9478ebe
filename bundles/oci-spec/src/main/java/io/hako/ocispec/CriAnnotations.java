// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import io.hako.api.types.DriverException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the servers of Kubernetes' container runtime interface say of a container's place in its
 * pod, as annotations. Names: containerd pkg/cri/annotations, CRI-O pkg/annotations.
 *
 * @param sandbox id of the pod's sandbox container; empty for {@link Role#ALONE}
 * @param name of the pod, for its sandbox, or of the container; told by containerd alone, else
 *     empty
 * @param image that the container was made from, likewise
 * @param handler name that the server has for this runtime; told by CRI-O alone, else empty
 * @param size the sum of the limits of the pod's containers, told of a sandbox by containerd alone
 */
public record CriAnnotations(
        Role role, String sandbox, String name, String image, String handler, OciResources size) {
    /** The place of a container. */
    public enum Role {
        /** No pod's: a machine of its own. */
        ALONE,
        /** Stands for the pod itself: its process would do nothing but hold namespaces. */
        SANDBOX,
        /** One of those that the pod is there for. */
        CONTAINER
    }

    /** A server's names for the same things. */
    private record Names(String type, String sandbox, Optional<String> handler) {}

    private static final String CONTAINERD = "io.kubernetes.cri.";
    private static final String CRIO = "io.kubernetes.cri-o.";

    /** CRI-O's name for this runtime, which a pod that another server made could write itself. */
    public static final String HANDLER = CRIO + "RuntimeHandler";

    private static final List<Names> SERVERS =
            List.of(
                    new Names(
                            CONTAINERD + "container-type",
                            CONTAINERD + "sandbox-id",
                            Optional.empty()),
                    new Names(CRIO + "ContainerType", CRIO + "SandboxID", Optional.of(HANDLER)));

    /** Before the name of a profile in that of a runtime. */
    private static final String HANDLER_OF_PROFILE = "hako-";

    /** Of a pod's size: name of the annotation with the memory limit in bytes. */
    public static final String MEMORY = CONTAINERD + "sandbox-memory";

    /** Likewise, with the CPU time in microseconds for each period. */
    public static final String CPU_QUOTA = CONTAINERD + "sandbox-cpu-quota";

    private static final String CPU_PERIOD = CONTAINERD + "sandbox-cpu-period";

    /**
     * @param document what the annotations are of, for sentences
     * @throws DriverException INVALID_REQUEST with the annotation that makes no sense
     */
    static CriAnnotations of(String document, Map<String, String> annotations) {
        for (Names names : SERVERS) {
            Optional<String> type = Optional.ofNullable(annotations.get(names.type()));
            if (type.isPresent()) {
                Role role = role(document, names.type(), type.get());
                String named = role == Role.SANDBOX ? "sandbox-name" : "container-name";
                return new CriAnnotations(
                        role,
                        annotations.getOrDefault(names.sandbox(), ""),
                        annotations.getOrDefault(CONTAINERD + named, ""),
                        annotations.getOrDefault(CONTAINERD + "image-name", ""),
                        names.handler().map(annotations::get).orElse(""),
                        size(document, annotations));
            }
        }
        return new CriAnnotations(Role.ALONE, "", "", "", "", OciResources.NONE);
    }

    /** The profile of the settings that the runtime's name asks for: that of hako-NAME is NAME. */
    public Optional<String> profile() {
        return Optional.of(handler)
                .filter(name -> name.startsWith(HANDLER_OF_PROFILE))
                .map(name -> name.substring(HANDLER_OF_PROFILE.length()));
    }

    private static Role role(String document, String name, String type) {
        return switch (type) {
            case "sandbox" -> Role.SANDBOX;
            case "container" -> Role.CONTAINER;
            default ->
                    throw DriverException.invalid(
                            "%s: The annotation %s is \"sandbox\" or \"container\", but is \"%s\"."
                                    .formatted(document, name, type));
        };
    }

    private static OciResources size(String document, Map<String, String> annotations) {
        return OciResources.of(
                document + ": The annotation " + CPU_QUOTA,
                number(document, annotations, MEMORY),
                number(document, annotations, CPU_QUOTA),
                number(document, annotations, CPU_PERIOD));
    }

    /** 0 where there is none. */
    private static long number(String document, Map<String, String> annotations, String name) {
        String text = annotations.getOrDefault(name, "0");
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw DriverException.invalid(
                    "%s: The annotation %s is a whole number of at most 64 bits, but is \"%s\"."
                            .formatted(document, name, text));
        }
    }
}
