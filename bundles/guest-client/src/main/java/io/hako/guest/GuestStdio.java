// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

/**
 * Tokens by which the host side asks for a process's streams on guest port 1025; 0: no such stream.
 * With a terminal, stdout carries both outputs and stderr is 0.
 *
 * @param rows of the terminal at its start; 0 without one
 * @param columns likewise
 */
public record GuestStdio(
        boolean terminal, long stdin, long stdout, long stderr, int rows, int columns) {
    public static final GuestStdio NONE = new GuestStdio(false, 0, 0, 0, 0, 0);
}
