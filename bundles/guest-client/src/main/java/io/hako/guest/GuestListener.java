// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

/** Called on threads of the connection, one event at a time; must return soon. */
public interface GuestListener {
    /**
     * Something happened in the guest. Acknowledged once this returns, so each is told at least
     * once, on this connection or the next: after a reconnection those not acknowledged come again,
     * with the same numbers.
     */
    void happened(GuestEvent event);

    /**
     * The connection is gone, by whichever side. Told once, perhaps while the last event is still
     * being handed on; not told where connecting itself failed.
     */
    void lost(String why);
}
