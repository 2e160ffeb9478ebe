// SPDX-License-Identifier: Apache-2.0
package io.hako.architecture;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.Location;

/** Names for the groups of packages that rules speak of. */
final class Packages {
    static final String ALL = "io.hako";
    static final String API = "io.hako.api..";

    /** Drivers' packages are named after the kind of driver: io.hako.hypervisor.qemu. */
    static final String[] PLUGINS = {
        "io.hako.hypervisor..", "io.hako.network..", "io.hako.storage.."
    };

    /** What the protobuf compiler writes is not ours to judge. */
    static final class WithoutGenerated implements ImportOption {
        @Override
        public boolean includes(Location location) {
            return !location.contains("/proto/");
        }
    }

    private Packages() {}
}
