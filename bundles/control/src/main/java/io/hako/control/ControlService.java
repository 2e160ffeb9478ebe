// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import io.hako.api.types.DriverId;
import io.hako.control.proto.DoctorResponse;
import io.hako.control.proto.Empty;
import io.hako.control.proto.JsonResponse;
import io.hako.control.proto.ListPluginsResponse;
import io.hako.control.proto.ListSandboxesResponse;
import io.hako.control.proto.OverheadResponse;
import io.hako.control.proto.PluginRequest;
import io.hako.control.proto.SandboxRequest;
import io.hako.control.proto.SwapPluginRequest;
import io.hako.control.proto.SwapPluginResponse;
import io.hako.control.proto.VersionResponse;
import io.hako.control.proto.WhyResponse;
import io.hako.ttrpc.Methods;
import io.hako.ttrpc.RequestContext;
import io.hako.ttrpc.Service;
import io.hako.ttrpc.TtrpcServer;
import java.util.List;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/** hako.control.v1.Control on RUN/api.sock (protocols/control/control.proto). */
@Component(service = ControlService.class, immediate = true)
public final class ControlService {
    private final Operations operations;
    private final TtrpcServer server;

    @Activate
    public ControlService(@Reference Operations operations) {
        this.operations = operations;
        this.server =
                TtrpcServer.listen(
                        operations.directory("hako.run").resolve("api.sock"), List.of(service()));
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

    private static DriverId driver(String kind, String name) {
        return DriverId.parse(kind + "/" + name);
    }
}
