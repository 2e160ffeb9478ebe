// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.util.Locale;
import java.util.Optional;

/** What guest code runs on. */
enum Accelerator {
    KVM,
    TCG;

    /** As QEMU's -accel has it. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * What the choice comes to on this host.
     *
     * @throws DriverException FAILED_PRECONDITION if KVM is demanded and not usable
     */
    static Accelerator resolve(AcceleratorChoice choice, HostCpu host) {
        return switch (choice) {
            case TCG -> TCG;
            case AUTO -> host.obstacleToKvm().isEmpty() ? KVM : TCG;
            case KVM -> demandKvm(host.obstacleToKvm());
        };
    }

    private static Accelerator demandKvm(Optional<String> obstacle) {
        if (obstacle.isPresent()) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "A machine with accel = \"kvm\" cannot run here: %s. Use a host with KVM, or set accel = \"auto\" in [hypervisor.qemu]."
                            .formatted(obstacle.get()));
        }
        return KVM;
    }
}
