// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import io.hako.api.types.DriverId;
import io.hako.control.proto.AwaitDebugRequest;
import io.hako.control.proto.DebugRequest;
import io.hako.control.proto.DoctorResponse;
import io.hako.control.proto.Empty;
import io.hako.control.proto.EventsRequest;
import io.hako.control.proto.EventsResponse;
import io.hako.control.proto.JsonResponse;
import io.hako.control.proto.ListPluginsResponse;
import io.hako.control.proto.ListSandboxesResponse;
import io.hako.control.proto.MetricsResponse;
import io.hako.control.proto.OverheadResponse;
import io.hako.control.proto.PluginRequest;
import io.hako.control.proto.SandboxRequest;
import io.hako.control.proto.SteerDebugRequest;
import io.hako.control.proto.SwapPluginRequest;
import io.hako.control.proto.SwapPluginResponse;
import io.hako.control.proto.VersionResponse;
import io.hako.control.proto.WhyResponse;
import io.hako.observability.Event;
import io.hako.observability.EventLog;
import io.hako.sandbox.Sandboxes;
import io.hako.ttrpc.Methods;
import io.hako.ttrpc.RequestContext;
import io.hako.ttrpc.Service;
import io.hako.ttrpc.TtrpcServer;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/** hako.control.v1.Control on RUN/api.sock (protocols/control/control.proto). */
@Component(service = ControlService.class, immediate = true)
public final class ControlService {
    private static final Duration LONGEST_WAIT = Duration.ofMinutes(1);

    private final Operations operations;
    private final EventLog events;
    private final DebugSessions debugs;
    private final NodeMetrics metrics;
    private final TtrpcServer server;

    @Activate
    public ControlService(
            @Reference Operations operations,
            @Reference Sandboxes sandboxes,
            @Reference EventLog events) {
        this.operations = operations;
        this.debugs = new DebugSessions(sandboxes);
        this.metrics = new NodeMetrics(operations, events);
        this.events = events;
        this.server =
                TtrpcServer.listen(
                        operations.directory("hako.run").resolve("api.sock"), List.of(service()));
        ready();
    }

    /** Whoever reads this can connect. */
    private void ready() {
        Event ready = Event.of(Event.Subject.DAEMON, "ready");
        events.tell(
                ProcessHandle.current()
                        .info()
                        .startInstant()
                        .map(begun -> ready.took(Duration.between(begun, Instant.now())))
                        .orElse(ready));
    }

    @Deactivate
    void close() {
        server.close();
    }

    private Service service() {
        return Methods.named("hako.control.v1.Control")
                .add("Version", Empty.parser(), (request, context) -> version())
                .add("ListSandboxes", Empty.parser(), (request, context) -> sandboxes())
                .add("Inspect", SandboxRequest.parser(), (request, context) -> inspect(request))
                .add("Overhead", SandboxRequest.parser(), this::overhead)
                .add("ListPlugins", Empty.parser(), (request, context) -> plugins())
                .add("SwapPlugin", SwapPluginRequest.parser(), this::swap)
                .add("WhyPlugin", PluginRequest.parser(), (request, context) -> why(request))
                .add("Metrics", Empty.parser(), (request, context) -> metrics())
                .add("Events", EventsRequest.parser(), this::events)
                .add(
                        "Debug",
                        DebugRequest.parser(),
                        (request, context) ->
                                debugs.begin(request, context.peer().user(), context.call()))
                .add(
                        "AwaitDebug",
                        AwaitDebugRequest.parser(),
                        (request, context) -> debugs.await(request, context.call()))
                .add(
                        "SteerDebug",
                        SteerDebugRequest.parser(),
                        (request, context) -> debugs.steer(request, context.call()))
                .add("Doctor", Empty.parser(), (request, context) -> doctor(context));
    }

    private VersionResponse version() {
        return Messages.version(operations.version());
    }

    private ListSandboxesResponse sandboxes() {
        return ListSandboxesResponse.newBuilder()
                .addAllSandboxes(operations.sandboxes().stream().map(Messages::sandbox).toList())
                .build();
    }

    private JsonResponse inspect(SandboxRequest request) {
        return JsonResponse.newBuilder().setJson(operations.inspect(request.getSandbox())).build();
    }

    private OverheadResponse overhead(SandboxRequest request, RequestContext context) {
        return Messages.overhead(operations.overhead(request.getSandbox(), context.call()));
    }

    private ListPluginsResponse plugins() {
        return ListPluginsResponse.newBuilder()
                .addAllPlugins(operations.plugins().stream().map(Messages::plugin).toList())
                .build();
    }

    private SwapPluginResponse swap(SwapPluginRequest request, RequestContext context) {
        DriverId driver = driver(request.getKind(), request.getName());
        return Messages.swapped(
                operations.swap(context.peer().user(), driver, request.getJar(), context.call()));
    }

    private WhyResponse why(PluginRequest request) {
        return WhyResponse.newBuilder()
                .addAllLines(operations.why(driver(request.getKind(), request.getName())))
                .build();
    }

    private DoctorResponse doctor(RequestContext context) {
        return DoctorResponse.newBuilder()
                .addAllFindings(
                        operations.doctor(context.call()).stream().map(Messages::finding).toList())
                .build();
    }

    private MetricsResponse metrics() {
        return MetricsResponse.newBuilder().setText(metrics.text()).build();
    }

    private EventsResponse events(EventsRequest request, RequestContext context) {
        if (!request.hasAfter()) {
            long next =
                    request.hasSinceNs()
                            ? events.before(Instant.ofEpochSecond(0, request.getSinceNs()))
                            : events.last();
            return EventsResponse.newBuilder().setNext(next).build();
        }
        Duration asked = Duration.ofMillis(Integer.toUnsignedLong(request.getWaitMs()));
        Duration wait = asked.compareTo(LONGEST_WAIT) < 0 ? asked : LONGEST_WAIT;
        return Messages.events(events.read(request.getAfter(), wait, context.call()));
    }

    private static DriverId driver(String kind, String name) {
        return DriverId.parse(kind + "/" + name);
    }
}
