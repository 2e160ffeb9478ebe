// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.GuestPath;
import io.hako.api.types.OwnerId;
import io.hako.guest.proto.Empty;
import io.hako.guest.proto.EventsRequest;
import io.hako.guest.proto.EventsResponse;
import io.hako.guest.proto.HelloRequest;
import io.hako.guest.proto.HelloResponse;
import io.hako.guest.proto.ListRequest;
import io.hako.guest.proto.ListResponse;
import io.hako.guest.proto.PreparePodResponse;
import io.hako.guest.proto.ProcessResponse;
import io.hako.guest.proto.StatsRequest;
import io.hako.guest.proto.StatsResponse;
import io.hako.guest.proto.UnmountRequest;
import io.hako.guest.proto.WaitResponse;
import io.hako.ttrpc.EventPump;
import io.hako.ttrpc.FrameChannel;
import io.hako.ttrpc.TtrpcClient;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** A {@link Guest} over a channel of frames. */
final class AgentClient implements Guest {
    /** Versions of hako.agent.v1 that this daemon speaks. */
    static final int OLDEST_PROTOCOL = 1;

    static final int NEWEST_PROTOCOL = 1;

    private static final String SERVICE = "hako.agent.v1.Agent";

    private final OwnerId sandbox;
    private final GuestListener listener;
    private final Consumer<AgentClient> ended;
    private final TtrpcClient client;
    private volatile Optional<GuestHello> greeting = Optional.empty();
    private volatile Optional<EventPump<GuestEvent>> pump = Optional.empty();
    private Optional<String> broken = Optional.empty();
    private boolean hasEnded;
    private boolean toldOfEnd;

    /**
     * @param ended told once, when the channel has ended
     */
    AgentClient(
            OwnerId sandbox,
            FrameChannel channel,
            GuestListener listener,
            Consumer<AgentClient> ended) {
        this.sandbox = sandbox;
        this.listener = listener;
        this.ended = ended;
        this.client = new TtrpcClient("the agent of sandbox " + sandbox, channel, this::lost);
    }

    /** The first call on the connection; events are followed from then on. */
    void greet(Call call) {
        HelloRequest hello =
                HelloRequest.newBuilder()
                        .setProtocolOldest(OLDEST_PROTOCOL)
                        .setProtocolNewest(NEWEST_PROTOCOL)
                        .build();
        GuestHello answer = Answers.greeting(ask("Hello", hello, HelloResponse.parser(), call));
        if (answer.protocol() < OLDEST_PROTOCOL || answer.protocol() > NEWEST_PROTOCOL) {
            throw DriverException.unsupported(
                    "The agent of sandbox %s speaks version %s of its protocol, but hakod speaks %d to %d: make the pod anew."
                            .formatted(
                                    sandbox,
                                    Integer.toUnsignedString(answer.protocol()),
                                    OLDEST_PROTOCOL,
                                    NEWEST_PROTOCOL));
        }
        pump =
                Optional.of(
                        new EventPump<>(
                                "agent of " + sandbox,
                                this::events,
                                GuestEvent::sequence,
                                listener::happened,
                                this::eventsFailed));
        greeting = Optional.of(answer);
        tellIfLost();
    }

    private List<GuestEvent> events(long after, Call call) {
        return Answers.events(
                ask(
                        "Events",
                        EventsRequest.newBuilder().setAfter(after).build(),
                        EventsResponse.parser(),
                        call));
    }

    private void eventsFailed(DriverException failure) {
        synchronized (this) {
            broken = broken.or(() -> Optional.of(failure.getMessage()));
        }
        client.close();
    }

    private void lost() {
        pump.ifPresent(EventPump::close);
        ended.accept(this);
        synchronized (this) {
            hasEnded = true;
        }
        tellIfLost();
    }

    /** Not before the greeting: until then, whoever connects is told by a failure. */
    private void tellIfLost() {
        String why;
        synchronized (this) {
            if (!hasEnded || toldOfEnd || greeting.isEmpty()) {
                return;
            }
            toldOfEnd = true;
            why =
                    broken.orElse(
                            "The connection to the agent of sandbox %s was closed."
                                    .formatted(sandbox));
        }
        listener.lost(why);
    }

    @Override
    public OwnerId sandbox() {
        return sandbox;
    }

