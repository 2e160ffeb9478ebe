// SPDX-License-Identifier: Apache-2.0
package io.hako.storage.virtiofs;

import io.hako.api.device.Device;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.HandleState;
import io.hako.api.storage.GuestStep;
import io.hako.api.storage.StorageAttachment;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.util.List;

/** A shared directory. One call at a time. */
final class VirtioFsAttachment implements StorageAttachment {
    private enum Life {
        OPEN,
        RELEASED,
        DESTROYED
    }

    private final Share share;
    private final DriverContext context;
    private volatile Life life = Life.OPEN;

    VirtioFsAttachment(Share share, DriverContext context) {
        this.share = share;
        this.context = context;
    }

    @Override
    public List<Device> devices() {
        return List.of(share.device(context.workspace()));
    }

    @Override
    public List<GuestStep> guestSteps() {
        return List.of(share.guestStep());
    }

    @Override
    public HandleState state() {
        return share.toHandleState();
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
        if (life == Life.RELEASED) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "Share %s was released: adopt it to destroy it.".formatted(share.id()));
        }
        undo(share, context, call);
        life = Life.DESTROYED;
    }

    /** Takes away whatever there is of a share on the host. */
    static void undo(Share share, DriverContext context, Call call) {
        Backend.end(share, context, call);
        if (share.readOnly()) {
            context.host().mounts().unmount(Share.readOnlyView(context.workspace()), call);
        }
    }
}
