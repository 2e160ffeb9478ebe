// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.ocispec.OciResources;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.RequestKey;
import io.hako.state.ProcessPhase;

/** Changes a container's limits, within the size of its machine. */
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
        new PodSize(pod).check(container, OciResources.parse(resources));
        if (!pod.isSandbox(container)) { // for that one the machine's size is all there is
            String inGuest = OciResources.inGuest(resources);
            pod.guest()
                    .tell(
                            call,
                            (guest, within) ->
                                    guest.update(key.text(), container, inGuest, within));
        }
    }
}
