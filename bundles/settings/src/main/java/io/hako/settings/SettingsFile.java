// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

/** The node's settings as a service, which is there before anything else of the daemon is. */
public record SettingsFile(HakoSettings settings) {}
