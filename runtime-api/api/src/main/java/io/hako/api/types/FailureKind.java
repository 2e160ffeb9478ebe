// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

/** Why an operation failed, by who can do something about it. */
public enum FailureKind {
    /** The caller asked for something that is wrong in itself, on any machine at any time. */
    INVALID_REQUEST,
    /**
     * Right in itself, but not in the present state: the handle is closed, the machine has not
     * booted.
     */
    FAILED_PRECONDITION,
    /** Right in itself, but never possible with this driver; its profile says so. */
    UNSUPPORTED,
    /** What was named does not exist. */
    NOT_FOUND,
    /** What was to be made exists, and differs from what was asked for. */
    ALREADY_EXISTS,
    /** A limit of the machine or of the settings was reached; less would have succeeded. */
    EXHAUSTED,
    /** A part of the system does not answer now; the same request may succeed later. */
    UNAVAILABLE,
    /** {@link Call#remaining()} came to its end. */
    DEADLINE_EXCEEDED,
    /** The caller gave up. */
    CANCELLED,
    /**
     * A fault of the driver or of hako. Any other Throwable that a driver lets out counts as this.
     */
    INTERNAL
}
