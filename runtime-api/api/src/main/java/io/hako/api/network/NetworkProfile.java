// SPDX-License-Identifier: Apache-2.0
package io.hako.api.network;

import io.hako.api.device.DeviceKind;
import io.hako.api.driver.SchemaRange;
import io.hako.api.types.DriverId;
import java.util.Map;
import java.util.Set;

/**
 * What a network model can do under given settings.
 *
 * @param id of the driver
 * @param schemas of state that it deals with
 * @param accepts sources that it can make a device of
 * @param produces how many devices of each kind one attachment gives at most
 * @param features what else its attachments can do
 */
public record NetworkProfile(
        DriverId id,
        SchemaRange schemas,
        Set<LinkKind> accepts,
        Map<DeviceKind, Integer> produces,
        Set<NetworkFeature> features) {
    public NetworkProfile {
        accepts = Set.copyOf(accepts);
        produces = Map.copyOf(produces);
        features = Set.copyOf(features);
    }
}
