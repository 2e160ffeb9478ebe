// SPDX-License-Identifier: Apache-2.0
package io.hako.api.network;

/**
 * What not every network model can do. Each stands for an interface that its attachments then have.
 */
public enum NetworkFeature {
    /** Its attachments are {@link RateLimited}. */
    RATE_LIMIT
}