    @Override
    public GuestHello hello() {
        return greeting.orElseThrow(
                () -> new IllegalStateException("The agent has not been greeted."));
    }

    @Override
    public void setIdentity(GuestIdentity identity, Call call) {
        tell("SetIdentity", Requests.identity(identity), call);
    }

    @Override
    public void configureNetwork(GuestNetwork network, Call call) {
        tell("ConfigureNetwork", Requests.network(network), call);
    }

    @Override
    public void mount(
            String key,
            String type,
            String source,
            GuestPath target,
            List<String> options,
            Call call) {
        tell("Mount", Requests.mount(key, type, source, target, options), call);
    }

    @Override
    public void unmount(String key, GuestPath target, Call call) {
        tell(
                "Unmount",
                UnmountRequest.newBuilder().setRequestKey(key).setTarget(target.text()).build(),
                call);
    }

    @Override
    public PodPlaces preparePod(String key, PodNeeds needs, Call call) {
        return Answers.places(
                ask("PreparePod", Requests.pod(key, needs), PreparePodResponse.parser(), call));
    }

    @Override
    public int createContainer(
            String key,
            String container,
            String spec,
            GuestPath rootfs,
            GuestStdio stdio,
            Call call) {
        return Answers.pid(
                ask(
                        "CreateContainer",
                        Requests.create(key, container, spec, rootfs, stdio),
                        ProcessResponse.parser(),
                        call));
    }

    @Override
    public void startContainer(String key, String container, Call call) {
        tell("StartContainer", Requests.start(key, container), call);
    }

    @Override
    public int exec(String key, GuestProcessId id, String process, GuestStdio stdio, Call call) {
        return Answers.pid(
                ask(
                        "Exec",
                        Requests.exec(key, id, process, stdio),
                        ProcessResponse.parser(),
                        call));
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
        return Answers.pid(
                ask(
                        "Debug",
                        Requests.debug(key, exec, program, arguments, environment, stdio),
                        ProcessResponse.parser(),
                        call));
    }

    @Override
    public void signal(String key, GuestProcessId process, int signal, boolean all, Call call) {
        tell("Signal", Requests.signal(key, process, signal, all), call);
    }

    @Override
    public GuestExit await(GuestProcessId process, Call call) {
        return Answers.exit(ask("Wait", Requests.await(process), WaitResponse.parser(), call));
    }

    @Override
    public void resizeTerminal(GuestProcessId process, int rows, int columns, Call call) {
        tell("ResizeTerminal", Requests.resize(process, rows, columns), call);
    }

    @Override
    public GuestExit delete(String key, GuestProcessId process, Call call) {
        return Answers.exit(
                ask("Delete", Requests.delete(key, process), WaitResponse.parser(), call));
    }

    @Override
    public void pause(String container, Call call) {
        tell("Pause", Requests.container(container), call);
    }

    @Override
    public void resume(String container, Call call) {
        tell("Resume", Requests.container(container), call);
    }

    @Override
    public void update(String key, String container, String resources, Call call) {
        tell("Update", Requests.update(key, container, resources), call);
    }

    @Override
    public void useCpus(int count, Call call) {
        tell("UseCpus", Requests.useCpus(count), call);
    }

    @Override
    public List<GuestProcess> list(Call call) {
        return Answers.processes(
                ask("List", ListRequest.getDefaultInstance(), ListResponse.parser(), call));
    }

    @Override
    public GuestFigures stats(List<String> containers, Call call) {
        StatsRequest request = StatsRequest.newBuilder().addAllContainerIds(containers).build();
        return FigureAnswers.figures(ask("Stats", request, StatsResponse.parser(), call));
    }

    @Override
    public void powerOff(String key, String reason, Call call) {
        tell("PowerOff", Requests.powerOff(key, reason), call);
    }

    @Override
    public boolean isOpen() {
        return client.isOpen();
    }

    @Override
    public void close() {
        pump.ifPresent(EventPump::close);
        client.close();
    }

    private void tell(String method, MessageLite request, Call call) {
        ask(method, request, Empty.parser(), call);
    }

    private <A extends MessageLite> A ask(
            String method, MessageLite request, Parser<A> answer, Call call) {
        return client.call(SERVICE, method, request, answer, call);
    }
}
