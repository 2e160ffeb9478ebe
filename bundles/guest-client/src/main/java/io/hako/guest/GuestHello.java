// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

/**
 * What an agent says of itself.
 *
 * @param protocol the version spoken on this connection
 * @param kernelRelease of the guest, as uname -r has it
 * @param instance random, new at each start of the agent
 * @param identitySet whether {@link Guest#setIdentity} has been called
 */
public record GuestHello(
        int protocol,
        String agentVersion,
        String kernelRelease,
        String instance,
        boolean identitySet) {}
