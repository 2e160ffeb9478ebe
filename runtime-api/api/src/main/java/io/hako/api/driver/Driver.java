// SPDX-License-Identifier: Apache-2.0
package io.hako.api.driver;

import io.hako.api.types.Call;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * What every driver is, whatever it drives: a factory of handles, found as an OSGi service.
 *
 * <p><b>Announcing a driver.</b> A bundle registers one of the three service types {@code
 * Hypervisor}, {@code NetworkModel}, {@code StorageDriver} by Declarative Services, with the
 * property {@code hako.driver}:
 *
 * {@snippet lang=java :
 * @Component(service = Hypervisor.class, property = "hako.driver=hypervisor/example")
 * public final class ExampleHypervisor implements Hypervisor {}
 * }
 *
 * and says the same in its manifest, where the daemon reads it before any code of the bundle runs:
 *
 * <pre>{@code
 * Provide-Capability: hako.driver;kind=hypervisor;name=example;settings="com.example.Settings";\
 *  schema.oldest:Long=1;schema.written:Long=1
 * }</pre>
 *
 * {@code settings} names the record that the driver's table of the settings file is checked against
 * ({@link Settings}); without it the driver has no settings. {@code schema.*} is its {@link
 * SchemaRange}.
 *
 * <p><b>State lives outside the code.</b> The daemon may be killed between any two instructions,
 * and a driver replaced while its handles are in use. So a driver keeps nothing in static fields,
 * owns no process (the shim does, by way of {@link DriverContext#launch}), makes every effect on
 * the host through its context, and can adopt from a {@link HandleState} what it, or the version
 * before it, created. Activation touches nothing on the host and returns within a second;
 * deactivation leaves open handles alone.
 *
 * <p><b>Imports.</b> A driver's bundle imports this API, slf4j and OSGi, embeds whatever else it
 * needs, and loads no native library. All of its classes are loaded before it is used.
 *
 * <p><b>Threads.</b> All methods of a driver may be called at the same time.
 *
 * @param <P> its profile, what it can do
 */
@ConsumerType
public interface Driver<P> {
    /**
     * What this driver can do under these settings. Pure: the same settings give an equal profile,
     * nothing is looked up on the host, and it returns at once.
     */
    P profile(Settings settings);

    /**
     * Looks whether the host has what this driver needs under these settings: is the program there
     * and which version is it, does the device open. Changes nothing. It may run a program and wait
     * for it, the only case in which a driver starts a process by itself.
     *
     * @return at least one finding, in the order in which an operator should read them
     */
    List<Finding> probe(Settings settings, Call call);
}
