// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.driver.HandleState;
import io.hako.api.driver.SchemaRange;
import io.hako.api.hypervisor.Vm;
import io.hako.api.types.DriverException;
import io.hako.api.types.OwnerId;
import io.hako.fake.FakeHypervisor;
import io.hako.fake.FakeSettings;
import io.hako.fake.Faults;
import io.hako.fake.node.FakeCall;
import io.hako.fake.node.FakeDriverContext;
import io.hako.fake.node.FakeNode;
import io.hako.fake.node.FixedSettings;
import java.util.List;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** The fakes fail and die where they are told to, and nothing is lost by it. */
public class FakeFaultsTest {
    private static final OwnerId OWNER = new OwnerId("kit", "faults");
    private static final SchemaRange SCHEMAS = new SchemaRange(1, 1);

    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    private FakeNode node;

    @Before
    public void openNode() {
        node = new FakeNode(temporary.getRoot().toPath());
    }

    @After
    public void closeNode() {
        node.close();
    }

    @Test
    public void everyStepOfCreatingAMachineCanFail() {
        int steps = stepsOfCreating();
        assertTrue("launching and building", steps >= 2);
        for (int step = 0; step < steps; step++) {
            Faults faults = Faults.failAt(step);
            assertThrows(DriverException.class, () -> create(faults));
            assertEquals(List.of(), node.effects(OWNER));
            node.undo(OWNER);
        }
    }

    @Test
    public void aKillBeforeAnyStepIsUndoneByTheDaemonAlone() {
        int steps = stepsOfCreating();
        for (int step = 0; step < steps; step++) {
            Faults faults = Faults.killAt(step);
            assertThrows(Faults.Killed.class, () -> create(faults));
            node.undo(OWNER);
            assertEquals(List.of(), node.effects(OWNER));
            create(Faults.none()).destroy(FakeCall.patient());
            node.undo(OWNER);
        }
    }

    @Test
    public void aKillWhileAMachineRunsLosesNothing() {
        Faults faults = Faults.killAt(stepsOfCreating());
        Vm vm = create(faults);
        HandleState state = vm.state();
        assertThrows(Faults.Killed.class, () -> vm.boot(FakeCall.patient()));

        Vm adopted = new FakeHypervisor().adopt(state, context(Faults.none()), FakeCall.patient());
        adopted.boot(FakeCall.patient());
        adopted.destroy(FakeCall.patient());
        assertEquals(List.of(), node.effects(OWNER));
    }

    private int stepsOfCreating() {
        Faults none = Faults.none();
        Vm vm = create(none);
        int steps = none.passed().size();
        vm.destroy(FakeCall.patient());
        node.undo(OWNER);
        return steps;
    }

    private Vm create(Faults faults) {
        return new FakeHypervisor(faults, SCHEMAS)
                .create(Samples.spec(), context(faults), FakeCall.patient());
    }

    private FakeDriverContext context(Faults faults) {
        return node.context(OWNER, "h0", new FixedSettings(new FakeSettings()), faults);
    }
}
