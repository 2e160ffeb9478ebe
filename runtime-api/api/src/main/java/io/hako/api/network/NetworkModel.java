// SPDX-License-Identifier: Apache-2.0
package io.hako.api.network;

import io.hako.api.driver.Driver;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.HandleState;
import io.hako.api.types.Call;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Brings one network interface of a pod to its virtual machine.
 *
 * <p><b>Words.</b> The <i>source</i> is what the pod was given: mostly one end of a veth pair in
 * the pod's network namespace. A model makes of it a <i>device</i>, for whichever hypervisor can
 * attach it. Addresses, routes and names are not its business: the daemon reads them in the
 * namespace and gives them to the agent.
 *
 * <p><b>States of an attachment.</b>
 *
 * <pre>
 *   connect ──> connected ──update──> connected ──destroy──> (nothing)
 * </pre>
 *
 * <p><b>Effects</b> are made through {@code context.host().links(namespace)}, under names that
 * follow from the source, so that a repeated connect finds what an interrupted one left. What the
 * source was like before is part of the state if destroying has to bring it back. If the namespace
 * is gone, everything in it is, and destroying succeeds.
 *
 * <p><b>Adoption</b> changes nothing on the host. What is missing of its effects is made again by
 * {@code update}.
 *
 * <p><b>A worked example.</b>
 *
 * {@snippet lang=java :
 * NetworkAttachment net = model.connect(podLink, context, call);   // a tap beside the veth, frames redirected
 * vm.attach(net.device(), call);
 * net.update(podLinkWithNewMtu, call);
 * vm.detach(net.device().id(), call);
 * net.destroy(call);                                               // the veth is as it was
 * }
 */
@ConsumerType
public interface NetworkModel extends Driver<NetworkProfile> {
    /**
     * Makes a device of a source.
     *
     * @throws io.hako.api.types.DriverException UNSUPPORTED if the profile does not accept its
     *     kind; NOT_FOUND if the namespace or the link does not exist
     */
    NetworkAttachment connect(NetworkSource source, DriverContext context, Call call);

    /**
     * Takes an attachment up again from its state.
     *
     * @throws io.hako.api.types.DriverException UNSUPPORTED if the state's schema is outside this
     *     driver's range; then and on any other failure nothing is changed
     */
    NetworkAttachment adopt(HandleState state, DriverContext context, Call call);
}
