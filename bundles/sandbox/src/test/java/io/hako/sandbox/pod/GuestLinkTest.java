// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import io.hako.guest.Guest;
import io.hako.ttrpc.CallScope;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.Test;

/** Of a guest that takes a connection and never says hello. */
public class GuestLinkTest {
    private static final OwnerId OWNER = new OwnerId("hako", "silent");

    private final CountDownLatch asked = new CountDownLatch(1);
    private final GuestLink link =
            new GuestLink(
                    OWNER,
                    Path.of("/nowhere"),
                    (sandbox, socket, listener, call) -> silence(call),
                    shortage -> {});

    private Guest silence(Call call) {
        CountDownLatch over = new CountDownLatch(1);
        call.onCancelled(over::countDown);
        asked.countDown();
        try {
            over.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new DriverException(FailureKind.CANCELLED, "The guest said nothing.");
    }

    private CompletableFuture<Boolean> askForEver() throws InterruptedException {
        CompletableFuture<Boolean> first =
                CompletableFuture.supplyAsync(
                        () -> link.ask(CallScope.unlimited(), (guest, call) -> true),
                        command -> Thread.ofVirtual().start(command));
        asked.await();
        return first;
    }

    @Test(timeout = 20_000)
    public void whoAsksBesideIsHeldUpNoLongerThanHisOwnTime() throws Exception {
        askForEver();

        DriverException late =
                assertThrows(
                        DriverException.class,
                        () ->
                                link.ask(
                                        CallScope.within(Duration.ofMillis(20)),
                                        (guest, call) -> true));

        assertEquals(FailureKind.DEADLINE_EXCEEDED, late.failure());
        link.close();
    }

    @Test(timeout = 20_000)
    public void closingLetsEverybodyGo() throws Exception {
        CompletableFuture<Boolean> first = askForEver();

        link.close();

        ExecutionException over =
                assertThrows(ExecutionException.class, () -> first.get(10, TimeUnit.SECONDS));
        assertEquals(FailureKind.UNAVAILABLE, ((DriverException) over.getCause()).failure());
    }
}
