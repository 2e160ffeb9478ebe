// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Settings;
import io.hako.api.types.Call;
import io.hako.api.types.OwnerId;
import io.hako.fake.Faults;
import io.hako.fake.node.FakeCall;
import io.hako.fake.node.FakeNode;
import java.util.List;

/** A testbed in memory. */
public final class FakeTestbed implements Testbed {
    private final FakeNode node;

    public FakeTestbed(FakeNode node) {
        this.node = node;
    }

    @Override
    public DriverContext context(OwnerId owner, String slot, Settings settings) {
        return node.context(owner, slot, settings, Faults.none());
    }

    @Override
    public DriverContext failing(OwnerId owner, String slot, Settings settings, int effect) {
        return node.context(owner, slot, settings, Faults.failAt(effect));
    }

    @Override
    public Call call() {
        return FakeCall.patient();
    }

    @Override
    public Call cancelledCall() {
        return FakeCall.cancelled();
    }

    @Override
    public List<String> effects(OwnerId owner) {
        return node.effects(owner);
    }

    @Override
    public void undo(OwnerId owner) {
        node.undo(owner);
    }

    @Override
    public void close() {
        node.close();
    }
}
