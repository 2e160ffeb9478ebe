// SPDX-License-Identifier: Apache-2.0
package io.hako.host.linux;

/** What is needed to change the network of a namespace. */
public record Network(Libc libc, NetworkNamespaces namespaces, TapDevices taps) {
    public Network(Libc libc) {
        this(libc, new NetworkNamespaces(libc), new TapDevices(libc));
    }
}
