// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import static io.hako.guest.PlayedGuest.park;
import static io.hako.guest.PlayedGuest.take;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.guest.proto.Event;
import io.hako.guest.proto.EventsResponse;
import io.hako.guest.proto.Farewell;
import io.hako.guest.proto.WaitRequest;
import io.hako.guest.proto.WaitResponse;
import io.hako.ttrpc.CallScope;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.RuleChain;
import org.junit.rules.Timeout;

/** Events of a guest, and the loss of its connection. */
public class AgentEventsTest {
    private final Timeout limit = Timeout.seconds(30);
    private final PlayedGuest played = new PlayedGuest();

    @Rule public final RuleChain rules = RuleChain.outerRule(limit).around(played);

    @Test
    public void eventsComeInOrderAndAreAcknowledgedByTheNextQuestion() throws Exception {
        played.serve(played.agentThat());
        played.batches().add(batch(1, 2));
        played.batches().add(batch(3));

        played.connect();

        assertEquals(1, take(played.events()).sequence());
        assertEquals(2, take(played.events()).sequence());
        assertEquals(3, take(played.events()).sequence());
        assertEquals(
                List.of(0L, 2L, 3L),
                List.of(
                        take(played.acknowledged()),
                        take(played.acknowledged()),
                        take(played.acknowledged())));
    }

    @Test
    public void eventsAreAskedForFromTheBeginningOnANewConnection() throws Exception {
        FakeAgent fake = played.serve(played.agentThat());
        played.batches().add(batch(5));
        played.connect();
        assertEquals(5, take(played.events()).sequence());
        fake.disconnect();
        take(played.losses());
        assertEquals(0L, (long) take(played.acknowledged()));

        played.connect();

        // What the first connection asked for last may be seen late, or not at all.
        long asked = take(played.acknowledged());
        assertEquals(0L, asked == 5 ? (long) take(played.acknowledged()) : asked);
    }

    @Test
    public void eventsOutOfOrderEndTheConnection() throws Exception {
        played.serve(played.agentThat());
        played.batches().add(batch(2, 2));

        Guest guest = played.connect();

        assertEquals("agent of test@a sent event 2 after event 2.", take(played.losses()));
        assertFalse(guest.isOpen());
    }

    @Test
    public void farewellIsBoundedAndPrintable() throws Exception {
        played.serve(played.agentThat());
        played.batches()
                .add(
                        EventsResponse.newBuilder()
                                .addEvents(
                                        Event.newBuilder()
                                                .setSequence(1)
                                                .setFarewell(
                                                        Farewell.newBuilder()
                                                                .setReason(
                                                                        "\u0007"
                                                                                + "x"
                                                                                        .repeat(
                                                                                                5000))))
                                .build());
        played.connect();

        GuestEvent.Farewell farewell = (GuestEvent.Farewell) take(played.events());

        assertEquals(" " + "x".repeat(999), farewell.reason());
    }

    @Test
    public void lossOfTheConnectionFailsAParkedWaitAndIsToldOnce() throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        FakeAgent fake =
                played.serve(
                        played.agentThat()
                                .add(
                                        "Wait",
                                        WaitRequest.parser(),
                                        (request, context) -> {
                                            waiting.countDown();
                                            park(context);
                                            return WaitResponse.getDefaultInstance();
                                        }));
        Guest guest = played.connect();
        CompletableFuture<FailureKind> failure = new CompletableFuture<>();
        Thread.ofVirtual()
                .start(
                        () ->
                                failure.complete(
                                        assertThrows(
                                                        DriverException.class,
                                                        () ->
                                                                guest.await(
                                                                        GuestProcessId.first("c"),
                                                                        CallScope.unlimited()))
                                                .failure()));
        assertTrue(waiting.await(20, TimeUnit.SECONDS));

        fake.disconnect();

        assertEquals(FailureKind.UNAVAILABLE, failure.get());
        take(played.losses());
        guest.close();
        assertTrue(played.losses().isEmpty());
    }

    private static EventsResponse batch(long... numbers) {
        EventsResponse.Builder batch = EventsResponse.newBuilder();
        for (long number : numbers) {
            batch.addEvents(
                    Event.newBuilder()
                            .setSequence(number)
                            .setFarewell(Farewell.getDefaultInstance()));
        }
        return batch.build();
    }
}
