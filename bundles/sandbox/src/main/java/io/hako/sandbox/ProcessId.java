// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

/**
 * One process of a container.
 *
 * @param exec id of a further process; empty for the container's first one (as the Task API has it)
 */
public record ProcessId(String container, String exec) {
    public static ProcessId first(String container) {
        return new ProcessId(container, "");
    }

    public boolean isFirst() {
        return exec.isEmpty();
    }

    @Override
    public String toString() {
        return isFirst() ? container : container + "/" + exec;
    }
}
