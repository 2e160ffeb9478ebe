// SPDX-License-Identifier: Apache-2.0
package io.hako.api.hypervisor;

import io.hako.api.types.ExitStatus;
import java.util.Optional;

/**
 * What is known for certain about a machine's end.
 *
 * @param monitor how the monitor process ended, as the shim saw it
 * @param requested whether the daemon had journalled, before the end, that it wanted this machine
 *     to end
 * @param farewell the last word of the agent before it powered the guest off; absent if it never
 *     came to that
 * @param output the newest of what the monitor wrote, console of the guest included ({@code
 *     SupervisedProcess.output()} as text); empty if nothing is known of it. It comes from the
 *     guest: not to be trusted
 */
public record VmEnd(
        ExitStatus monitor, boolean requested, Optional<String> farewell, String output) {}
