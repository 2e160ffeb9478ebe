// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.util.Map;
import java.util.TreeMap;

/**
 * A service made of one function per method, with messages decoded and encoded around it.
 * Immutable.
 */
public final class Methods implements Service {
    /** Answers one method. */
    @FunctionalInterface
    public interface Handler<Q, A extends MessageLite> {
        A answer(Q request, RequestContext context);
    }

    @FunctionalInterface
    private interface Method {
        ByteString call(ByteString request, RequestContext context);
    }

    private final String name;
    private final Map<String, Method> methods;

    private Methods(String name, Map<String, Method> methods) {
        this.name = name;
        this.methods = methods;
    }

    /** A service without methods. */
    public static Methods named(String name) {
        return new Methods(name, Map.of());
    }

    /** The same service with one more method. */
    public <Q, A extends MessageLite> Methods add(
            String method, Parser<Q> parser, Handler<Q, A> handler) {
        Map<String, Method> more = new TreeMap<>(methods);
        more.put(
                method,
                (request, context) ->
                        handler.answer(parse(method, request, parser), context).toByteString());
        return new Methods(name, more);
    }

    /** The same methods under another service's name. */
    public Methods as(String otherName) {
        return new Methods(otherName, methods);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public ByteString call(String method, ByteString request, RequestContext context) {
        Method found = methods.get(method);
        if (found == null) {
            throw DriverException.unsupported(
                    "%s has no method %s: it has %s.".formatted(name, method, methods.keySet()));
        }
        return found.call(request, context);
    }

    private <Q> Q parse(String method, ByteString request, Parser<Q> parser) {
        try {
            return parser.parseFrom(request);
        } catch (InvalidProtocolBufferException e) {
            throw new DriverException(
                    FailureKind.INVALID_REQUEST,
                    "The request to %s/%s cannot be read as its message.".formatted(name, method),
                    e);
        }
    }
}
