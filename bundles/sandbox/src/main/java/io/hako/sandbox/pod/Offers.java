// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.hypervisor.HypervisorProfile;
import io.hako.api.network.NetworkProfile;
import io.hako.api.storage.StorageProfile;
import io.hako.api.types.Call;
import io.hako.api.types.DriverId;
import io.hako.api.types.DriverKind;
import io.hako.driverhost.DriverView;
import io.hako.settings.DriverChoice;
import io.hako.settings.DriverSettings;
import java.util.List;

/**
 * The drivers of this node in the order that holds for a pod, and what each can do under the
 * operator's settings.
 */
record Offers(Node node, DriverChoice choice) {
    List<Planner.Offer<HypervisorProfile>> hypervisors(Call call) {
        return ids(DriverKind.HYPERVISOR, choice.hypervisor()).stream()
                .map(
                        id ->
                                new Planner.Offer<>(
                                        node.drivers().hypervisor(id, settings(id), call),
                                        settings(id).json()))
                .toList();
    }

    List<Planner.Offer<StorageProfile>> storages(Call call) {
        return ids(DriverKind.STORAGE, choice.storage()).stream()
                .map(
                        id ->
                                new Planner.Offer<>(
                                        node.drivers().storage(id, settings(id), call),
                                        settings(id).json()))
                .toList();
    }

    List<Planner.Offer<NetworkProfile>> networks(Call call) {
        return ids(DriverKind.NETWORK, choice.network()).stream()
                .map(
                        id ->
                                new Planner.Offer<>(
                                        node.drivers().network(id, settings(id), call),
                                        settings(id).json()))
                .toList();
    }

    private DriverSettings settings(DriverId id) {
        return node.settings().driver(id);
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
