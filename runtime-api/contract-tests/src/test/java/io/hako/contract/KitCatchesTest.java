// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertEquals;

import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Finding;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.Settings;
import io.hako.api.network.NetworkAttachment;
import io.hako.api.network.NetworkFeature;
import io.hako.api.network.NetworkModel;
import io.hako.api.network.NetworkProfile;
import io.hako.api.network.NetworkSource;
import io.hako.api.types.Call;
import io.hako.fake.FakeNetworkModel;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.Test;
import org.junit.runner.JUnitCore;
import org.junit.runner.notification.Failure;

/**
 * A kit is worth nothing if a broken driver passes it: drivers with one fault each are caught by
 * the test made for it.
 */
public class KitCatchesTest {
    @Test
    public void aDriverThatHidesAPower() {
        assertEquals(
                Set.of("powersAreDeclaredIfAndOnlyIfTheyAreThere"), failures(HidesAPower.class));
    }

    @Test
    public void aDriverThatReadsEverySchema() {
        assertEquals(
                Set.of("aStateOfALaterSchemaIsRefusedAndNothingChanges"),
                failures(ReadsEverySchema.class));
    }

    @Test
    public void aDriverWithoutFindings() {
        assertEquals(Set.of("probeFindsSomethingAndChangesNothing"), failures(FindsNothing.class));
    }

    private static Set<String> failures(Class<?> contract) {
        return new JUnitCore()
                .run(contract).getFailures().stream()
                        .map(Failure::getDescription)
                        .map(description -> description.getMethodName())
                        .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Nested, so that the build does not take it for a test of its own. */
    public static final class HidesAPower extends FakeNetworkModelContractTest {
        @Override
        protected NetworkModel newDriver() {
            return new Altered(
                    profile ->
                            new NetworkProfile(
                                    profile.id(),
                                    profile.schemas(),
                                    profile.accepts(),
                                    profile.produces(),
                                    Set.<NetworkFeature>of()),
                    List::copyOf,
                    state -> state);
        }
    }

    public static final class ReadsEverySchema extends FakeNetworkModelContractTest {
        @Override
        protected NetworkModel newDriver() {
            return new Altered(
                    profile -> profile,
                    List::copyOf,
                    state -> new HandleState(state.driver(), 1, state.json()));
        }
    }

    public static final class FindsNothing extends FakeNetworkModelContractTest {
        @Override
        protected NetworkModel newDriver() {
            return new Altered(profile -> profile, findings -> List.of(), state -> state);
        }
    }

    /** The fake with some answers altered. */
    private record Altered(
            UnaryOperator<NetworkProfile> profiles,
            UnaryOperator<List<Finding>> findings,
            UnaryOperator<HandleState> states)
            implements NetworkModel {
        @Override
        public NetworkProfile profile(Settings settings) {
            return profiles.apply(new FakeNetworkModel().profile(settings));
        }

        @Override
        public List<Finding> probe(Settings settings, Call call) {
            return findings.apply(new FakeNetworkModel().probe(settings, call));
        }

        @Override
        public NetworkAttachment connect(NetworkSource source, DriverContext context, Call call) {
            return new FakeNetworkModel().connect(source, context, call);
        }

        @Override
        public NetworkAttachment adopt(HandleState state, DriverContext context, Call call) {
            return new FakeNetworkModel().adopt(states.apply(state), context, call);
        }
    }
}
