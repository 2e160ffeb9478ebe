// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import java.time.Instant;

/**
 * How a process ended.
 *
 * @param status 0 to 255; 128 + signal where a signal ended it
 * @param at by the guest's clock
 * @param oomKilled the guest's kernel ended it for want of memory
 */
public record GuestExit(int status, Instant at, boolean oomKilled) {}
