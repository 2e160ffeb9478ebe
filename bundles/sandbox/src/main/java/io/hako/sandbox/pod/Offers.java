// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.driver.Settings;
import io.hako.api.hypervisor.HypervisorProfile;
import io.hako.api.network.NetworkProfile;
import io.hako.api.storage.StorageProfile;
import io.hako.api.types.Call;
import io.hako.api.types.DriverId;
import io.hako.api.types.DriverKind;
import io.hako.driverhost.DriverView;
import io.hako.settings.DriverSettings;
import io.hako.settings.PodSettings;
import java.util.List;

/**
 * The drivers of this node in the order that holds for a pod, and what each can do under the
 * settings that hold for it.
 */
record Offers(Node node, PodSettings pod) {
    List<Planner.Offer<HypervisorProfile>> hypervisors(Call call) {
        return ids(DriverKind.HYPERVISOR, pod.drivers().hypervisor()).stream()
                .map(id -> offer(id, call, node.drivers()::hypervisor))
                .toList();
    }

    List<Planner.Offer<StorageProfile>> storages(Call call) {
        return ids(DriverKind.STORAGE, pod.drivers().storage()).stream()
                .map(id -> offer(id, call, node.drivers()::storage))
                .toList();
    }

    List<Planner.Offer<NetworkProfile>> networks(Call call) {
        return ids(DriverKind.NETWORK, pod.drivers().network()).stream()
                .map(id -> offer(id, call, node.drivers()::network))
                .toList();
    }

    /** Asks a driver what it can do. */
    private interface Question<P> {
        P ask(DriverId driver, Settings settings, Call call);
    }

    private <P> Planner.Offer<P> offer(DriverId id, Call call, Question<P> question) {
        DriverSettings settings = node.drivers().settings(id, pod, call);
        return new Planner.Offer<>(question.ask(id, settings, call), settings.json());
    }

    private List<DriverId> ids(DriverKind kind, List<String> preferred) {
        if (!preferred.isEmpty()) {
            return preferred.stream().map(name -> new DriverId(kind, name)).toList();
        }
        return node.admin().list().stream()
                .filter(DriverView::serving)
                .map(DriverView::driver)
                .filter(id -> id.kind() == kind)
                .distinct()
                .toList();
    }
}
