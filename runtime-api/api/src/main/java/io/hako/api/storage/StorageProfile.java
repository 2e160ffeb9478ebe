// SPDX-License-Identifier: Apache-2.0
package io.hako.api.storage;

import io.hako.api.device.DeviceKind;
import io.hako.api.driver.SchemaRange;
import io.hako.api.types.DriverId;
import java.util.Map;
import java.util.Set;

/**
 * What a storage driver can do under given settings.
 *
 * @param id of the driver
 * @param schemas of state that it deals with
 * @param accepts sources that it can share
 * @param produces how many devices of each kind one attachment gives at most
 * @param features what else it can do
 */
public record StorageProfile(
        DriverId id,
        SchemaRange schemas,
        Set<SourceKind> accepts,
        Map<DeviceKind, Integer> produces,
        Set<StorageFeature> features) {
    public StorageProfile {
        accepts = Set.copyOf(accepts);
        produces = Map.copyOf(produces);
        features = Set.copyOf(features);
    }
}
