// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import io.hako.api.types.DriverException;
import io.hako.settings.ProfileChoice;
import io.hako.shim.proto.RuntimeOptions;
import java.util.Optional;

/** The profile that a runtime's options name. */
final class RuntimeProfile {
    /**
     * End of the type's name: containerd 1.4 and earlier had another package before it, and clients
     * differ in what stands before that.
     */
    private static final String TYPE = "runtimeoptions.v1.Options";

    private static final int SHOWN = 80;

    private RuntimeProfile() {}

    /**
     * Those of other runtimes, as ctr gives runc's to each, say nothing to this one.
     *
     * @throws DriverException INVALID_REQUEST for settings in the options themselves, which would
     *     be a second place for them
     */
    static Optional<ProfileChoice> of(Any any) {
        if (!any.getTypeUrl().endsWith(TYPE)) {
            return Optional.empty();
        }
        RuntimeOptions options = options(any);
        if (options.getConfigPath().isEmpty() && !options.getConfigBody().isEmpty()) {
            String body = options.getConfigBody().toStringUtf8().strip().replaceAll("\\R", "; ");
            throw DriverException.invalid(
                    "The runtime's options are \"%s\", but hako takes ConfigPath alone, the name of a profile in its settings file: put what pods are to have there."
                            .formatted(body.substring(0, Math.min(SHOWN, body.length()))));
        }
        return Optional.of(options.getConfigPath())
                .filter(path -> !path.isEmpty())
                .map(path -> new ProfileChoice(path, "the runtime's option ConfigPath"));
    }

    private static RuntimeOptions options(Any any) {
        try {
            return RuntimeOptions.parseFrom(any.getValue());
        } catch (InvalidProtocolBufferException e) {
            throw DriverException.invalid(
                    "The runtime's options are said to be %s, but are not: %s"
                            .formatted(any.getTypeUrl(), e.getMessage()));
        }
    }
}
