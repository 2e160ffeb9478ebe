// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static io.hako.sandbox.pod.Bench.WEB;
import static io.hako.sandbox.pod.Bench.call;
import static org.junit.Assert.assertEquals;

import io.hako.sandbox.CreateTask;
import io.hako.sandbox.ExecTask;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.RequestKey;
import io.hako.sandbox.StdioPaths;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * What a caller does, one request after the other, each under a key of its own; it knows which one
 * was answered last.
 */
final class Life {
    private static final ProcessId PROBE = new ProcessId("web", "probe");
    private static final ProcessId APP = ProcessId.first("app");

    private final Bench bench;
    private final List<Step> steps;

    /** What the guest must have been asked for, once. */
    private final List<String> asked;

    private int answered;

    private interface Step {
        void take(Bench.Run run, RequestKey key);
    }

    private Life(Bench bench, List<Step> steps, List<String> asked) {
        this.bench = bench;
        this.steps = steps;
        this.asked = asked;
    }

    /** Of a single container with a further process. */
    static Life ofContainer(Bench bench) {
        return new Life(
                bench,
                List.of(
                        (run, key) -> run.service.create(key, run.task("web"), call()),
                        (run, key) -> run.service.start(key, WEB, call()),
                        (run, key) ->
                                run.service.exec(
                                        key,
                                        new ExecTask(
                                                PROBE,
                                                "{\"args\":[\"true\"],\"cwd\":\"/\"}",
                                                StdioPaths.NONE),
                                        call()),
                        (run, key) -> run.service.start(key, PROBE, call()),
                        (run, key) -> {
                            bench.outside.agent().end("web", "", 42);
                            assertEquals(42, run.await(WEB).status());
                        },
                        (run, key) ->
                                assertEquals(42, run.service.delete(key, WEB, call()).status()),
                        Life::shutdown),
                List.of("create web", "start web", "exec web/probe"));
    }

    /** Of a sandbox and a container in it, which end by a signal to the sandbox. */
    static Life ofPod(Bench bench) {
        CriPod pod = new CriPod(bench);
        CreateTask sandbox;
        CreateTask app;
        try {
            sandbox = pod.sandbox();
            app = pod.container("app", 1 << 20);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Life(
                bench,
                List.of(
                        (run, key) -> run.service.create(key, sandbox, call()),
                        (run, key) -> run.service.start(key, WEB, call()),
                        (run, key) -> run.service.create(key, app, call()),
                        (run, key) -> run.service.start(key, APP, call()),
                        (run, key) -> run.service.kill(key, WEB, 15, false, call()),
                        (run, key) -> assertEquals(0, run.await(WEB).status()),
                        (run, key) -> assertEquals(137, run.await(APP).status()),
                        (run, key) ->
                                assertEquals(137, run.service.delete(key, APP, call()).status()),
                        (run, key) ->
                                assertEquals(0, run.service.delete(key, WEB, call()).status()),
                        Life::shutdown),
                List.of("start app")); // a creation that was cut off is undone, and done anew
    }

    private static void shutdown(Bench.Run run, RequestKey key) {
        run.service.shutdown(key, false, call()).ifPresent(Runnable::run);
    }

    /** Goes on from the first request that was not answered. */
    void go(Bench.Run run) {
        while (answered < steps.size()) {
            steps.get(answered).take(run, run.key(1 + 2 * answered));
            run.daemon.pass(); // a daemon that is no more has not answered
            answered++;
        }
        for (String what : asked) {
            assertEquals(
                    what, 1, bench.outside.agent().log().stream().filter(what::equals).count());
        }
    }
}
