// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

/**
 * A value as an annotation gives it: always a text, whatever type the setting has; words of a list
 * are parted by commas.
 *
 * @param annotation its whole name
 */
record AnnotationText(String annotation, String text) {}
