// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.driver.SchemaRange;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.osgi.framework.Bundle;
import org.osgi.framework.wiring.BundleCapability;
import org.osgi.framework.wiring.BundleRevision;

/**
 * What a bundle's manifest says of a driver in it ({@code Provide-Capability: hako.driver}), read
 * without running its code.
 *
 * @param settings name of the record of its settings, if it has any
 */
record Announcement(DriverId driver, Optional<String> settings, SchemaRange schemas) {
    static final String NAMESPACE = "hako.driver";

    /** All that a bundle announces; one that is not installed any more announces nothing. */
    static List<Announcement> of(Bundle bundle) {
        BundleRevision revision = bundle.adapt(BundleRevision.class);
        if (revision == null) {
            return List.of();
        }
        return revision.getDeclaredCapabilities(NAMESPACE).stream()
                .map(BundleCapability::getAttributes)
                .map(attributes -> read(bundle, attributes))
                .toList();
    }

    static Optional<Announcement> of(Bundle bundle, DriverId driver) {
        return of(bundle).stream().filter(a -> a.driver().equals(driver)).findFirst();
    }

    private static Announcement read(Bundle bundle, Map<String, Object> attributes) {
        DriverId driver =
                DriverId.parse(
                        "%s/%s"
                                .formatted(
                                        String.valueOf(attributes.get("kind"))
                                                .toLowerCase(Locale.ROOT),
                                        attributes.get("name")));
        return new Announcement(
                driver,
                Optional.ofNullable(attributes.get("settings")).map(Object::toString),
                new SchemaRange(
                        number(bundle, attributes, "schema.oldest"),
                        number(bundle, attributes, "schema.written")));
    }

    private static int number(Bundle bundle, Map<String, Object> attributes, String name) {
        if (attributes.get(name) instanceof Long number) {
            return Math.toIntExact(number);
        }
        throw DriverException.invalid(
                "The hako.driver capability of bundle %s %s needs the attribute %s:Long."
                        .formatted(bundle.getSymbolicName(), bundle.getVersion(), name));
    }

    /** The settings record, by the bundle's own loader. */
    Optional<Class<? extends Record>> settingsRecord(Bundle bundle) {
        return settings.map(name -> load(bundle, name));
    }

    private Class<? extends Record> load(Bundle bundle, String name) {
        try {
            return bundle.loadClass(name).asSubclass(Record.class);
        } catch (ClassNotFoundException | ClassCastException | NoClassDefFoundError e) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "The settings %s of driver %s are no record in its bundle."
                            .formatted(name, driver),
                    e);
        }
    }
}
