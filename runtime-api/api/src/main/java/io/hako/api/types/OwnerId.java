// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

/**
 * The sandbox on whose account something is done: unique on the node.
 *
 * @param namespace containerd's, or "hako"; at most 76 characters: letters, digits, '_', '.' and
 *     '-', the first a letter or digit
 * @param id unique within the namespace; of the same form
 */
public record OwnerId(String namespace, String id) {
    /** containerd's limit for each of the two (its package identifiers). */
    public static final int LONGEST_PART = 76;

    /** In neither part, and nothing special in a file name, a mount's options or a cgroup. */
    private static final char SEPARATOR = '@';

    public OwnerId {
        Names.name("A namespace", namespace, LONGEST_PART);
        Names.name("The id of a sandbox", id, LONGEST_PART);
    }

    /**
     * Reads what {@link #toString} wrote.
     *
     * @throws DriverException INVALID_REQUEST
     */
    public static OwnerId parse(String text) {
        int at = text.indexOf(SEPARATOR);
        if (at < 0) {
            throw DriverException.invalid(
                    "A sandbox of this node is written NAMESPACE%cID, but this is \"%s\"."
                            .formatted(SEPARATOR, text));
        }
        return new OwnerId(text.substring(0, at), text.substring(at + 1));
    }

    /** NAMESPACE@ID: one word for one sandbox, fit for a file name. At most 153 characters. */
    @Override
    public String toString() {
        return namespace + SEPARATOR + id;
    }
}
