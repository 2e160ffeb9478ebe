// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

/**
 * The profile of the settings file that a pod is to have.
 *
 * @param name as it was asked for
 * @param by what asked for it, for sentences: "the runtime option ConfigPath"
 */
public record ProfileChoice(String name, String by) {}
