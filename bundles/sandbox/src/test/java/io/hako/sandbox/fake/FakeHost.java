// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.fake;

import io.hako.api.host.Host;
import io.hako.api.host.Link;
import io.hako.api.host.Links;
import io.hako.api.host.Mounts;
import io.hako.api.host.UnixStream;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MacAddress;
import io.hako.api.types.NetworkNamespace;
import io.hako.host.Machine;
import io.hako.state.Effect;
import io.hako.state.EffectLog;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What a network driver may do to the host: journalled first, then made. */
record FakeHost(Machine machine, EffectLog effects) implements Host {
    static final String LINK = "link";

    @Override
    public Links links(NetworkNamespace network) {
        return new Journalled(network, machine.links(network), effects);
    }

    /** From the journal alone; what went with its namespace is gone. */
    static void undo(Effect effect, Machine machine, Call call) {
        int blank = effect.name().lastIndexOf(' ');
        Links links =
                machine.links(new NetworkNamespace(Path.of(effect.name().substring(0, blank))));
        String name = effect.name().substring(blank + 1);
        try {
            links.stopRedirect(name, call);
            if (effect.detail().equals("tap")) {
                links.delete(name, call);
            }
        } catch (DriverException e) {
            if (e.failure() != FailureKind.NOT_FOUND) {
                throw e;
            }
        }
    }

    @Override
    public Mounts mounts() {
        throw DriverException.unsupported("The fake drivers mount nothing.");
    }

    @Override
    public UnixStream connect(Path socket, Call call) {
        throw DriverException.unsupported("The fake drivers connect to nothing.");
    }

    private record Journalled(NetworkNamespace network, Links links, EffectLog effects)
            implements Links {
        private String effect(String name) {
            return network + " " + name;
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
            effects.begin(LINK, effect(name), "tap");
            links.createTap(name, queues, call);
            effects.done(LINK, effect(name));
        }

        @Override
        public void delete(String name, Call call) {
            links.delete(name, call);
            effects.undone(LINK, effect(name));
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
            effects.begin(LINK, effect(one), "redirect");
            links.redirect(one, other, call);
            effects.done(LINK, effect(one));
        }

        @Override
        public void stopRedirect(String name, Call call) {
            links.stopRedirect(name, call);
            effects.undone(LINK, effect(name));
        }
    }
}
