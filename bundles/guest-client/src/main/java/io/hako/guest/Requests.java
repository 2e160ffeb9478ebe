// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import com.google.protobuf.ByteString;
import io.hako.api.types.GuestPath;
import io.hako.api.types.MemorySize;
import io.hako.guest.proto.ConfigureNetworkRequest;
import io.hako.guest.proto.ContainerRequest;
import io.hako.guest.proto.CreateContainerRequest;
import io.hako.guest.proto.DebugRequest;
import io.hako.guest.proto.DeleteRequest;
import io.hako.guest.proto.ExecRequest;
import io.hako.guest.proto.Interface;
import io.hako.guest.proto.MountRequest;
import io.hako.guest.proto.Neighbour;
import io.hako.guest.proto.PowerOffRequest;
import io.hako.guest.proto.PreparePodRequest;
import io.hako.guest.proto.ResizeTerminalRequest;
import io.hako.guest.proto.Resolver;
import io.hako.guest.proto.Route;
import io.hako.guest.proto.SetIdentityRequest;
import io.hako.guest.proto.SignalRequest;
import io.hako.guest.proto.StartContainerRequest;
import io.hako.guest.proto.Stdio;
import io.hako.guest.proto.UpdateRequest;
import io.hako.guest.proto.UseCpusRequest;
import io.hako.guest.proto.WaitRequest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/** Records as messages of hako.agent.v1. */
final class Requests {
    private Requests() {}

    static SetIdentityRequest identity(GuestIdentity identity) {
        return SetIdentityRequest.newBuilder()
                .setEntropy(ByteString.copyFrom(identity.entropy()))
                .setRealtimeNs(ChronoUnit.NANOS.between(Instant.EPOCH, identity.now()))
                .setMachineId(identity.machineId())
                .setHostname(identity.hostname())
                .build();
    }

    static ConfigureNetworkRequest network(GuestNetwork network) {
        return ConfigureNetworkRequest.newBuilder()
                .addAllInterfaces(network.interfaces().stream().map(Requests::link).toList())
                .addAllRoutes(network.routes().stream().map(Requests::route).toList())
                .addAllNeighbours(network.neighbours().stream().map(Requests::neighbour).toList())
                .setResolver(
                        Resolver.newBuilder()
                                .addAllNameservers(network.resolver().nameservers())
                                .addAllSearches(network.resolver().searches())
                                .addAllOptions(network.resolver().options()))
                .setComplete(true)
                .build();
    }

    private static Interface link(GuestNetwork.Interface link) {
        return Interface.newBuilder()
                .setMac(link.mac().text())
                .setName(link.name())
                .setMtu(link.mtu())
                .addAllAddresses(link.addresses())
                .build();
    }

    private static Route route(GuestNetwork.Route route) {
        return Route.newBuilder()
                .setDestination(route.destination())
                .setGateway(route.gateway())
                .setSource(route.source())
                .setInterface(route.link())
                .setScope(route.scope())
                .setMtu(route.mtu())
                .setMetric(route.metric())
                .setIpv6(route.ipv6())
                .setOnlink(route.onlink())
                .build();
    }

    private static Neighbour neighbour(GuestNetwork.Neighbour neighbour) {
        return Neighbour.newBuilder()
                .setAddress(neighbour.address())
                .setMac(neighbour.mac().text())
                .setInterface(neighbour.link())
                .build();
    }

    static MountRequest mount(
            String key, String type, String source, GuestPath target, List<String> options) {
        return MountRequest.newBuilder()
                .setRequestKey(key)
                .setType(type)
                .setSource(source)
                .setTarget(target.text())
                .addAllOptions(options)
                .build();
    }

    static PreparePodRequest pod(String key, PodNeeds needs) {
        return PreparePodRequest.newBuilder()
                .setRequestKey(key)
                .setShareProcesses(needs.shareProcesses())
                .putAllSysctls(needs.sysctls())
                .setShmBytes(needs.sharedMemory().map(MemorySize::bytes).orElse(0L))
                .build();
    }

    static UpdateRequest update(String key, String container, String resources) {
        return UpdateRequest.newBuilder()
                .setRequestKey(key)
                .setContainerId(container)
                .setResources(ByteString.copyFromUtf8(resources))
                .build();
    }

    static StartContainerRequest start(String key, String container) {
        return StartContainerRequest.newBuilder()
                .setRequestKey(key)
                .setContainerId(container)
                .build();
    }

    static ContainerRequest container(String container) {
        return ContainerRequest.newBuilder().setContainerId(container).build();
    }

    static UseCpusRequest useCpus(int count) {
        return UseCpusRequest.newBuilder().setCount(count).build();
    }

    static PowerOffRequest powerOff(String key, String reason) {
        return PowerOffRequest.newBuilder().setRequestKey(key).setReason(reason).build();
    }

    static CreateContainerRequest create(
            String key, String container, String spec, GuestPath rootfs, GuestStdio stdio) {
        return CreateContainerRequest.newBuilder()
                .setRequestKey(key)
                .setContainerId(container)
                .setSpec(ByteString.copyFromUtf8(spec))
                .setRootfs(rootfs.text())
                .setStdio(stdio(stdio))
                .build();
    }

    static ExecRequest exec(String key, GuestProcessId id, String process, GuestStdio stdio) {
        return ExecRequest.newBuilder()
                .setRequestKey(key)
                .setContainerId(id.container())
                .setExecId(id.exec())
                .setProcess(ByteString.copyFromUtf8(process))
                .setStdio(stdio(stdio))
                .build();
    }

    static DebugRequest debug(
            String key,
            String exec,
            byte[] program,
            List<String> arguments,
            List<String> environment,
            GuestStdio stdio) {
        return DebugRequest.newBuilder()
                .setRequestKey(key)
                .setExecId(exec)
                .setProgram(ByteString.copyFrom(program))
                .addAllArguments(arguments)
                .addAllEnvironment(environment)
                .setStdio(stdio(stdio))
                .build();
    }

    private static Stdio stdio(GuestStdio stdio) {
        return Stdio.newBuilder()
                .setTerminal(stdio.terminal())
                .setStdin(stdio.stdin())
                .setStdout(stdio.stdout())
                .setStderr(stdio.stderr())
                .setRows(stdio.rows())
                .setColumns(stdio.columns())
                .build();
    }

    static SignalRequest signal(String key, GuestProcessId process, int signal, boolean all) {
        return SignalRequest.newBuilder()
                .setRequestKey(key)
                .setContainerId(process.container())
                .setExecId(process.exec())
                .setSignal(signal)
                .setAll(all)
                .build();
    }

    static WaitRequest await(GuestProcessId process) {
        return WaitRequest.newBuilder()
                .setContainerId(process.container())
                .setExecId(process.exec())
                .build();
    }

    static ResizeTerminalRequest resize(GuestProcessId process, int rows, int columns) {
        return ResizeTerminalRequest.newBuilder()
                .setContainerId(process.container())
                .setExecId(process.exec())
                .setRows(rows)
                .setColumns(columns)
                .build();
    }

    static DeleteRequest delete(String key, GuestProcessId process) {
        return DeleteRequest.newBuilder()
                .setRequestKey(key)
                .setContainerId(process.container())
                .setExecId(process.exec())
                .build();
    }
}
