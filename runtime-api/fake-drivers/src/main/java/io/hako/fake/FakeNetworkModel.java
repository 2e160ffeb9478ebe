// SPDX-License-Identifier: Apache-2.0
package io.hako.fake;

import io.hako.api.device.DeviceKind;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Finding;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.SchemaRange;
import io.hako.api.driver.Settings;
import io.hako.api.network.LinkKind;
import io.hako.api.network.NetworkAttachment;
import io.hako.api.network.NetworkFeature;
import io.hako.api.network.NetworkModel;
import io.hako.api.network.NetworkProfile;
import io.hako.api.network.NetworkSource;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.DriverKind;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/** A tap beside the pod's veth and a redirect between them, on whatever links the context gives. */
@Component(service = NetworkModel.class, property = "hako.driver=network/fake")
public final class FakeNetworkModel implements NetworkModel {
    static final DriverId ID = new DriverId(DriverKind.NETWORK, "fake");

    private final Faults faults;
    private final SchemaRange schemas;

    @Activate
    public FakeNetworkModel() {
        this(Faults.none(), new SchemaRange(1, 1));
    }

    public FakeNetworkModel(Faults faults, SchemaRange schemas) {
        this.faults = faults;
        this.schemas = schemas;
    }

    @Override
    public NetworkProfile profile(Settings settings) {
        return new NetworkProfile(
                ID,
                schemas,
                Set.of(LinkKind.VETH),
                Map.of(DeviceKind.TAP_INTERFACE, 1),
                Set.of(NetworkFeature.RATE_LIMIT));
    }

    @Override
    public List<Finding> probe(Settings settings, Call call) {
        call.checkCancelled();
        return List.of(Finding.ok("Links", "They are made in memory."));
    }

    @Override
    public NetworkAttachment connect(NetworkSource source, DriverContext context, Call call) {
        call.checkCancelled();
        if (!(source instanceof NetworkSource.PodLink link) || link.kind() != LinkKind.VETH) {
            throw DriverException.unsupported(
                    "Interface %s is of kind %s, but %s connects VETH only."
                            .formatted(source.name(), source.kind(), ID));
        }
        FakeNetworkAttachment attachment =
                new FakeNetworkAttachment(
                        context, schemas, faults, FakeNetworkAttachment.Recorded.of(link));
        attachment.requireLink(call);
        FakeHandle.undoneOnFailure(attachment, () -> attachment.establish(call));
        return attachment;
    }

    @Override
    public NetworkAttachment adopt(HandleState state, DriverContext context, Call call) {
        call.checkCancelled();
        var recorded = FakeHandle.parse(state, schemas, FakeNetworkAttachment.Recorded.class);
        faults.pass("adopt attachment");
        return new FakeNetworkAttachment(context, schemas, faults, recorded);
    }
}
