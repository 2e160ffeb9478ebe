// SPDX-License-Identifier: Apache-2.0
package io.hako.api.host;

import io.hako.api.types.KeptFile;
import java.nio.ByteBuffer;
import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A connection over a unix stream socket. One thread may read while another writes; {@link #close}
 * may come from any, and ends a read that waits. Never interrupt a thread that reads: that closes
 * the connection.
 */
@ProviderType
public interface UnixStream extends AutoCloseable {
    /**
     * Writes the whole buffer.
     *
     * @param files kept files of the sandbox to send along with its first byte (SCM_RIGHTS,
     *     unix(7)), mostly none
     * @throws io.hako.api.types.DriverException UNAVAILABLE if the other side has gone; NOT_FOUND
     *     if a file is not kept
     */
    void write(ByteBuffer bytes, List<KeptFile> files);

    /**
     * Writes the whole buffer, and with its first byte another connection (SCM_RIGHTS, unix(7)),
     * which is closed on this side then: whoever receives it goes on with it.
     *
     * @param bytes at least one
     * @param other a connection made by the same {@link Host}, that nobody has written to or read
     *     from
     * @throws io.hako.api.types.DriverException UNAVAILABLE if the other side has gone, or the
     *     connection to pass has
     */
    void handOver(ByteBuffer bytes, UnixStream other);

    /**
     * Reads what is there, waiting for at least one byte.
     *
     * @return how many bytes; -1 once the other side has closed or this one was closed
     * @throws io.hako.api.types.DriverException UNAVAILABLE if the connection broke
     */
    int read(ByteBuffer bytes);

    /** Idempotent. */
    @Override
    void close();
}
