// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.ocispec.OciResources;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.RequestKey;
import io.hako.state.Entry;
import io.hako.state.ProcessPhase;
import java.util.Optional;

/** Changes a container's limits, and the size of its machine with them. */
final class LimitChange {
    private final Pod pod;

    LimitChange(Pod pod) {
        this.pod = pod;
    }

    /**
     * @param resources OCI LinuxResources, JSON
     */
    void run(RequestKey key, String container, String resources, Call call) {
        pod.requests()
                .once(
                        key,
                        "Update " + container,
                        Answer.DONE,
                        call,
                        again ->
                                pod.locked(
                                        () -> {
                                            change(key, container, resources, call);
                                            return true;
                                        }));
    }

    /** The agent knows a repeat by its key. */
    private void change(RequestKey key, String container, String resources, Call call) {
        ProcessPhase phase = pod.process(ProcessId.first(container)).phase();
        if (phase == ProcessPhase.STOPPED) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "The limits of container %s cannot be changed: it has ended."
                            .formatted(container));
        }
        pod.requireRunning("updated");
        OciResources limits = OciResources.parse(resources);
        PodGrowth growth = new PodGrowth(pod);
        if (pod.isSandbox(container)) { // its containers decide the machine's size
            growth.refuseBeyond(container, limits);
            return;
        }
        Optional<Entry.Planned> before = growth.plan();
        growth.admitChange(container, limits, call);
        try {
            inGuest(key, container, resources, call);
        } catch (DriverException e) {
            before.ifPresent(plan -> growth.restore(plan, call));
            throw e;
        }
        growth.settle(call);
    }

    private void inGuest(RequestKey key, String container, String resources, Call call) {
        String limits = OciResources.inGuest(resources);
        pod.guest()
                .tell(call, (guest, within) -> guest.update(key.text(), container, limits, within));
    }
}
