// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

/** Whose streams: a container's first process, or with a non-empty exec id a further one. */
public record StdioId(String container, String exec) {}
