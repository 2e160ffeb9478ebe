// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

/**
 * The one failure of this API.
 *
 * <p>The message is one sentence, or two, for the operator: what was tried, on what, the limit and
 * the value, what to do next. It does not repeat the cause; the daemon adds the cause's text. It
 * never keeps the cause beyond the call, since an exception of a plugin's class would keep the
 * plugin's class loader.
 */
public final class DriverException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final FailureKind failure;

    public DriverException(FailureKind failure, String sentence) {
        super(sentence);
        this.failure = failure;
    }

    public DriverException(FailureKind failure, String sentence, Throwable cause) {
        super(sentence, cause);
        this.failure = failure;
    }

    /** An INVALID_REQUEST. */
    public static DriverException invalid(String sentence) {
        return new DriverException(FailureKind.INVALID_REQUEST, sentence);
    }

    /** An UNSUPPORTED. */
    public static DriverException unsupported(String sentence) {
        return new DriverException(FailureKind.UNSUPPORTED, sentence);
    }

    public FailureKind failure() {
        return failure;
    }
}
