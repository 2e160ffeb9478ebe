// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.ttrpc.proto.Status;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Failures as the status codes of google.rpc.Code (googleapis google/rpc/code.proto), which is what
 * ttrpc carries.
 */
public final class Statuses {
    /** Characters of a peer's message that are kept. */
    public static final int LONGEST_MESSAGE = 2000;

    private static final int OK = 0;

    private static final Map<Integer, FailureKind> KINDS =
            Arrays.stream(FailureKind.values())
                    .collect(Collectors.toUnmodifiableMap(Statuses::code, kind -> kind));

    private Statuses() {}

    /** The only place where failures become codes; {@link #kind} is its inverse. */
    public static int code(FailureKind kind) {
        return switch (kind) {
            case CANCELLED -> 1;
            case INVALID_REQUEST -> 3;
            case DEADLINE_EXCEEDED -> 4;
            case NOT_FOUND -> 5;
            case ALREADY_EXISTS -> 6;
            case EXHAUSTED -> 8;
            case FAILED_PRECONDITION -> 9;
            case UNSUPPORTED -> 12;
            case INTERNAL -> 13;
            case UNAVAILABLE -> 14;
        };
    }

    /** The kind of a code other than 0; INTERNAL for those that hako does not send. */
    public static FailureKind kind(int code) {
        return KINDS.getOrDefault(code, FailureKind.INTERNAL);
    }

    static Status of(DriverException failure) {
        return Status.newBuilder()
                .setCode(code(failure.failure()))
                .setMessage(String.valueOf(failure.getMessage()))
                .build();
    }

    static boolean ok(Status status) {
        return status.getCode() == OK;
    }

    /**
     * A peer's failure as it is thrown here: the message is cut, and cannot reach the operator's
     * terminal as commands.
     */
    static DriverException failure(Status status) {
        String message = status.getMessage();
        String cut =
                message.length() > LONGEST_MESSAGE
                        ? message.substring(0, LONGEST_MESSAGE) + "..."
                        : message;
        return new DriverException(kind(status.getCode()), cut.replaceAll("\\p{Cntrl}", " "));
    }
}
