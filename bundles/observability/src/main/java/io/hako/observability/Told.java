// SPDX-License-Identifier: Apache-2.0
package io.hako.observability;

import java.time.Instant;

/**
 * An event as it stands in the node's log.
 *
 * @param number one more than that of the event before it, across daemons
 * @param at when it was told; never before the event before it
 */
public record Told(long number, Instant at, Event event) {}
