// SPDX-License-Identifier: Apache-2.0
package io.hako.storage.virtiofs;

import io.hako.api.driver.Settings;
import io.hako.api.storage.SourceKind;
import io.hako.api.storage.StorageDriver;
import io.hako.api.storage.VolumeSource;
import io.hako.contract.StorageDriverContract;
import io.hako.contract.Testbed;
import io.hako.fake.node.FixedSettings;
import io.hako.testbed.ProcessTestbed;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.Assume;
import org.junit.Rule;
import org.junit.rules.TemporaryFolder;

/** The kit, over the machine's own virtiofsd. Skipped where there is none, or without root. */
public class VirtioFsProcessContractTest extends StorageDriverContract {
    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    @Override
    protected Testbed newTestbed() throws IOException {
        Assume.assumeTrue(
                "Skipped: there is no virtiofsd.", new VirtioFsSettings().program().isPresent());
        Assume.assumeTrue(
                "Skipped: virtiofsd needs root.", "root".equals(System.getProperty("user.name")));
        temporary.newFolder("shared");
        return new ProcessTestbed(temporary.newFolder("n").toPath());
    }

    @Override
    protected StorageDriver newDriver() {
        return new VirtioFsDriver();
    }

    @Override
    protected Settings settings() {
        return new FixedSettings(new VirtioFsSettings());
    }

    @Override
    protected Optional<VolumeSource> source(SourceKind kind, int number) {
        return Samples.source(kind, number, temporary.getRoot().toPath().resolve("shared"));
    }

    @Override
    protected Optional<VolumeSource> missingSource() {
        return Samples.source(SourceKind.HOST_DIRECTORY, 0, Path.of("/nonexistent"));
    }
}
