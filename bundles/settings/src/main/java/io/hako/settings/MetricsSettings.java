// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import io.hako.api.types.DriverException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Table {@code [metrics]}.
 *
 * @param listen where Prometheus may ask by HTTP, ADDRESS:PORT of the loopback; empty: nowhere
 */
public record MetricsSettings(String listen) {
    /** Numbers alone: no name is looked up. */
    private static final Pattern FORM =
            Pattern.compile("(?<host>[0-9.]+|\\[[0-9a-fA-F:]+\\]):(?<port>[0-9]{1,5})");

    private static final int LARGEST_PORT = 65_535;

    public MetricsSettings() {
        this("");
    }

    public MetricsSettings {
        if (!listen.isEmpty()) {
            parse(listen);
        }
    }

    public Optional<InetSocketAddress> address() {
        return Optional.of(listen).filter(text -> !text.isEmpty()).map(MetricsSettings::parse);
    }

    private static InetSocketAddress parse(String text) {
        Matcher form = FORM.matcher(text);
        try {
            int port = form.matches() ? Integer.parseInt(form.group("port")) : 0;
            if (port > 0 && port <= LARGEST_PORT) {
                InetAddress host = InetAddress.getByName(form.group("host"));
                if (host.isLoopbackAddress()) {
                    return new InetSocketAddress(host, port);
                }
            }
        } catch (UnknownHostException e) {
            throw refused(text);
        }
        throw refused(text);
    }

    private static DriverException refused(String text) {
        return DriverException.invalid(
                "listen is an address of the loopback and a port, such as 127.0.0.1:9464, but is %s: whoever reaches it reads of every pod."
                        .formatted(text));
    }
}
