// SPDX-License-Identifier: Apache-2.0
package io.hako.testbed;

import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Settings;
import io.hako.api.types.Call;
import io.hako.api.types.OwnerId;
import io.hako.contract.Testbed;
import io.hako.fake.Faults;
import io.hako.fake.node.FakeCall;
import io.hako.fake.node.FakeNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A testbed whose processes are real: children of the test's own process, without any confinement,
 * that are given memory files, sockets and opened files as a shim would. Mounts are made by
 * mount(8) and need root. Network interfaces and the node store are a {@link FakeNode}'s.
 */
public final class ProcessTestbed implements Testbed {
    /** A busy machine takes its time to start a process and to boot it. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Libc libc = Libc.load();
    private final FakeNode node;
    private final Map<OwnerId, RealSandbox> sandboxes = new ConcurrentHashMap<>();

    /**
     * @param directory an existing one that the testbed may fill; short, since sockets are made in
     *     it
     */
    public ProcessTestbed(Path directory) {
        this.node = new FakeNode(directory);
    }

    @Override
    public DriverContext context(OwnerId owner, String slot, Settings settings) {
        return context(owner, slot, settings, Faults.none());
    }

    @Override
    public DriverContext failing(OwnerId owner, String slot, Settings settings, int effect) {
        return context(owner, slot, settings, Faults.failAt(effect));
    }

    @Override
    public Call call() {
        return FakeCall.within(PATIENCE);
    }

    @Override
    public Call cancelledCall() {
        return FakeCall.cancelled();
    }

    @Override
    public List<String> effects(OwnerId owner) {
        return sandbox(owner).effects();
    }

    @Override
    public void undo(OwnerId owner) {
        sandbox(owner).undo(call());
        node.undo(owner);
    }

    @Override
    public void close() {
        sandboxes.keySet().forEach(this::undo);
        node.close();
    }

    private DriverContext context(OwnerId owner, String slot, Settings settings, Faults faults) {
        return new ProcessContext(
                node.context(owner, slot, settings, faults), sandbox(owner), faults);
    }

    private RealSandbox sandbox(OwnerId owner) {
        return sandboxes.computeIfAbsent(owner, key -> new RealSandbox(libc));
    }
}
