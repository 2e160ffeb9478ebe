// SPDX-License-Identifier: Apache-2.0
package io.hako.fake;

import com.google.gson.Gson;
import com.google.gson.JsonSyntaxException;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Handle;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.ProcessSpec;
import io.hako.api.driver.SchemaRange;
import io.hako.api.types.Call;
import io.hako.api.types.Confinement;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import io.hako.api.types.PassedFile;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The life of a handle, the same for all three kinds. */
abstract class FakeHandle implements Handle {
    private enum Life {
        OPEN,
        RELEASED,
        DESTROYED
    }

    final DriverContext context;
    private final DriverId driver;
    private final SchemaRange schemas;
    private Life life = Life.OPEN;

    FakeHandle(DriverId driver, SchemaRange schemas, DriverContext context) {
        this.driver = driver;
        this.schemas = schemas;
        this.context = context;
    }

    /** What goes into the state: a record of plain values. */
    abstract Record recorded();

    /** Undoes every effect that is left. */
    abstract void undo(Call call);

    @Override
    public final HandleState state() {
        return new HandleState(driver, schemas.written(), new Gson().toJson(recorded()));
    }

    @Override
    public final void release() {
        if (life == Life.OPEN) {
            life = Life.RELEASED;
        }
    }

    @Override
    public final void destroy(Call call) {
        if (life == Life.RELEASED) {
            requireOpen("destroyed");
        }
        if (life == Life.OPEN) {
            undo(call);
            life = Life.DESTROYED;
        }
    }

    final void requireOpen(String what) {
        if (life != Life.OPEN) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "A handle of %s cannot be %s: it was %s."
                            .formatted(
                                    driver,
                                    what,
                                    life == Life.RELEASED ? "released" : "destroyed"));
        }
    }

    /** Ends a process that was launched for this handle, if it runs. */
    final void end(String role, Call call) {
        context.find(role)
                .ifPresent(
                        process -> {
                            process.kill(9);
                            process.awaitExit(call);
                        });
    }

    static ProcessSpec processSpec(String role, FakeSettings settings, List<PassedFile> files) {
        return new ProcessSpec(
                role,
                List.of(settings.program().toString(), settings.arguments()),
                Map.of(),
                files,
                Optional.empty(),
                Confinement.NONE,
                MemorySize.ofKibibytes(4));
    }

    /** Reads a state, refusing one of another schema. */
    static <T extends Record> T parse(HandleState state, SchemaRange schemas, Class<T> type) {
        if (!schemas.reads(state.schema())) {
            throw DriverException.unsupported(
                    "The state of %s has schema %d, but this version reads %d to %d."
                            .formatted(
                                    state.driver(),
                                    state.schema(),
                                    schemas.oldest(),
                                    schemas.written()));
        }
        try {
            return new Gson().fromJson(state.json(), type);
        } catch (JsonSyntaxException e) {
            throw new DriverException(
                    FailureKind.INVALID_REQUEST,
                    "The state of %s cannot be read.".formatted(state.driver()),
                    e);
        }
    }

    /**
     * Runs a first step of which others may fail: then whatever was done is undone before the
     * failure goes on.
     */
    static void undoneOnFailure(FakeHandle handle, Runnable steps) {
        try {
            steps.run();
        } catch (DriverException e) {
            handle.undo(new UndoCall());
            throw e;
        }
    }
}
