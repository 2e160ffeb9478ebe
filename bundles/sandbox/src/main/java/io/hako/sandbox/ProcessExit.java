// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

import java.time.Instant;

/**
 * How a process ended.
 *
 * @param pid the task's pid on the host
 * @param status 0 to 255; 128 + signal where a signal ended it; 137 where its virtual machine died
 * @param reason one sentence where the machine's end, not the process's own, ended it; else empty
 */
public record ProcessExit(int pid, int status, Instant at, String reason) {}
