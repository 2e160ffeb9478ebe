// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.observability.EventLog;
import io.hako.observability.MetricsText;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.Executors;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code GET /metrics} on {@code [metrics] listen}; without that setting nothing listens. */
@Component(service = MetricsServer.class, immediate = true)
public final class MetricsServer {
    private static final Logger LOG = LoggerFactory.getLogger(MetricsServer.class);
    private static final int OK = 200;
    private static final int NO_SUCH_METHOD = 405;
    private static final int BACKLOG = 16;

    private final Optional<HttpServer> server;

    @Activate
    public MetricsServer(@Reference Operations operations, @Reference EventLog events) {
        NodeMetrics metrics = new NodeMetrics(operations, events);
        server = operations.metricsAddress().map(address -> serving(address, metrics));
    }

    private static HttpServer serving(InetSocketAddress address, NodeMetrics metrics) {
        try {
            HttpServer server = HttpServer.create(address, BACKLOG);
            server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
            server.createContext("/metrics", exchange -> answer(exchange, metrics));
            server.start();
            LOG.info("Metrics are at http://{}/metrics.", address);
            return server;
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "hakod cannot listen on %s, which [metrics] listen names: %s"
                            .formatted(address, e.getMessage()),
                    e);
        }
    }

    private static void answer(HttpExchange exchange, NodeMetrics metrics) throws IOException {
        try (exchange) {
            if (!exchange.getRequestMethod().equals("GET")) {
                exchange.sendResponseHeaders(NO_SUCH_METHOD, -1);
                return;
            }
            byte[] text = metrics.text().getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", MetricsText.CONTENT_TYPE);
            exchange.sendResponseHeaders(OK, text.length);
            exchange.getResponseBody().write(text);
        }
    }

    @Deactivate
    void close() {
        server.ifPresent(listening -> listening.stop(0));
    }
}
