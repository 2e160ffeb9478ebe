// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

/**
 * One effective setting of the daemon and where its value came from.
 *
 * @param key full name, such as {@code guest.memory}
 * @param from the file's path, or {@code default}
 */
public record Origin(String key, String value, String from) {}
