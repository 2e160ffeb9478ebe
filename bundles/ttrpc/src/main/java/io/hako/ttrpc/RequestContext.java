// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import io.hako.api.types.Call;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a handler knows of one request besides its message. For the handler's thread, until it
 * returns.
 */
public final class RequestContext {
    private final Peer peer;
    private final int stream;
    private final Map<String, String> metadata;
    private final Call call;
    private final List<Runnable> afterAnswer = new ArrayList<>();

    RequestContext(Peer peer, int stream, Map<String, String> metadata, Call call) {
        this.peer = peer;
        this.stream = stream;
        this.metadata = metadata;
        this.call = call;
    }

    public Peer peer() {
        return peer;
    }

    /** The stream of the request, unique on its connection. */
    public int stream() {
        return stream;
    }

    /** The metadata as sent; of a key that was sent twice, the last value. */
    public Map<String, String> metadata() {
        return metadata;
    }

    /** The caller's limit; cancelled when the connection ends. */
    public Call call() {
        return call;
    }

    /**
     * Runs something once the answer, or the failure, is on its way: what is sent after it on the
     * same link arrives after it.
     */
    public void afterAnswer(Runnable action) {
        afterAnswer.add(action);
    }

    List<Runnable> actionsAfterAnswer() {
        return List.copyOf(afterAnswer);
    }
}
