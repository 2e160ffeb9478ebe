// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import com.google.gson.JsonObject;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A bundle's config.json (OCI runtime-spec 1.x), as far as hako must know it; the guest's agent
 * gets all of it. Immutable.
 *
 * @param rootfs {@code root.path}, absolute on the host: where the rootfs is if the Create request
 *     brings no mounts
 * @param hooks that are run on the host
 */
public record OciSpec(
        OciProcess process,
        Path rootfs,
        boolean rootfsReadOnly,
        List<OciMount> mounts,
        String hostname,
        Map<String, String> annotations,
        OciResources resources,
        String cgroupsPath,
        List<OciNamespace> namespaces,
        OciHooks hooks,
        Source source) {
    /** Larger than any real one, and small enough for one message to the agent. */
    public static final int LARGEST = 3 << 20;

    public OciSpec {
        mounts = List.copyOf(mounts);
        annotations = Map.copyOf(annotations);
        namespaces = List.copyOf(namespaces);
    }

    /** The document that the values were read from. */
    public static final class Source {
        private final String document;
        private final JsonObject json;

        private Source(JsonNode node) {
            document = node.document();
            json = node.object();
        }

        JsonNode node() {
            return new JsonNode(document, "", json.deepCopy());
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Source s && s.document.equals(document) && s.json.equals(json);
        }

        @Override
        public int hashCode() {
            return json.hashCode();
        }

        @Override
        public String toString() {
            return document;
        }
    }

    /**
     * Reads BUNDLE/config.json.
     *
     * @throws DriverException NOT_FOUND if it is not there; INVALID_REQUEST with the JSON path of
     *     what is wrong
     */
    public static OciSpec read(Path bundle) {
        Path file = bundle.resolve("config.json");
        try {
            long size = Files.size(file);
            if (size > LARGEST) {
                throw DriverException.invalid(
                        "%s has %d bytes, but at most %d are read.".formatted(file, size, LARGEST));
            }
            return parse(file.toString(), bundle, Files.readString(file));
        } catch (NoSuchFileException e) {
            throw new DriverException(
                    FailureKind.NOT_FOUND, "The bundle %s has no config.json.".formatted(bundle));
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE, "%s could not be read.".formatted(file), e);
        }
    }

    /**
     * @param document what the text is, for sentences
     */
    static OciSpec parse(String document, Path bundle, String text) {
        JsonNode spec = JsonNode.parse(document, text);
        JsonNode linux = spec.get("linux");
        String root = spec.get("root").get("path").string();
        return new OciSpec(
                OciProcess.of(spec.get("process")),
                bundle.resolve(root).normalize(),
                spec.get("root").get("readonly").bool(false),
                spec.get("mounts").stream().map(mount -> Mounts.classify(bundle, mount)).toList(),
                spec.get("hostname").string(""),
                spec.get("annotations").stringMap(),
                OciResources.of(linux.get("resources")),
                linux.get("cgroupsPath").string(""),
                linux.get("namespaces").stream().map(OciSpec::namespace).toList(),
                OciHooks.of(spec.get("hooks")),
                new Source(spec));
    }

    /**
     * @throws DriverException UNSUPPORTED with a sentence for what a virtual machine cannot do:
     *     join a namespace of the host, run hooks between host and container, hand a device of the
     *     host over, propagate mounts to it
     */
    public void check() {
        Refusals.check(this);
    }

    /**
     * The document for the guest's agent: paths are the guest's, and what only the host could
     * honour is left out.
     *
     * @throws DriverException as {@link #check}
     */
    public String withGuestPaths(GuestPlaces places) {
        check();
        return GuestDocument.of(this, places);
    }

    /** What the pod's server says of the container's place. */
    public CriAnnotations cri() {
        return CriAnnotations.of(source.toString(), annotations);
    }

    /** Whether the container joins a namespace of processes that its pod has. */
    public boolean sharesProcesses() {
        return namespaces.stream()
                .anyMatch(
                        namespace ->
                                namespace.type().equals("pid") && namespace.path().isPresent());
    }

    /** The version of the specification that it keeps to. */
    public String version() {
        return source.node().get("ociVersion").string("");
    }

    /** {@code linux.sysctl}: kernel parameters by their names. */
    public Map<String, String> sysctls() {
        return source.node().get("linux").get("sysctl").stringMap();
    }

    private static OciNamespace namespace(JsonNode entry) {
        String path = entry.get("path").string("");
        return new OciNamespace(
                entry.get("type").string(),
                path.isEmpty() ? Optional.empty() : Optional.of(Path.of(path)));
    }
}
