// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

/** containerd's ConnectResponse. */
public record Connection(int shimPid, int taskPid, String version) {}
