// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.client;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.hako.itests.machine.Node;
import io.hako.itests.machine.Running;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/**
 * A registry that stands for one host of the world's and has one image, by every name and tag: what
 * an OCI image layout holds. A program finds it by the variables of its environment that are given
 * here, whatever address the host's name has elsewhere. Requests and answers are those of the OCI
 * distribution-spec v1.1, "Pulling manifests" and "Pulling blobs".
 */
final class Registry implements AutoCloseable {
    private static final String PASSWORD = "changeit";

    private final Path layout;
    private final Path certificate;
    private final JsonObject manifest;
    private final HttpsServer server;
    private final Tunnel tunnel;

    /**
     * @param host the name under which it is asked, in its certificate
     * @param layout an image layout with one manifest
     * @param directory for its key and certificate
     */
    Registry(String host, Path layout, Path directory) throws IOException {
        this.layout = layout;
        certificate = directory.resolve("registry.pem");
        manifest =
                JsonParser.parseString(Files.readString(layout.resolve("index.json")))
                        .getAsJsonObject()
                        .getAsJsonArray("manifests")
                        .get(0)
                        .getAsJsonObject();
        server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(identity(host, directory)));
        server.createContext("/v2/", this::answer);
        server.start();
        tunnel = new Tunnel(server.getAddress());
    }

    /** What leads a program's requests here: variables that Go's net/http and crypto/x509 read. */
    Map<String, String> environment() {
        return Map.of(
                "HTTPS_PROXY",
                "http://127.0.0.1:" + tunnel.port(),
                "NO_PROXY",
                "",
                "SSL_CERT_FILE",
                certificate.toString());
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String[] path = exchange.getRequestURI().getPath().split("/");
            if (path.length == 2) {
                exchange.sendResponseHeaders(200, -1);
                return;
            }
            boolean manifests = path[path.length - 2].equals("manifests");
            String last = path[path.length - 1];
            String digest =
                    manifests && !last.contains(":") ? manifest.get("digest").getAsString() : last;
            send(
                    exchange,
                    digest,
                    manifests
                            ? manifest.get("mediaType").getAsString()
                            : "application/octet-stream");
        }
    }

    private void send(HttpExchange exchange, String digest, String type) throws IOException {
        Path blob = layout.resolve("blobs").resolve(digest.replace(':', '/')).normalize();
        if (!blob.startsWith(layout) || !Files.exists(blob)) {
            exchange.sendResponseHeaders(404, -1);
            return;
        }
        exchange.getResponseHeaders().add("Content-Type", type);
        exchange.getResponseHeaders().add("Docker-Content-Digest", digest);
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().add("Content-Length", Long.toString(Files.size(blob)));
            exchange.sendResponseHeaders(200, -1);
            return;
        }
        exchange.sendResponseHeaders(200, Files.size(blob));
        Files.copy(blob, exchange.getResponseBody());
    }

    /** A key of its own, and a certificate that is trusted because it is named as a root. */
    private SSLContext identity(String host, Path directory) throws IOException {
        Path store = directory.resolve("registry.p12");
        String common = "-keystore " + store + " -storepass " + PASSWORD + " -alias registry ";
        keytool(
                common
                        + "-genkeypair -keyalg EC -validity 2 -dname CN=registry -ext SAN=dns:"
                        + host);
        keytool(common + "-exportcert -rfc -file " + certificate);
        try (InputStream bytes = Files.newInputStream(store)) {
            KeyStore keys = KeyStore.getInstance("PKCS12");
            keys.load(bytes, PASSWORD.toCharArray());
            KeyManagerFactory managers =
                    KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            managers.init(keys, PASSWORD.toCharArray());
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(managers.getKeyManagers(), null, null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IOException("Cannot read the key that keytool has made, " + store, e);
        }
    }

    private static void keytool(String options) throws IOException {
        String program = Path.of(System.getProperty("java.home"), "bin/keytool").toString();
        List<String> command = List.of((program + " " + options).split(" "));
        try (Running running = new Running(new ProcessBuilder(command).start())) {
            var result = running.finish(Node.LIMIT);
            if (result.exit() != 0) {
                throw new IOException(String.join(" ", command) + ": " + result);
            }
        }
    }

    @Override
    public void close() {
        tunnel.close();
        server.stop((int) Duration.ZERO.toSeconds());
    }
}
