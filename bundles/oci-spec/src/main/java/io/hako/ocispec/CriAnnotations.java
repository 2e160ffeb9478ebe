// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import io.hako.api.types.DriverException;
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

    private static final String CONTAINERD = "io.kubernetes.cri.";
    private static final String CRIO = "io.kubernetes.cri-o.";

    /** CRI-O's name for this runtime, which a pod that another server made could write itself. */
    public static final String HANDLER = CRIO + "RuntimeHandler";

    private static final String CONTAINERD_TYPE = CONTAINERD + "container-type";

    /** Before the name of a profile in that of a runtime. */
    private static final String HANDLER_OF_PROFILE = "hako-";

    /** Of a pod's size: name of the annotation with the memory limit in bytes. */
    public static final String MEMORY = CONTAINERD + "sandbox-memory";

    /** Likewise, with the CPU time in microseconds for each period. */
    public static final String CPU_QUOTA = CONTAINERD + "sandbox-cpu-quota";

    private static final String CPU_PERIOD = CONTAINERD + "sandbox-cpu-period";

    /**
     * Each server writes its own names last, and may copy the other's from the annotations that a
     * pod's author wrote: where both are there they must agree, else the author could choose
     * another pod's machine.
     *
     * @param document what the annotations are of, for sentences
     * @throws DriverException INVALID_REQUEST with the annotation that makes no sense
     */
    static CriAnnotations of(String document, Map<String, String> annotations) {
        Named type = agreed(document, annotations, CRIO + "ContainerType", CONTAINERD_TYPE);
        Named sandbox =
                agreed(document, annotations, CRIO + "SandboxID", CONTAINERD + "sandbox-id");
        if (type.value().isEmpty()) {
            return new CriAnnotations(Role.ALONE, "", "", "", "", OciResources.NONE);
        }
        Role role = role(document, type.name(), type.value().get());
        String named = role == Role.SANDBOX ? "sandbox-name" : "container-name";
        boolean ofContainerd = annotations.containsKey(CONTAINERD_TYPE);
        return new CriAnnotations(
                role,
                sandbox.value().orElse(""),
                annotations.getOrDefault(CONTAINERD + named, ""),
                annotations.getOrDefault(CONTAINERD + "image-name", ""),
                ofContainerd ? "" : annotations.getOrDefault(HANDLER, ""),
                size(document, annotations));
    }

    /** A value, and the name under which it was found. */
    private record Named(String name, Optional<String> value) {}

    private static Named agreed(
            String document, Map<String, String> annotations, String ofCrio, String ofContainerd) {
        Optional<String> one = Optional.ofNullable(annotations.get(ofCrio));
        Optional<String> other = Optional.ofNullable(annotations.get(ofContainerd));
        if (one.isPresent() && other.isPresent() && !one.equals(other)) {
            throw DriverException.invalid(
                    ("%s: The annotations %s and %s contradict each other, \"%s\" and \"%s\"; remove"
                                    + " from the pod the one that it sets itself.")
                            .formatted(document, ofCrio, ofContainerd, one.get(), other.get()));
        }
        return one.isPresent() ? new Named(ofCrio, one) : new Named(ofContainerd, other);
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
