// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

import com.google.protobuf.ByteString;
import io.hako.api.driver.ProcessSpec;
import io.hako.api.types.ExitStatus;
import io.hako.host.shim.proto.DrainStdioRequest;
import io.hako.host.shim.proto.Event;
import io.hako.host.shim.proto.ForwardRequest;
import io.hako.host.shim.proto.Input;
import io.hako.host.shim.proto.JoinStdioRequest;
import io.hako.host.shim.proto.LaunchRequest;
import io.hako.host.shim.proto.LeaveAnswersRequest;
import io.hako.host.shim.proto.LogFile;
import io.hako.host.shim.proto.Logger;
import io.hako.host.shim.proto.MountRequest;
import io.hako.host.shim.proto.NameRequest;
import io.hako.host.shim.proto.Output;
import io.hako.host.shim.proto.PathRequest;
import io.hako.host.shim.proto.Process;
import io.hako.host.shim.proto.ReadyAnswer;
import io.hako.host.shim.proto.Rlimit;
import io.hako.host.shim.proto.RoleRequest;
import io.hako.host.shim.proto.RunHookRequest;
import io.hako.host.shim.proto.SignalProcessRequest;
import io.hako.host.shim.proto.StdioRequest;
import io.hako.host.shim.proto.UnmountRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** The records of this package as messages of hako.shim.v1, and back. */
final class ShimMessages {
    private ShimMessages() {}

    static LaunchRequest launch(ProcessSpec spec, Shim.Placement placement) {
        LaunchRequest.Builder request =
                LaunchRequest.newBuilder()
                        .setRole(spec.role())
                        .addAllCommand(spec.command())
                        .putAllEnvironment(spec.environment())
                        .addAllFiles(spec.files().stream().map(PassedFileMessages::passed).toList())
                        .setConfinement(PassedFileMessages.confinement(spec.confinement()))
                        .setOutputKept(spec.outputKept().bytes())
                        .addAllRlimits(
                                placement.limits().stream().map(ShimMessages::limit).toList());
        spec.network().ifPresent(network -> request.setNetworkNamespace(network.path().toString()));
        placement.cgroup().ifPresent(request::setCgroup);
        return request.build();
    }

    private static Rlimit limit(Shim.ResourceLimit limit) {
        return Rlimit.newBuilder()
                .setResource(limit.resource())
                .setSoft(limit.soft())
                .setHard(limit.hard())
                .build();
    }

    static LeaveAnswersRequest answers(List<Shim.ReadyAnswer> alive, List<Shim.ReadyAnswer> dead) {
        return LeaveAnswersRequest.newBuilder()
                .addAllAlive(alive.stream().map(ShimMessages::answer).toList())
                .addAllDead(dead.stream().map(ShimMessages::answer).toList())
                .build();
    }

    private static ReadyAnswer answer(Shim.ReadyAnswer answer) {
        return ReadyAnswer.newBuilder()
                .setMethod(answer.method())
                .setRequest(ByteString.copyFrom(answer.request()))
                .setResponse(ByteString.copyFrom(answer.response()))
                .setExitTimeField(answer.exitTimeField())
                .build();
    }

    static RunHookRequest hook(HookRun hook) {
        RunHookRequest.Builder request =
                RunHookRequest.newBuilder()
                        .setPath(hook.program().toString())
                        .addAllArguments(hook.arguments())
                        .addAllEnvironment(hook.environment())
                        .setWorkingDirectory(hook.directory().toString())
                        .setInput(ByteString.copyFromUtf8(hook.input().text()))
                        .setInputAfterPid(ByteString.copyFromUtf8(hook.input().afterPid()));
        hook.limit().ifPresent(limit -> request.setLimitMs((int) limit.toMillis()));
        hook.input()
                .namespace()
                .ifPresent(network -> request.setNetworkNamespace(network.path().toString()));
        return request.build();
    }

    static RoleRequest role(String role) {
        return RoleRequest.newBuilder().setRole(role).build();
    }

    static NameRequest name(String name) {
        return NameRequest.newBuilder().setName(name).build();
    }

    static PathRequest path(String path) {
        return PathRequest.newBuilder().setPath(path).build();
    }

    static ForwardRequest forward(String network) {
        return ForwardRequest.newBuilder().setNetworkNamespace(network).build();
    }

