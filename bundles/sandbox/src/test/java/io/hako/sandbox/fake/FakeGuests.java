// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.fake;

import io.hako.api.types.Call;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.GuestPath;
import io.hako.api.types.OwnerId;
import io.hako.guest.CgroupFigures;
import io.hako.guest.Guest;
import io.hako.guest.GuestEvent;
import io.hako.guest.GuestExit;
import io.hako.guest.GuestFigures;
import io.hako.guest.GuestHello;
import io.hako.guest.GuestIdentity;
import io.hako.guest.GuestListener;
import io.hako.guest.GuestNetwork;
import io.hako.guest.GuestProcess;
import io.hako.guest.GuestProcessId;
import io.hako.guest.GuestStdio;
import io.hako.guest.Guests;
import io.hako.guest.PodNeeds;
import io.hako.guest.PodPlaces;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** A daemon's way to the agents of an outside world. */
public record FakeGuests(Daemon daemon, FakeOutside outside) implements Guests {
    @Override
    public Guest connect(OwnerId sandbox, Path socket, GuestListener listener, Call call) {
        daemon.pass();
        FakeAgent agent = outside.awaitGuest(call);
        daemon.pass();
        return new FakeGuest(daemon, outside, agent, listener);
    }

    private static final class FakeGuest implements Guest {
        private final Daemon daemon;
        private final FakeOutside outside;
        private final FakeAgent agent;
        private final GuestListener listener;
        private volatile boolean open = true;

        FakeGuest(Daemon daemon, FakeOutside outside, FakeAgent agent, GuestListener listener) {
            this.daemon = daemon;
            this.outside = outside;
            this.agent = agent;
            this.listener = listener;
        }

        private FakeAgent agent() {
            daemon.pass();
            agent.requireOn(() -> open);
            return agent;
        }

        @Override
        public OwnerId sandbox() {
            return outside.owner();
        }

        @Override
        public GuestHello hello() {
            return new GuestHello(1, "0.1.0", "6.1.0-fake", "agent", agent().identity());
        }

        @Override
        public void setIdentity(GuestIdentity identity, Call call) {
            agent().setIdentity();
        }

        @Override
        public void configureNetwork(GuestNetwork network, Call call) {
            agent().network(network);
        }

        @Override
        public void mount(
                String key,
                String type,
                String source,
                GuestPath target,
                List<String> options,
                Call call) {
            agent().mount(type + " " + source + " " + target);
        }

        @Override
        public void unmount(String key, GuestPath target, Call call) {
            agent();
        }

        @Override
        public PodPlaces preparePod(String key, PodNeeds needs, Call call) {
            return agent().prepare(needs);
        }

        @Override
        public int createContainer(
                String key,
                String container,
                String spec,
                GuestPath rootfs,
                GuestStdio stdio,
                Call call) {
            agent().spec(container, spec);
            agent.once(
                    key,
                    "create " + container,
                    () ->
                            agent.create(
                                    GuestProcessId.first(container),
                                    GuestProcess.State.CREATED,
                                    stdio));
            return 100;
        }

        @Override
        public void startContainer(String key, String container, Call call) {
            agent().once(
                            key,
                            "start " + container,
                            () ->
                                    agent.move(
                                            GuestProcessId.first(container),
                                            GuestProcess.State.RUNNING));
        }

        @Override
        public int exec(
                String key, GuestProcessId id, String process, GuestStdio stdio, Call call) {
            agent().once(
                            key,
                            "exec " + id.container() + "/" + id.exec(),
                            () -> agent.create(id, GuestProcess.State.RUNNING, stdio));
            return 101;
        }

        @Override
        public int debug(
                String key,
                String exec,
                byte[] program,
                List<String> arguments,
                List<String> environment,
                GuestStdio stdio,
                Call call) {
            agent().once(
                            key,
                            "debug " + exec + " " + program.length,
                            () ->
                                    agent.create(
                                            GuestProcessId.ofGuest(exec),
                                            GuestProcess.State.RUNNING,
                                            stdio));
            return 102;
        }

        @Override
        public void signal(String key, GuestProcessId process, int signal, boolean all, Call call) {
            agent().once(
                            key,
                            "signal " + process.container() + " " + signal,
                            () -> agent.signal(process, signal));
        }

        @Override
        public GuestExit await(GuestProcessId process, Call call) {
            GuestExit exit = agent().await(process, call, () -> open);
            daemon.pass();
            return exit;
        }

        @Override
        public void resizeTerminal(GuestProcessId process, int rows, int columns, Call call) {
            agent().once(
                            "",
                            "resize " + process.container() + " " + columns + "x" + rows,
                            () -> {});
        }

        @Override
        public GuestExit delete(String key, GuestProcessId process, Call call) {
            GuestExit[] exit = new GuestExit[1];
            agent().once(
                            key,
                            "delete " + process.container() + "/" + process.exec(),
                            () -> exit[0] = agent.delete(process));
            return exit[0] == null ? new GuestExit(0, Instant.EPOCH, false) : exit[0];
        }

        @Override
        public void pause(String container, Call call) {
            agent().freeze(container, true);
        }

        @Override
        public void resume(String container, Call call) {
            agent().freeze(container, false);
        }

        @Override
        public void update(String key, String container, String resources, Call call) {
            agent().once(key, "update " + container + " " + resources, () -> {});
        }

        @Override
        public void useCpus(int count, Call call) {
            agent().once("", "use " + count + " cpus", () -> {});
        }

        @Override
        public List<GuestProcess> list(Call call) {
            return agent().list();
        }

        @Override
        public GuestFigures stats(List<String> containers, Call call) {
            agent();
            return new GuestFigures(
                    160 << 10,
                    1 << 20,
                    250 << 20,
                    190 << 20,
                    containers.stream()
                            .collect(Collectors.toMap(Function.identity(), container -> FIGURES)),
                    Optional.of(FIGURES));
        }

        private static final CgroupFigures FIGURES =
                new CgroupFigures(
                        new CgroupFigures.Memory(1, 2, 3, 4, 5, 6),
                        Map.of("usage_usec", 7L),
                        Map.of("anon", 8L),
                        Map.of("oom_kill", 9L),
                        10,
                        11,
                        List.of(new CgroupFigures.Disk(254, 0, 1, 2, 3, 4)),
                        List.of());

        @Override
        public void powerOff(String key, String reason, Call call) {
            agent();
            listener.happened(new GuestEvent.Farewell(1, Instant.EPOCH, reason));
            outside.end(FakeOutside.VMM, new ExitStatus.Exited(0));
        }

        @Override
        public boolean isOpen() {
            return open && agent.isOn();
        }

        @Override
        public void close() {
            open = false;
            agent.wake();
        }
    }
}
