// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.driver.DriverContext;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.SchemaRange;
import io.hako.api.network.LinkKind;
import io.hako.api.network.NetworkAttachment;
import io.hako.api.network.NetworkFeature;
import io.hako.api.network.NetworkModel;
import io.hako.api.network.NetworkProfile;
import io.hako.api.network.NetworkSource;
import io.hako.api.network.RateLimited;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.api.types.Rate;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.Assume;
import org.junit.Test;

/**
 * What every network model promises. A vendor extends this class, and says how to make a driver and
 * what to connect.
 */
public abstract class NetworkModelContract
        extends HandleEvolution<NetworkModel, NetworkAttachment> {
    private static final Set<FailureKind> REFUSALS =
            Set.of(FailureKind.UNSUPPORTED, FailureKind.FAILED_PRECONDITION);

    /** A source that the driver accepts, and that exists on the testbed. The same at each call. */
    protected abstract NetworkSource source();

    /** The same link with another MTU. */
    protected abstract NetworkSource changedSource();

    /** A source like {@link #source} in all but its name, which no link on the testbed has. */
    protected abstract NetworkSource missingSource();

    /** A source of a kind that the driver does not accept; empty if there is none. */
    protected abstract Optional<NetworkSource> refusedSource(LinkKind kind);

    @Override
    final NetworkAttachment make(NetworkModel driver, DriverContext context, Call call) {
        return driver.connect(source(), context, call);
    }

    @Override
    final NetworkAttachment adopt(
            NetworkModel driver, HandleState state, DriverContext context, Call call) {
        return driver.adopt(state, context, call);
    }

    @Override
    final void assertLaterIsUnsupported() {
        NetworkSource later = LaterWorld.variant(NetworkSource.class, source());
        assertFails(FailureKind.UNSUPPORTED, () -> newDriver().connect(later, context(), call()));
        if (source() instanceof NetworkSource.PodLink link) {
            assertFails(
                    FailureKind.UNSUPPORTED,
                    () -> newDriver().connect(ofALaterKind(link), context(), call()));
        }
        NetworkAttachment net = make();
        HandleState before = net.state();
        // To the attachment, it may be another link as well.
        DriverException e = assertThrows(DriverException.class, () -> net.update(later, call()));
        assertTrue(e.toString(), REFUSALS.contains(e.failure()));
        assertEquals(before, net.state());
        net.destroy(call());
    }

    private static NetworkSource ofALaterKind(NetworkSource.PodLink link) {
        return new NetworkSource.PodLink(
                link.network(),
                link.name(),
                LaterWorld.constant(LinkKind.class),
                link.mac(),
                link.mtu());
    }

    @Override
    final void use(NetworkAttachment net) {
        net.update(changedSource(), call());
    }

    @Override
    final DriverId id(NetworkModel driver) {
        return driver.profile(settings()).id();
    }

    @Override
    final SchemaRange schemas(NetworkModel driver) {
        return driver.profile(settings()).schemas();
    }

    private NetworkProfile profile() {
        return newDriver().profile(settings());
    }

    @Test
    public void theDeviceIsOfADeclaredKindAndHasTheSourcesAddress() {
        NetworkAttachment net = make();
        assertTrue(profile().produces().containsKey(net.device().kind()));
        assertEquals(net.device(), net.device());
    }

    @Test
    public void theDeviceIsTheSameAfterAdoption() {
        NetworkAttachment net = make();
        net.release();
        assertEquals(net.device(), adopt(net.state()).device());
    }

    @Test
    public void anUpdateWithoutChangeChangesNothing() {
        NetworkAttachment net = make();
        List<String> before = testbed().effects(OWNER);
        HandleState state = net.state();
        net.update(source(), call());
        assertEquals(before, testbed().effects(OWNER));
        assertEquals(state, net.state());
    }

    @Test
    public void anUpdateIsInTheStateAndSurvivesAdoption() {
        NetworkAttachment net = make();
        net.update(changedSource(), call());
        HandleState state = net.state();
        net.release();
        NetworkAttachment adopted = adopt(state);
        assertEquals(state, adopted.state());
        adopted.destroy(call());
        assertNothingLeft();
    }

    @Test
    public void anotherLinkIsNoUpdate() {
        NetworkAttachment net = make();
        assertFails(FailureKind.FAILED_PRECONDITION, () -> net.update(missingSource(), call()));
    }

    @Test
    public void connectingWhatAnInterruptedTryLeftSucceeds() {
        make(); // killed before its state was journalled
        NetworkAttachment again = make();
        again.destroy(call());
        assertNothingLeft();
    }

    @Test
    public void aMissingLinkIsRefused() {
        assertFails(
                FailureKind.NOT_FOUND,
                () -> newDriver().connect(missingSource(), context(), call()));
        assertNothingLeft();
    }

    @Test
    public void undeclaredKindsAreRefused() {
        for (LinkKind kind : LinkKind.values()) {
            Optional<NetworkSource> refused =
                    refusedSource(kind).filter(s -> !profile().accepts().contains(s.kind()));
            refused.ifPresent(
                    s ->
                            assertFails(
                                    FailureKind.UNSUPPORTED,
                                    () -> newDriver().connect(s, context(), call())));
        }
        assertNothingLeft();
    }

    @Test
    public void powersAreDeclaredIfAndOnlyIfTheyAreThere() {
        assertEquals(
                profile().features().contains(NetworkFeature.RATE_LIMIT),
                make() instanceof RateLimited);
    }

    @Test
    public void limitsAreSetAndTakenAway() {
        Assume.assumeTrue(profile().features().contains(NetworkFeature.RATE_LIMIT));
        NetworkAttachment net = make();
        HandleState unlimited = net.state();
        ((RateLimited) net).limit(Optional.of(new Rate(1_000_000)), Optional.empty(), call());
        assertFalse("the limit is in the state", unlimited.equals(net.state()));
        ((RateLimited) net).limit(Optional.empty(), Optional.empty(), call());
        assertEquals(unlimited, net.state());
    }

    @Test
    public void aClosedAttachmentIsNotUpdated() {
        NetworkAttachment net = make();
        net.release();
        assertFails(FailureKind.FAILED_PRECONDITION, () -> net.update(changedSource(), call()));
    }
}
