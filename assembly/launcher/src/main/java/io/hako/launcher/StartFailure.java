// SPDX-License-Identifier: Apache-2.0
package io.hako.launcher;

/** hakod cannot start; the message is the sentence that its operator reads. */
final class StartFailure extends Exception {
    private static final long serialVersionUID = 1;

    StartFailure(String sentence) {
        super(sentence);
    }

    StartFailure(String sentence, Throwable cause) {
        super(sentence, cause);
    }
}
