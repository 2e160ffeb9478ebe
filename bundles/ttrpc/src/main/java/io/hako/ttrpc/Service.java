// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import com.google.protobuf.ByteString;
import io.hako.api.types.DriverException;

/** Something that answers calls, on any number of threads at a time. */
public interface Service {
    /** As requests name it: {@code hako.control.v1.Control}. */
    String name();

    /**
     * Answers one call; may block for as long as the context's call allows.
     *
     * @param request an encoded message
     * @return the encoded answer
     * @throws DriverException the failure that the caller is told; UNSUPPORTED for an unknown
     *     method
     */
    ByteString call(String method, ByteString request, RequestContext context);
}
