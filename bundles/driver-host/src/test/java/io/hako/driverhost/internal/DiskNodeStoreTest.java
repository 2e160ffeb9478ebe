// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.ttrpc.CallScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class DiskNodeStoreTest {
    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    private DiskNodeStore store;

    @Before
    public void open() {
        store = new DiskNodeStore(temporary.getRoot().toPath(), DriverId.parse("storage/example"));
    }

    @Test
    public void theDirectoryIsTheDriversOwnAndPrivate() throws IOException {
        assertEquals(
                temporary.getRoot().toPath().resolve("store/storage-example"), store.directory());
        assertEquals(
                "rwx------",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(store.directory())));
    }

    @Test
    public void oneWorksUnderAKeyAtATimeAndOthersElsewhere() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch finish = new CountDownLatch(1);
        CompletableFuture<String> first =
                CompletableFuture.supplyAsync(
                        () ->
                                store.exclusively(
                                        "k",
                                        call(10_000),
                                        () -> {
                                            inside.countDown();
                                            finish.await();
                                            return "first";
                                        }));
        inside.await();
        DriverException e =
                assertThrows(
                        DriverException.class,
                        () -> store.exclusively("k", call(20), () -> "second"));
        assertEquals(FailureKind.DEADLINE_EXCEEDED, e.failure());
        assertEquals("other", store.exclusively("l", call(10_000), () -> "other"));
        finish.countDown();
        assertEquals("first", first.join());
        assertEquals("second", store.exclusively("k", call(10_000), () -> "second"));
    }

    @Test
    public void aFailureOfTheWorkIsTold() {
        DriverException e =
                assertThrows(
                        DriverException.class,
                        () ->
                                store.exclusively(
                                        "k",
                                        call(10_000),
                                        () -> {
                                            throw new IOException("disk");
                                        }));
        assertEquals(FailureKind.INTERNAL, e.failure());
        assertTrue(
                e.getMessage(),
                e.getMessage().contains("storage/example") && e.getMessage().contains("key k"));
    }

    private static CallScope call(long millis) {
        return CallScope.within(Duration.ofMillis(millis));
    }
}
