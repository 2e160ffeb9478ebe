// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import java.util.List;

/**
 * Table {@code [annotations]}: what a pod may decide for itself.
 *
 * @param allowed full names of settings, such as {@code guest.memory}, that an annotation {@code
 *     io.hako.config.guest.memory} of a pod overrides
 */
public record AnnotationSettings(List<String> allowed) {
    public AnnotationSettings() {
        this(List.of());
    }

    public AnnotationSettings {
        allowed = List.copyOf(allowed);
    }
}
