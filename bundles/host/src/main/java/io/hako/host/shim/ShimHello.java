// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.host.shim.proto.Hello;
import io.hako.host.shim.proto.HelloAck;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The greeting with which a link begins (hako.shim.v1.Hello).
 *
 * @param highestEpoch the highest of the daemons that the shim was linked with, 0 for none; it
 *     drops the link to a lower one
 */
public record ShimHello(ShimIdentity identity, long highestEpoch) {
    /** The one version of the link. */
    public static final int VERSION = 1;

    /**
     * @throws DriverException INVALID_REQUEST if this is no greeting, UNSUPPORTED for another
     *     version
     */
    public static ShimHello read(ByteString bytes) {
        Hello hello = parse(bytes);
        if (hello.getVersion() != VERSION) {
            throw DriverException.unsupported(
                    "The shim of sandbox %s-%s speaks version %s of the link, but hakod speaks %d."
                            .formatted(
                                    hello.getNamespace(),
                                    hello.getSandboxId(),
                                    Integer.toUnsignedString(hello.getVersion()),
                                    VERSION));
        }
        ShimIdentity identity =
                new ShimIdentity(
                        hello.getNamespace(),
                        hello.getSandboxId(),
                        Path.of(hello.getBundle()),
                        hello.getShimPid(),
                        hello.getInstance(),
                        hello.getMountNamespace(),
                        hello.getShimVersion(),
                        Path.of(hello.getPodDirectory()),
                        Optional.of(hello.getEventsAddress())
                                .filter(address -> !address.isEmpty()));
        return new ShimHello(identity, hello.getHighestEpoch());
    }

    private static Hello parse(ByteString bytes) {
        try {
            return Hello.parseFrom(bytes);
        } catch (InvalidProtocolBufferException e) {
            throw new DriverException(
                    FailureKind.INVALID_REQUEST, "What a shim greeted with cannot be read.", e);
        }
    }

    /** The daemon's answer (hako.shim.v1.HelloAck). */
    public static ByteString answer(long epoch, int daemonPid) {
        return HelloAck.newBuilder().setEpoch(epoch).setHakodPid(daemonPid).build().toByteString();
    }
}
