// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.hako.api.driver.ProcessSpec;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.NetworkNamespace;
import io.hako.host.shim.proto.DrainStdioResponse;
import io.hako.host.shim.proto.Empty;
import io.hako.host.shim.proto.Event;
import io.hako.host.shim.proto.EventsRequest;
import io.hako.host.shim.proto.EventsResponse;
import io.hako.host.shim.proto.ForwardResponse;
import io.hako.host.shim.proto.KeptFile;
import io.hako.host.shim.proto.KeptResponse;
import io.hako.host.shim.proto.MountsResponse;
import io.hako.host.shim.proto.OutputResponse;
import io.hako.host.shim.proto.Process;
import io.hako.host.shim.proto.ProcessesResponse;
import io.hako.ttrpc.EventPump;
import io.hako.ttrpc.FrameChannel;
import io.hako.ttrpc.TtrpcClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A {@link Shim} over a channel of its link. Ends with the channel. */
public final class ShimClient implements Shim, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ShimClient.class);
    private static final String SERVICE = "hako.shim.v1.Shim";

    private final ShimIdentity identity;
    private final TtrpcClient client;
    private final List<Consumer<ShimEvent>> receivers = new CopyOnWriteArrayList<>();
    private final ReentrantLock lock = new ReentrantLock();
    private Optional<EventPump<Event>> pump = Optional.empty();

    /**
     * @param ended run once, on a thread of this client, when the channel has ended
     */
    public ShimClient(ShimIdentity identity, FrameChannel channel, Runnable ended) {
        this.identity = identity;
        this.client = new TtrpcClient("the shim of sandbox " + identity.owner(), channel, ended);
    }

    @Override
    public ShimIdentity identity() {
        return identity;
    }

    @Override
    public ShimProcess launch(ProcessSpec spec, Placement placement, Call call) {
        return ShimMessages.process(
                ask("Launch", ShimMessages.launch(spec, placement), Process.parser(), call));
    }

    @Override
    public List<ShimProcess> processes(Call call) {
        return ask("Processes", Empty.getDefaultInstance(), ProcessesResponse.parser(), call)
                .getProcessesList()
                .stream()
                .map(ShimMessages::process)
                .toList();
    }

    @Override
    public void signal(String role, int signal, Call call) {
        tell("SignalProcess", ShimMessages.signal(role, signal), call);
    }

    @Override
    public void forget(String role, Call call) {
        tell("Forget", ShimMessages.role(role), call);
    }

    @Override
    public ProcessOutput output(String role, Call call) {
        OutputResponse output =
                ask("Output", ShimMessages.role(role), OutputResponse.parser(), call);
        return new ProcessOutput(output.getNewest().toByteArray(), output.getDropped());
    }

    @Override
    public void release(String file, Call call) {
        tell("Release", ShimMessages.name(file), call);
    }

    @Override
    public Map<String, Integer> kept(Call call) {
        return ask("Kept", Empty.getDefaultInstance(), KeptResponse.parser(), call)
                .getFilesList()
                .stream()
                .collect(Collectors.toUnmodifiableMap(KeptFile::getName, KeptFile::getNumber));
    }

    @Override
    public void mount(String type, String source, Path target, List<String> options, Call call) {
        tell("Mount", ShimMessages.mount(type, source, target, options), call);
    }

    @Override
    public void unmount(Path target, boolean remove, Call call) {
        tell("Unmount", ShimMessages.unmount(target, remove), call);
    }

    @Override
    public List<Path> mounts(Path directory, Call call) {
        return ask("Mounts", ShimMessages.path(directory.toString()), MountsResponse.parser(), call)
                .getTargetsList()
                .stream()
                .map(Path::of)
                .toList();
    }

    @Override
    public LoopbackPorts forwardLoopback(NetworkNamespace network, Call call) {
        ForwardResponse ports =
                ask(
                        "ForwardLoopback",
                        ShimMessages.forward(network.path().toString()),
                        ForwardResponse.parser(),
                        call);
        return new LoopbackPorts(
                ports.getIpv4Port(),
                ports.getIpv6Port() == 0
                        ? OptionalInt.empty()
                        : OptionalInt.of(ports.getIpv6Port()));
    }

    @Override
    public void stopForwarding(Call call) {
        tell("ForwardLoopback", ShimMessages.forward(""), call);
    }

    @Override
    public void prepareCgroup(String path, Call call) {
        tell("PrepareCgroup", ShimMessages.path(path), call);
    }

    @Override
    public void removeCgroup(String path, Call call) {
        tell("RemoveCgroup", ShimMessages.path(path), call);
    }

    @Override
    public void runHook(HookRun hook, Call call) {
        tell("RunHook", ShimMessages.hook(hook), call);
    }

    @Override
    public void joinStdio(StdioJoin join, Call call) {
        tell("JoinStdio", ShimMessages.join(join), call);
    }

    @Override
    public void closeStdin(StdioId process, Call call) {
        tell("CloseStdin", ShimMessages.stdio(process), call);
    }

    @Override
    public Drained drainStdio(StdioId process, Duration idleLimit, Call call) {
        DrainStdioResponse drained =
                ask(
                        "DrainStdio",
                        ShimMessages.drain(process, idleLimit),
                        DrainStdioResponse.parser(),
                        call);
        return new Drained(drained.getComplete(), drained.getUndelivered());
    }

    @Override
    public void leaveStdio(StdioId process, Call call) {
        tell("LeaveStdio", ShimMessages.stdio(process), call);
    }

    @Override
    public Subscription subscribe(Consumer<ShimEvent> receiver) {
        receivers.add(receiver);
        lock.lock();
        try {
            // Not before someone listens: to ask for events is to acknowledge the earlier ones.
            pump = pump.or(() -> Optional.of(startPump()));
        } finally {
            lock.unlock();
        }
        return () -> receivers.remove(receiver);
    }

    @Override
    public void leaveAnswers(List<ReadyAnswer> alive, List<ReadyAnswer> dead, Call call) {
        tell("LeaveAnswers", ShimMessages.answers(alive, dead), call);
    }

    @Override
    public void quit(Call call) {
        boolean linked = client.isOpen();
        try {
            tell("Quit", Empty.getDefaultInstance(), call);
        } catch (DriverException e) {
            // A shim that ends takes the link with it, at times before its answer has come through.
            if (!linked || client.isOpen() || e.failure() != FailureKind.UNAVAILABLE) {
                throw e;
            }
        }
    }

    /** Ends the channel, and the client's threads soon after. */
    @Override
    public void close() {
        lock.lock();
        try {
            pump.ifPresent(EventPump::close);
        } finally {
            lock.unlock();
        }
        client.close();
    }

    private EventPump<Event> startPump() {
        return new EventPump<>(
                "shim " + identity.owner(),
                (after, call) ->
                        ask(
                                        "Events",
                                        EventsRequest.newBuilder().setAfter(after).build(),
                                        EventsResponse.parser(),
                                        call)
                                .getEventsList(),
                Event::getSequence,
                event -> receivers.forEach(receiver -> receiver.accept(ShimMessages.event(event))),
                failure -> {
                    LOG.debug("No more events of {}: {}", identity.owner(), failure.getMessage());
                    client.close();
                });
    }

    private void tell(String method, MessageLite request, Call call) {
        ask(method, request, Empty.parser(), call);
    }

    private <A extends MessageLite> A ask(
            String method, MessageLite request, Parser<A> answer, Call call) {
        return client.call(SERVICE, method, request, answer, call);
    }
}
