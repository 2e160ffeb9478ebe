// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.host.Link;
import io.hako.api.host.Links;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MacAddress;
import io.hako.api.types.NetworkNamespace;
import io.hako.host.Machine;
import io.hako.state.EffectLog;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The interfaces of one namespace: what is made is journalled first. */
record JournalledLinks(NetworkNamespace network, Links links, EffectLog effects) implements Links {
    /** Takes an effect away; one whose namespace or interface is gone is gone too. */
    static void undo(EffectKind kind, String effect, Machine machine, Call call) {
        int blank = effect.lastIndexOf(' ');
        String name = effect.substring(blank + 1);
        try {
            Links links = machine.links(new NetworkNamespace(Path.of(effect.substring(0, blank))));
            if (kind == EffectKind.LINK) {
                links.delete(name, call);
            } else {
                links.stopRedirect(name, call);
            }
        } catch (DriverException e) {
            if (e.failure() != FailureKind.NOT_FOUND) {
                throw e;
            }
        }
    }

    @Override
    public List<Link> list(Call call) {
        return links.list(call);
    }

    @Override
    public Optional<Link> find(String name, Call call) {
        return links.find(name, call);
    }

    @Override
    public void createTap(String name, int queues, Call call) {
        effects.begin(EffectKind.LINK.word(), effect(name), "");
        links.createTap(name, queues, call);
        effects.done(EffectKind.LINK.word(), effect(name));
    }

    @Override
    public void delete(String name, Call call) {
        links.delete(name, call);
        effects.undone(EffectKind.LINK.word(), effect(name));
    }

    @Override
    public void setUp(String name, boolean up, Call call) {
        links.setUp(name, up, call);
    }

    @Override
    public void setMtu(String name, int mtu, Call call) {
        links.setMtu(name, mtu, call);
    }

    @Override
    public void setMac(String name, MacAddress mac, Call call) {
        links.setMac(name, mac, call);
    }

    @Override
    public void redirect(String one, String other, Call call) {
        effects.begin(EffectKind.REDIRECT.word(), effect(one), "");
        effects.begin(EffectKind.REDIRECT.word(), effect(other), "");
        links.redirect(one, other, call);
        effects.done(EffectKind.REDIRECT.word(), effect(one));
        effects.done(EffectKind.REDIRECT.word(), effect(other));
    }

    @Override
    public void stopRedirect(String name, Call call) {
        links.stopRedirect(name, call);
        effects.undone(EffectKind.REDIRECT.word(), effect(name));
    }

    private String effect(String name) {
        return network.path() + " " + name;
    }
}
