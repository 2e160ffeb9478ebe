// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.fake;

import io.hako.api.driver.DriverContext;
import io.hako.api.driver.DriverEvent;
import io.hako.api.driver.NodeStore;
import io.hako.api.driver.ProcessSpec;
import io.hako.api.driver.Settings;
import io.hako.api.driver.SupervisedProcess;
import io.hako.api.host.Host;
import io.hako.api.types.Call;
import io.hako.api.types.Confinement.HostUser;
import io.hako.api.types.DriverException;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import io.hako.fake.node.FakeCall;
import io.hako.host.Machine;
import io.hako.host.shim.Shim;
import io.hako.host.shim.ShimProcess;
import io.hako.host.shim.Shims;
import io.hako.state.EffectLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** A driver's context over the fake shim: journalled first, then made. */
record FakeContext(
        OwnerId owner,
        Path workspace,
        Settings settings,
        Shims shims,
        Machine machine,
        EffectLog effects)
        implements DriverContext {
    static final String PROCESS = "process";

    static Path made(Path directory) {
        try {
            return Files.createDirectories(directory);
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "The workspace %s could not be made.".formatted(directory),
                    e);
        }
    }

    private Shim shim() {
        return shims.await(owner, FakeCall.patient());
    }

    @Override
    public HostUser podUser() {
        throw DriverException.unsupported("The fake drivers run everything as the shim's user.");
    }

    @Override
    public Host host() {
        return new FakeHost(machine, effects);
    }

    @Override
    public NodeStore store() {
        throw DriverException.unsupported("The fake drivers keep no files.");
    }

    @Override
    public SupervisedProcess launch(ProcessSpec spec, Call call) {
        spec.files().forEach(file -> effects.begin("kept", file.name(), ""));
        effects.begin(PROCESS, spec.role(), "");
        ShimProcess process = shim().launch(spec, Shim.Placement.SHIMS_OWN, call);
        effects.done(PROCESS, spec.role());
        return new Launched(process.role(), process.pid());
    }

    @Override
    public Optional<SupervisedProcess> find(String role) {
        return look(role).map(process -> new Launched(role, process.pid()));
    }

    @Override
    public void forget(String role) {
        shim().forget(role, FakeCall.patient());
        effects.undone(PROCESS, role);
    }

    @Override
    public void report(DriverEvent event) {}

    private Optional<ShimProcess> look(String role) {
        return shim().processes(FakeCall.patient()).stream()
                .filter(process -> process.role().equals(role))
                .findFirst();
    }

    private final class Launched implements SupervisedProcess {
        private final String role;
        private final long pid;

        Launched(String role, long pid) {
            this.role = role;
            this.pid = pid;
        }

        @Override
        public String role() {
            return role;
        }

        @Override
        public long pid() {
            return pid;
        }

        @Override
        public Optional<ExitStatus> exit() {
            return look(role).flatMap(ShimProcess::end).map(ShimProcess.End::status);
        }

        @Override
        public ExitStatus awaitExit(Call call) {
            return exit().orElseThrow(); // a signal ends a fake process before its call returns
        }

        @Override
        public void kill(int signal) {
            shim().signal(role, signal, FakeCall.patient());
        }

        @Override
        public byte[] output() {
            return new byte[0];
        }
    }
}
