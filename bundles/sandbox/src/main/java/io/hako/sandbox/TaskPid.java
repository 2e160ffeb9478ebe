// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

/**
 * A process by the pid that a host sees of it.
 *
 * @param exec id of a further process; empty for the container's first one
 */
public record TaskPid(int pid, String exec) {}
