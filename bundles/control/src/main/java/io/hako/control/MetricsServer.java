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
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.ReentrantLock;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code GET /metrics} on {@code [metrics] listen}; without that setting nothing listens.
 *
 * <p>Whoever can reach the address can ask for no more than this: {@value #THREADS} requests are
 * served at a time and one of them computed, and the JDK's server ends what takes long (the
 * properties {@code jdk.httpserver} and {@code sun.net.httpserver} that bin/hakod sets).
 */
@Component(service = MetricsServer.class, immediate = true)
public final class MetricsServer {
    private static final Logger LOG = LoggerFactory.getLogger(MetricsServer.class);
    private static final int OK = 200;
    private static final int NO_SUCH_METHOD = 405;
    private static final int BACKLOG = 16;
    private static final int THREADS = 4;

    private final ExecutorService threads =
            Executors.newFixedThreadPool(THREADS, Thread.ofVirtual().name("metrics ", 0).factory());
    private final ReentrantLock computing = new ReentrantLock();
    private final Optional<HttpServer> server;

    @Activate
    public MetricsServer(@Reference Operations operations, @Reference EventLog events) {
        NodeMetrics metrics = new NodeMetrics(operations, events);
        server = operations.metricsAddress().map(address -> serving(address, metrics));
    }

    private HttpServer serving(InetSocketAddress address, NodeMetrics metrics) {
        try {
            HttpServer server = HttpServer.create(address, BACKLOG);
            server.setExecutor(threads);
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

    private void answer(HttpExchange exchange, NodeMetrics metrics) throws IOException {
        try (exchange) {
            if (!exchange.getRequestMethod().equals("GET")) {
                exchange.sendResponseHeaders(NO_SUCH_METHOD, -1);
                return;
            }
            byte[] text = computed(metrics).getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", MetricsText.CONTENT_TYPE);
            exchange.sendResponseHeaders(OK, text.length);
            exchange.getResponseBody().write(text);
        }
    }

    /** One at a time: a scrape looks at every pod's processes. */
    private String computed(NodeMetrics metrics) {
        computing.lock();
        try {
            return metrics.text();
        } finally {
            computing.unlock();
        }
    }

    @Deactivate
    void close() {
        server.ifPresent(listening -> listening.stop(0));
        threads.shutdownNow();
    }
}
