// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

/**
 * One effective setting of the daemon, or of a pod, and where its value came from.
 *
 * @param key full name, such as {@code guest.memory}
 * @param from the file's path, {@code default}, or {@code annotation} and its name
 */
public record Origin(String key, String value, String from) {}
