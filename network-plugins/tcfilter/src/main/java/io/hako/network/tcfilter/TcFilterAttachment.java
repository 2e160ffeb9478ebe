// SPDX-License-Identifier: Apache-2.0
package io.hako.network.tcfilter;

import io.hako.api.device.Device;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.HandleState;
import io.hako.api.host.Links;
import io.hako.api.network.NetworkAttachment;
import io.hako.api.network.NetworkSource;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;

/** A link joined to a tap. One call at a time. */
final class TcFilterAttachment implements NetworkAttachment {
    private enum Life {
        OPEN,
        RELEASED,
        DESTROYED
    }

    private final DriverContext context;
    private volatile Joint joint;
    private volatile Life life = Life.OPEN;

    TcFilterAttachment(Joint joint, DriverContext context) {
        this.joint = joint;
        this.context = context;
    }

    @Override
    public Device device() {
        return joint.device();
    }

    @Override
    public HandleState state() {
        return joint.toHandleState();
    }

    @Override
    public void update(NetworkSource now, Call call) {
        requireOpen();
        call.checkCancelled();
        if (!(now instanceof NetworkSource.PodLink link) || !joint.joins(link)) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "The attachment is of interface %s in %s, not of %s."
                            .formatted(joint.link(), joint.network(), now.name()));
        }
        Joint next = joint.withLinkMtu(link.mtu());
        establish(next, call);
        joint = next;
    }

    @Override
    public void release() {
        if (life == Life.OPEN) {
            life = Life.RELEASED;
        }
    }

    @Override
    public void destroy(Call call) {
        if (life == Life.DESTROYED) {
            return;
        }
        requireOpen();
        undo(call);
        life = Life.DESTROYED;
    }

    /** Makes whatever is missing. */
    void establish(Call call) {
        establish(joint, call);
    }

    /** Takes away whatever there is; a namespace or link that is gone took its part with it. */
    void undo(Call call) {
        Links links = links();
        unlessGone(() -> links.stopRedirect(joint.link(), call));
        unlessGone(() -> links.delete(joint.tap(), call));
    }

    private void establish(Joint wanted, Call call) {
        Links links = links();
        if (links.find(wanted.link(), call).isEmpty()) {
            throw new DriverException(
                    FailureKind.NOT_FOUND,
                    "There is no interface %s in network namespace %s."
                            .formatted(wanted.link(), wanted.network()));
        }
        links.createTap(wanted.tap(), 1, call);
        links.setMtu(wanted.tap(), wanted.linkMtu(), call);
        links.setUp(wanted.tap(), true, call);
        links.redirect(wanted.link(), wanted.tap(), call);
    }

    private Links links() {
        return context.host().links(joint.network());
    }

    private static void unlessGone(Runnable step) {
        try {
            step.run();
        } catch (DriverException e) {
            if (e.failure() != FailureKind.NOT_FOUND) {
                throw e;
            }
        }
    }

    private void requireOpen() {
        if (life != Life.OPEN) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "The attachment of interface %s is closed: it was %s."
                            .formatted(
                                    joint.link(),
                                    life == Life.RELEASED ? "released" : "destroyed"));
        }
    }
}
