// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import io.hako.api.types.GuestPath;
import java.util.Optional;

/**
 * Where a guest has what its pod's containers share.
 *
 * @param processes their namespace of processes, once it was asked for
 * @param sharedMemory a directory for /dev/shm
 */
public record PodPlaces(Optional<GuestPath> processes, GuestPath sharedMemory) {}
