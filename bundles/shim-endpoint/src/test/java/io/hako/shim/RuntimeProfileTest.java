// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.settings.ProfileChoice;
import io.hako.shim.proto.RuntimeOptions;
import java.util.Optional;
import org.junit.Test;

/** What the options of a Create say, by the types that containerd and CRI-O send. */
public class RuntimeProfileTest {
    private static final RuntimeOptions LARGE =
            RuntimeOptions.newBuilder().setConfigPath("large").build();

    @Test
    public void theOptionConfigPathNamesAProfile() {
        Optional<ProfileChoice> large =
                Optional.of(new ProfileChoice("large", "the runtime's option ConfigPath"));
        assertEquals(large, profile("runtimeoptions.v1.Options", LARGE));
        assertEquals(large, profile("cri.runtimeoptions.v1.Options", LARGE));
        assertEquals(large, profile("types.containerd.io/runtimeoptions.v1.Options", LARGE));
    }

    @Test
    public void withoutItAndInOptionsOfOtherRuntimesThereIsNone() {
        assertEquals(Optional.empty(), RuntimeProfile.of(Any.getDefaultInstance()));
        assertEquals(
                Optional.empty(),
                profile("runtimeoptions.v1.Options", RuntimeOptions.getDefaultInstance()));
        assertEquals(Optional.empty(), profile("containerd.runc.v1.Options", LARGE));
    }

    @Test
    public void settingsInTheOptionsThemselvesAreRefused() {
        RuntimeOptions body =
                RuntimeOptions.newBuilder()
                        .setConfigBody(
                                ByteString.copyFromUtf8("memory = \"1G\"\nSystemdCgroup = true\n"))
                        .build();
        DriverException refusal =
                assertThrows(
                        DriverException.class, () -> profile("runtimeoptions.v1.Options", body));
        assertEquals(FailureKind.INVALID_REQUEST, refusal.failure());
        assertEquals(
                "The runtime's options are \"memory = \"1G\"; SystemdCgroup = true\", but hako takes ConfigPath alone, the name of a profile in"
                        + " its settings file: put what pods are to have there.",
                refusal.getMessage());
    }

    private static Optional<ProfileChoice> profile(String type, RuntimeOptions options) {
        return RuntimeProfile.of(
                Any.newBuilder().setTypeUrl(type).setValue(options.toByteString()).build());
    }
}
