// SPDX-License-Identifier: Apache-2.0
package io.hako.network.tcfilter;

import io.hako.api.device.DeviceKind;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Finding;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.Settings;
import io.hako.api.network.LinkKind;
import io.hako.api.network.NetworkAttachment;
import io.hako.api.network.NetworkModel;
import io.hako.api.network.NetworkProfile;
import io.hako.api.network.NetworkSource;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.osgi.service.component.annotations.Component;

/** Joins the pod's link to a tap by two redirects of the traffic control layer (tc-mirred(8)). */
@Component(service = NetworkModel.class, property = "hako.driver=network/tcfilter")
public final class TcFilterModel implements NetworkModel {
    /** A macvlan receives the frames for its own address alone, which is the guest's. */
    private static final Set<LinkKind> KINDS = Set.of(LinkKind.VETH, LinkKind.MACVLAN);

    private static final Path TUN = Path.of("/dev/net/tun");

    /** There if the kernel has CONFIG_NET_SCHED (Linux net/sched/sch_api.c). */
    private static final Path SCHEDULER = Path.of("/proc/net/psched");

    @Override
    public NetworkProfile profile(Settings settings) {
        return new NetworkProfile(
                Joint.DRIVER, Joint.SCHEMAS, KINDS, Map.of(DeviceKind.TAP_INTERFACE, 1), Set.of());
    }

    @Override
    public List<Finding> probe(Settings settings, Call call) {
        call.checkCancelled();
        return List.of(
                finding(
                        "taps",
                        TUN,
                        "Load the kernel module tun, and give this system the device (mknod c 10 200)."),
                finding(
                        "traffic control",
                        SCHEDULER,
                        "Use a kernel with CONFIG_NET_SCHED, sch_ingress, cls_u32 and act_mirred."));
    }

    @Override
    public NetworkAttachment connect(NetworkSource source, DriverContext context, Call call) {
        call.checkCancelled();
        if (!(source instanceof NetworkSource.PodLink link) || !KINDS.contains(link.kind())) {
            throw DriverException.unsupported(
                    "Interface %s is of kind %s, but the driver %s joins VETH and MACVLAN only."
                            .formatted(source.name(), source.kind(), Joint.DRIVER));
        }
        TcFilterAttachment attachment = new TcFilterAttachment(Joint.of(link), context);
        try {
            attachment.establish(call);
            return attachment;
        } catch (DriverException e) {
            undoAfter(e, attachment, call);
            throw e;
        }
    }

    @Override
    public NetworkAttachment adopt(HandleState state, DriverContext context, Call call) {
        call.checkCancelled();
        return new TcFilterAttachment(Joint.of(state), context);
    }

    private static void undoAfter(DriverException first, TcFilterAttachment attachment, Call call) {
        try {
            attachment.undo(call);
        } catch (DriverException e) {
            first.addSuppressed(e);
        }
    }

    private static Finding finding(String subject, Path file, String remedy) {
        return Files.exists(file)
                ? Finding.ok(subject, "%s is there.".formatted(file))
                : Finding.missing(subject, "There is no %s.".formatted(file), remedy);
    }
}
