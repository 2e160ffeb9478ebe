// SPDX-License-Identifier: Apache-2.0
package io.hako.fake;

import io.hako.api.device.Device;
import io.hako.api.device.TapInterface;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.SchemaRange;
import io.hako.api.host.Links;
import io.hako.api.network.NetworkAttachment;
import io.hako.api.network.NetworkSource;
import io.hako.api.network.RateLimited;
import io.hako.api.types.Call;
import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MacAddress;
import io.hako.api.types.NetworkNamespace;
import io.hako.api.types.Rate;
import java.nio.file.Path;
import java.util.Optional;

/** One veth and its tap. */
final class FakeNetworkAttachment extends FakeHandle implements NetworkAttachment, RateLimited {
    private final Faults faults;
    private Recorded recorded;

    FakeNetworkAttachment(
            DriverContext context, SchemaRange schemas, Faults faults, Recorded recorded) {
        super(FakeNetworkModel.ID, schemas, context);
        this.faults = faults;
        this.recorded = recorded;
    }

    /**
     * The state's fields. Rates are bits per second, 0 for none.
     *
     * @param deviceMtu of the link when it was connected
     * @param mtu of the link now
     */
    record Recorded(
            String network,
            String link,
            String mac,
            int deviceMtu,
            int mtu,
            long ingress,
            long egress) {
        static Recorded of(NetworkSource.PodLink link) {
            return new Recorded(
                    link.network().path().toString(),
                    link.name(),
                    link.mac().text(),
                    link.mtu(),
                    link.mtu(),
                    0,
                    0);
        }

        Recorded with(int newMtu) {
            return new Recorded(network, link, mac, deviceMtu, newMtu, ingress, egress);
        }

        Recorded limited(long toGuest, long fromGuest) {
            return new Recorded(network, link, mac, deviceMtu, mtu, toGuest, fromGuest);
        }

        NetworkNamespace namespace() {
            return new NetworkNamespace(Path.of(network));
        }

        /** At most 15 characters, the same at each try. */
        String tap() {
            return "tap%08x".formatted(link.hashCode());
        }
    }

    void requireLink(Call call) {
        if (links().find(recorded.link(), call).isEmpty()) {
            throw new DriverException(
                    FailureKind.NOT_FOUND,
                    "There is no interface %s in network namespace %s."
                            .formatted(recorded.link(), recorded.network()));
        }
    }

    /** Makes whatever is missing. */
    void establish(Call call) {
        requireLink(call);
        Links links = links();
        links.createTap(recorded.tap(), 1, call);
        links.setMtu(recorded.tap(), recorded.mtu(), call);
        links.setUp(recorded.tap(), true, call);
        faults.pass("join tap and link");
        links.redirect(recorded.link(), recorded.tap(), call);
    }

    @Override
    Record recorded() {
        return recorded;
    }

    @Override
    void undo(Call call) {
        faults.pass("part tap and link");
        links().stopRedirect(recorded.link(), call);
        links().delete(recorded.tap(), call);
    }

    @Override
    public Device device() {
        return new TapInterface(
                new DeviceId("net-" + recorded.link()),
                new MacAddress(recorded.mac()),
                recorded.deviceMtu(),
                recorded.tap(),
                recorded.namespace(),
                1);
    }

    @Override
    public void update(NetworkSource now, Call call) {
        requireOpen("updated");
        call.checkCancelled();
        if (!(now instanceof NetworkSource.PodLink link)
                || !link.network().equals(recorded.namespace())
                || !link.name().equals(recorded.link())) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "The attachment is of link %s, not of %s."
                            .formatted(recorded.link(), now.name()));
        }
        recorded = recorded.with(link.mtu());
        establish(call);
    }

    @Override
    public void limit(Optional<Rate> ingress, Optional<Rate> egress, Call call) {
        requireOpen("limited");
        call.checkCancelled();
        faults.pass("limit rates");
        recorded =
                recorded.limited(
                        ingress.map(Rate::bits).orElse(0L), egress.map(Rate::bits).orElse(0L));
    }

    private Links links() {
        return context.host().links(recorded.namespace());
    }
}
