// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The hooks of a container that are the host's (OCI runtime-spec runtime.md, "Lifecycle"); those
 * called {@code startContainer} are its own, and the guest runs them.
 *
 * @param creating prestart's, then createRuntime's: before the container is made, in this order
 * @param started poststart's
 * @param deleted poststop's
 */
public record OciHooks(List<OciHook> creating, List<OciHook> started, List<OciHook> deleted) {
    /** Names of the hooks that no guest is told of. */
    static final Set<String> OF_HOST = Set.of("prestart", "createRuntime", "poststart", "poststop");

    public OciHooks {
        creating = List.copyOf(creating);
        started = List.copyOf(started);
        deleted = List.copyOf(deleted);
    }

    static OciHooks of(JsonNode hooks) {
        return new OciHooks(
                Stream.concat(named(hooks, "prestart"), named(hooks, "createRuntime")).toList(),
                named(hooks, "poststart").toList(),
                named(hooks, "poststop").toList());
    }

    private static Stream<OciHook> named(JsonNode hooks, String name) {
        return hooks.get(name).stream().map(OciHook::of);
    }
}
