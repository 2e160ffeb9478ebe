// SPDX-License-Identifier: Apache-2.0
/**
 * The contract kit: what every driver is tested against. A vendor extends {@link
 * io.hako.contract.HypervisorContract}, {@link io.hako.contract.NetworkModelContract} or {@link
 * io.hako.contract.StorageDriverContract} and says how to make a driver and what to try it with;
 * the driver's profile tells the rest. Each theme is a class of its own, which the next extends.
 */
@Export
@Version("0.1.0")
@NullMarked
package io.hako.contract;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
