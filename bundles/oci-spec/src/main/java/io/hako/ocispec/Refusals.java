// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import io.hako.api.types.DriverException;
import java.util.Map;
import java.util.Set;

/** What no virtual machine can honour; silence would weaken what the caller relies on. */
final class Refusals {
    /** In a pod's spec, a namespace that is not asked for is the host's. */
    private static final Map<String, String> NOT_THE_HOSTS =
            Map.of(
                    "network",
                    "hostNetwork",
                    "pid",
                    "hostPID",
                    "ipc",
                    "hostIPC",
                    "mount",
                    "the host's mount namespace");

    /** Shared by the containers of a pod: the guest's own take the place of a path to the pod's. */
    private static final Set<String> SHARED_IN_POD = Set.of("network", "ipc", "uts");

    /**
     * Devices that have the same numbers and the same meaning in every Linux
     * (Documentation/admin-guide/devices.txt).
     */
    private static final Set<String> SAME_EVERYWHERE =
            Set.of("1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:1", "5:2", "10:200", "10:229");

    private Refusals() {}

    static void check(OciSpec spec) {
        NOT_THE_HOSTS.keySet().stream().sorted().forEach(type -> ownNamespace(spec, type));
        spec.namespaces().forEach(namespace -> noPath(spec, namespace));
        noUsers(spec);
        noHookBetween(spec);
        spec.mounts().forEach(mount -> noPropagation(spec, mount));
        spec.source()
                .node()
                .get("linux")
                .get("devices")
                .elements()
                .forEach(device -> knownDevice(spec, device));
    }

    private static void ownNamespace(OciSpec spec, String type) {
        if (spec.namespaces().stream().noneMatch(n -> n.type().equals(type))) {
            throw refused(
                    spec,
                    "linux.namespaces has no \"%s\", which asks for %s, but a virtual machine has its own"
                            .formatted(type, NOT_THE_HOSTS.get(type)),
                    spec.cri().role() == CriAnnotations.Role.ALONE
                            ? "add the namespace"
                            : "take it away from the pod, or give the pod a runtime class without virtual machines");
        }
    }

    private static void noPath(OciSpec spec, OciNamespace namespace) {
        boolean processesOfPod =
                namespace.type().equals("pid")
                        && spec.cri().role() == CriAnnotations.Role.CONTAINER;
        if (namespace.path().isPresent()
                && !processesOfPod
                && !SHARED_IN_POD.contains(namespace.type())) {
            throw refused(
                    spec,
                    "linux.namespaces joins the %s namespace %s of the host, but a container in a virtual machine cannot"
                            .formatted(namespace.type(), namespace.path().get()),
                    "ask for a new one");
        }
    }

    private static void noUsers(OciSpec spec) {
        if (spec.namespaces().stream().anyMatch(n -> n.type().equals("user"))) {
            throw refused(
                    spec,
                    "linux.namespaces asks for a user namespace, but what parts a container's users from the host's is its virtual machine",
                    "remove the namespace and its mappings");
        }
    }

    /** Its program would be the host's, and its root and namespaces the container's. */
    private static void noHookBetween(OciSpec spec) {
        if (!spec.source().node().get("hooks").get("createContainer").elements().isEmpty()) {
            throw refused(
                    spec,
                    "hooks.createContainer is set, which runs a program of the host's in the namespaces of the container, but those are a virtual machine's",
                    "use createRuntime for what is the host's, startContainer for what is the container's");
        }
    }

    private static void noPropagation(OciSpec spec, OciMount mount) {
        if (mount instanceof OciMount.HostPath host
                && (host.options().contains("shared") || host.options().contains("rshared"))) {
            throw refused(
                    spec,
                    "the mount at %s is to propagate to the host, but mounts made in a virtual machine stay there"
                            .formatted(host.destination()),
                    "use rslave or rprivate (of a pod's volume, mountPropagation HostToContainer or None)");
        }
    }

    private static void knownDevice(OciSpec spec, JsonNode device) {
        String numbers =
                "%d:%d"
                        .formatted(
                                device.get("major").wholeNumber().orElse(0L),
                                device.get("minor").wholeNumber().orElse(0L));
        String type = device.get("type").string();
        boolean pipe = type.equals("p");
        if (!pipe
                && !(SAME_EVERYWHERE.contains(numbers) && (type.equals("c") || type.equals("u")))) {
            throw refused(
                    spec,
                    "%s is the host's device %s (%s %s), which a virtual machine does not have"
                            .formatted(device.path(), device.get("path").string(), type, numbers),
                    "remove the device, or, if the container is privileged, set privileged_without_host_devices for its runtime handler");
        }
    }

    private static DriverException refused(OciSpec spec, String sentence, String remedy) {
        return DriverException.unsupported(
                "%s: %s: %s.".formatted(spec.source(), sentence, remedy));
    }
}
