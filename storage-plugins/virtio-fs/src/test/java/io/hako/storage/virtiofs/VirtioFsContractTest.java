// SPDX-License-Identifier: Apache-2.0
package io.hako.storage.virtiofs;

import io.hako.api.driver.Settings;
import io.hako.api.storage.SourceKind;
import io.hako.api.storage.StorageDriver;
import io.hako.api.storage.VolumeSource;
import io.hako.contract.FakeTestbed;
import io.hako.contract.StorageDriverContract;
import io.hako.contract.Testbed;
import io.hako.fake.node.FakeNode;
import io.hako.fake.node.FixedSettings;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.Rule;
import org.junit.rules.TemporaryFolder;

/** The kit, over a virtiofsd that is only played: fast, and with failures at every step. */
public class VirtioFsContractTest extends StorageDriverContract {
    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    @Override
    protected Testbed newTestbed() {
        FakeNode node = new FakeNode(temporary.getRoot().toPath());
        node.program(
                process ->
                        process.print(
                                "Waiting for vhost-user socket connection...\n"
                                        .getBytes(StandardCharsets.UTF_8)));
        return new FakeTestbed(node);
    }

    @Override
    protected StorageDriver newDriver() {
        return new VirtioFsDriver();
    }

    @Override
    protected Settings settings() {
        return new FixedSettings(
                new VirtioFsSettings(Optional.of(Path.of("/bin/true")), CachePolicy.AUTO));
    }

    @Override
    protected Optional<VolumeSource> source(SourceKind kind, int number) {
        return Samples.source(kind, number, temporary.getRoot().toPath());
    }

    @Override
    protected Optional<VolumeSource> missingSource() {
        return source(SourceKind.HOST_DIRECTORY, 0)
                .map(VolumeSource.HostDirectory.class::cast)
                .map(
                        there ->
                                new VolumeSource.HostDirectory(
                                        there.id(),
                                        Path.of("/nonexistent"),
                                        false,
                                        there.target()));
    }
}