    static SignalProcessRequest signal(String role, int signal) {
        return SignalProcessRequest.newBuilder().setRole(role).setSignal(signal).build();
    }

    static MountRequest mount(String type, String source, Path target, List<String> options) {
        return MountRequest.newBuilder()
                .setType(type)
                .setSource(source)
                .setTarget(target.toString())
                .addAllOptions(options)
                .build();
    }

    static UnmountRequest unmount(Path target, boolean remove) {
        return UnmountRequest.newBuilder().setTarget(target.toString()).setRemove(remove).build();
    }

    static StdioRequest stdio(StdioId process) {
        return StdioRequest.newBuilder()
                .setContainerId(process.container())
                .setExecId(process.exec())
                .build();
    }

    static DrainStdioRequest drain(StdioId process, Duration idleLimit) {
        return DrainStdioRequest.newBuilder()
                .setContainerId(process.container())
                .setExecId(process.exec())
                .setIdleLimitMs(Math.toIntExact(idleLimit.toMillis()))
                .build();
    }

    static JoinStdioRequest join(StdioJoin join) {
        JoinStdioRequest.Builder request =
                JoinStdioRequest.newBuilder()
                        .setContainerId(join.process().container())
                        .setExecId(join.process().exec())
                        .setTerminal(join.terminal());
        join.stdin()
                .ifPresent(
                        input ->
                                request.setStdin(
                                        Input.newBuilder()
                                                .setPath(input.fifo().toString())
                                                .setToken(input.token())));
        join.stdout().ifPresent(output -> request.setStdout(output(output)));
        join.stderr().ifPresent(output -> request.setStderr(output(output)));
        return request.build();
    }

    private static Output output(StdioJoin.Output output) {
        Output.Builder message = Output.newBuilder().setToken(output.token());
        return switch (output) {
            case StdioJoin.ToFifo(long _, Path fifo) -> message.setFifo(fifo.toString()).build();
            case StdioJoin.ToLog(long _, Path file, var bound) ->
                    message.setLog(
                                    LogFile.newBuilder()
                                            .setPath(file.toString())
                                            .setBound(bound.bytes()))
                            .build();
            case StdioJoin.ToFile(long _, Path file) -> message.setFile(file.toString()).build();
            case StdioJoin.ToLogger(long _, StdioJoin.Logger logger) ->
                    message.setLogger(logger(logger)).build();
        };
    }

    private static Logger logger(StdioJoin.Logger logger) {
        return Logger.newBuilder()
                .setPath(logger.program().toString())
                .addAllArguments(logger.arguments())
                .putAllEnvironment(logger.environment())
                .setReadyLimitMs(Math.toIntExact(logger.readyLimit().toMillis()))
                .build();
    }

    static ShimProcess process(Process process) {
        return new ShimProcess(
                process.getRole(), process.getPid(), process.getStartTime(), end(process));
    }

    private static Optional<ShimProcess.End> end(Process process) {
        var exit = process.getExit();
        Optional<ExitStatus> status =
                switch (exit.getHowCase()) {
                    case EXITED -> Optional.of(new ExitStatus.Exited(exit.getExited()));
                    case SIGNALLED -> Optional.of(new ExitStatus.Signalled(exit.getSignalled()));
                    case HOW_NOT_SET -> Optional.empty();
                };
        return status.map(how -> new ShimProcess.End(how, instant(exit.getTimeNs())));
    }

    static ShimEvent event(Event event) {
        long sequence = event.getSequence();
        Instant at = instant(event.getTimeNs());
        return switch (event.getWhatCase()) {
            case PROCESS_EXITED ->
                    new ShimEvent.ProcessExited(sequence, at, process(event.getProcessExited()));
            case GUEST_LINK -> new ShimEvent.GuestLink(sequence, at, event.getGuestLink().getUp());
            case STREAM_FAILED ->
                    new ShimEvent.StreamFailed(
                            sequence,
                            at,
                            new StdioId(
                                    event.getStreamFailed().getContainerId(),
                                    event.getStreamFailed().getExecId()),
                            event.getStreamFailed().getSentence());
            case WHAT_NOT_SET -> new ShimEvent.Unknown(sequence, at);
        };
    }

    private static Instant instant(long nanos) {
        return Instant.EPOCH.plusNanos(nanos);
    }
}
