// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

/** Of a driver that has none: each key is one too many. */
record NoSettings() {}
