// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

/**
 * containerd's ExecProcessRequest.
 *
 * @param process OCI runtime-spec {@code process} object, JSON
 */
public record ExecTask(ProcessId id, String process, StdioPaths stdio) {}
