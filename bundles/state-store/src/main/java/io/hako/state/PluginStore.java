// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Reader;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * Plugin jars that serve in place of the assembly's own, by content, and which of them serves what.
 * They outlive a reboot, so each write is synced: a jar is {@code SHA256.jar}, the set is {@code
 * set.properties} with lines {@code KIND/NAME=SHA256}, which the launcher reads too. Thread-safe.
 */
@Component(service = PluginStore.class)
public final class PluginStore {
    private final Path directory;

    @Activate
    public PluginStore(BundleContext context) {
        this(Path.of(FrameworkPaths.required(context, "hako.state")).resolve("plugins"));
    }

    /**
     * @param directory made if missing, for its owner alone
     */
    public PluginStore(Path directory) {
        this.directory = FrameworkPaths.made(directory);
        removeUnused();
    }

    /**
     * Copies a jar into the store; one that is there already is not written again.
     *
     * @return its SHA-256, lower-case hex
     * @throws DriverException NOT_FOUND if there is no such file, UNAVAILABLE if it cannot be read
     *     or stored
     */
    public synchronized String add(Path jar) {
        Path part = directory.resolve("incoming.part");
        try {
            String sha256 = copy(jar, part);
            Path stored = jar(sha256);
            if (!Files.exists(stored)) {
                Files.move(part, stored, StandardCopyOption.ATOMIC_MOVE);
                sync(directory);
            }
            return sha256;
        } catch (NoSuchFileException e) {
            throw new DriverException(
                    FailureKind.NOT_FOUND, "There is no plugin jar %s.".formatted(jar));
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The plugin jar %s could not be copied to %s.".formatted(jar, directory),
                    e);
        } finally {
            deleteQuietly(part);
        }
    }

    /** Where the jar of this SHA-256 is, or would be. */
    public Path jar(String sha256) {
        return directory.resolve(sha256 + ".jar");
    }

    /** The SHA-256 of the jar that serves each driver which the assembly's own does not serve. */
    public synchronized Map<DriverId, String> set() {
        Properties lines = new Properties();
        try (Reader reader = Files.newBufferedReader(setFile())) {
            lines.load(reader);
        } catch (NoSuchFileException e) {
            return Map.of();
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The plugin set %s could not be read.".formatted(setFile()),
                    e);
        }
        return lines.stringPropertyNames().stream()
                .collect(Collectors.toUnmodifiableMap(DriverId::parse, lines::getProperty));
    }

    /** From now on, also after a restart, this jar serves the driver; empty: the assembly's own. */
    public synchronized void assign(DriverId driver, Optional<String> sha256) {
        Map<String, String> lines = new TreeMap<>();
        set().forEach((id, sha) -> lines.put(id.toString(), sha));
        Optional<String> before = Optional.ofNullable(lines.remove(driver.toString()));
        sha256.ifPresent(sha -> lines.put(driver.toString(), sha));
        String text =
                lines.entrySet().stream()
                        .map(e -> e.getKey() + "=" + e.getValue() + "\n")
                        .collect(Collectors.joining());
        Path part = directory.resolve("set.properties.part");
        try {
            Files.writeString(part, text);
            sync(part);
            Files.move(part, setFile(), StandardCopyOption.ATOMIC_MOVE);
            sync(directory);
            before.filter(sha -> !lines.containsValue(sha))
                    .ifPresent(sha -> deleteQuietly(jar(sha)));
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The plugin set %s could not be written.".formatted(setFile()),
                    e);
        }
    }

    /** Removes a jar that was added, unless it serves a driver. Idempotent. */
    public synchronized void takeBack(String sha256) {
        if (!set().containsValue(sha256)) {
            deleteQuietly(jar(sha256));
        }
    }

    /**
     * At the start of the daemon no swap is under way: a jar that serves nothing was left by one
     * that was cut off.
     */
    private void removeUnused() {
        Set<Path> used = set().values().stream().map(this::jar).collect(Collectors.toSet());
        try (var files = Files.newDirectoryStream(directory, "*.jar")) {
            files.forEach(
                    file -> {
                        if (!used.contains(file)) {
                            deleteQuietly(file);
                        }
                    });
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The plugin jars in %s could not be listed.".formatted(directory),
                    e);
        }
    }

    private Path setFile() {
        return directory.resolve("set.properties");
    }

    private static String copy(Path from, Path to) throws IOException {
        MessageDigest digest = sha256();
        try (InputStream in = Files.newInputStream(from);
                OutputStream out = new DigestOutputStream(Files.newOutputStream(to), digest)) {
            in.transferTo(out);
        }
        sync(to);
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (
                NoSuchAlgorithmException
                        e) { // every Java platform has it (MessageDigest's documentation)
            throw new DriverException(FailureKind.INTERNAL, "This Java runtime has no SHA-256.", e);
        }
    }

    /** fsync(2) of a file, or of a directory so that a rename in it is on disk. */
    private static void sync(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private static void deleteQuietly(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // Removed at the next start of the daemon, or written over.
        }
    }
}
