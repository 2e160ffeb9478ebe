// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import static io.hako.guest.PlayedGuest.call;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import com.google.protobuf.ByteString;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.GuestPath;
import io.hako.api.types.MemorySize;
import io.hako.guest.proto.Empty;
import io.hako.guest.proto.PreparePodRequest;
import io.hako.guest.proto.PreparePodResponse;
import io.hako.guest.proto.UpdateRequest;
import io.hako.guest.proto.UseCpusRequest;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.Rule;
import org.junit.Test;

/** What containers share, and their limits. */
public class PodCallsTest {
    @Rule public final PlayedGuest played = new PlayedGuest();

    @Test
    public void aPodsNeedsAreToldAndItsPlacesComeBack() {
        AtomicReference<PreparePodRequest> seen =
                new AtomicReference<>(PreparePodRequest.getDefaultInstance());
        prepares(seen, PreparePodResponse.newBuilder().setPid("/ns/pid").setShm("/shm").build());
        PodNeeds needs =
                new PodNeeds(
                        true, Map.of("net.core.somaxconn", "9"), Optional.of(new MemorySize(4096)));
        assertEquals(
                new PodPlaces(Optional.of(new GuestPath("/ns/pid")), new GuestPath("/shm")),
                played.connect().preparePod("k", needs, call()));
        assertEquals(
                PreparePodRequest.newBuilder()
                        .setRequestKey("k")
                        .setShareProcesses(true)
                        .putSysctls("net.core.somaxconn", "9")
                        .setShmBytes(4096)
                        .build(),
                seen.get());
    }

    @Test
    public void aPlaceThatIsNoPathIsRefused() {
        prepares(
                new AtomicReference<>(PreparePodRequest.getDefaultInstance()),
                PreparePodResponse.newBuilder().setShm("shm/..").build());
        PodNeeds needs = new PodNeeds(false, Map.of(), Optional.empty());
        DriverException refusal =
                assertThrows(
                        DriverException.class,
                        () -> played.connect().preparePod("k", needs, call()));
        assertEquals(FailureKind.INTERNAL, refusal.failure());
        assertEquals(
                "The guest's agent is broken or malicious: its shared memory is \"shm/..\", which is no path.",
                refusal.getMessage());
    }

    @Test
    public void limitsAreHandedOnAsTheyCame() {
        AtomicReference<UpdateRequest> seen =
                new AtomicReference<>(UpdateRequest.getDefaultInstance());
        played.serve(
                played.agentThat()
                        .add(
                                "Update",
                                UpdateRequest.parser(),
                                (request, context) -> {
                                    seen.set(request);
                                    return Empty.getDefaultInstance();
                                }));
        played.connect().update("k", "web", "{\"pids\":{\"limit\":7}}", call());
        assertEquals(
                UpdateRequest.newBuilder()
                        .setRequestKey("k")
                        .setContainerId("web")
                        .setResources(ByteString.copyFromUtf8("{\"pids\":{\"limit\":7}}"))
                        .build(),
                seen.get());
    }

    @Test
    public void cpusAreCountedForTheWholeMachine() {
        AtomicReference<UseCpusRequest> seen =
                new AtomicReference<>(UseCpusRequest.getDefaultInstance());
        played.serve(
                played.agentThat()
                        .add(
                                "UseCpus",
                                UseCpusRequest.parser(),
                                (request, context) -> {
                                    seen.set(request);
                                    return Empty.getDefaultInstance();
                                }));
        played.connect().useCpus(3, call());
        assertEquals(3, seen.get().getCount());
    }

    private void prepares(AtomicReference<PreparePodRequest> seen, PreparePodResponse answer) {
        played.serve(
                played.agentThat()
                        .add(
                                "PreparePod",
                                PreparePodRequest.parser(),
                                (request, context) -> {
                                    seen.set(request);
                                    return answer;
                                }));
    }
}
