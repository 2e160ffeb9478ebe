// SPDX-License-Identifier: Apache-2.0
package io.hako.api.storage;

/** What not every storage driver can do. Each stands for an interface. */
public enum StorageFeature {
    /** Its attachments are {@link Growable}. */
    GROW,
    /** The driver is {@link Collectable}. */
    COLLECT
}
