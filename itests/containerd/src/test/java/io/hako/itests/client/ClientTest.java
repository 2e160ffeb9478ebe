// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.client;

import static org.junit.Assert.assertEquals;
import static org.junit.Assume.assumeFalse;

import io.hako.itests.machine.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;
import org.junit.rules.TestRule;

/**
 * containerd's own tests of its client, with hako as the runtime: what they find is what
 * expected.tsv says. They are built from containerd's module, which takes minutes, so only the long
 * run has them.
 */
public class ClientTest {
    private static final Node NODE = new Node();
    private static final ClientTests TESTS = new ClientTests(NODE);
    private static final Path LIST = Path.of("expected.tsv");

    @ClassRule
    public static final TestRule RULES =
            (base, description) -> {
                assumeFalse(
                        "only in ./dev test --long",
                        System.getProperty("hako.client-tests", "").isEmpty());
                return RuleChain.outerRule(NODE).around(TESTS).apply(base, description);
            };

    @Test
    public void everyTestIsInTheList() throws IOException {
        assertEquals(
                new TreeSet<>(TESTS.names()),
                new TreeSet<>(Expected.read(LIST).outcomes().keySet()));
    }

    @Test
    public void whatTheyFindIsWhatTheListSays() throws IOException {
        Expected expected = Expected.read(LIST);

        ClientTests.Outcomes outcomes = TESTS.run(expected.passing());

        Path output = Files.createTempFile("client-tests-", ".log");
        Files.writeString(output, outcomes.result().text());
        assertEquals(
                "All that they said is in " + output + "\n" + NODE.logText(),
                List.of(),
                expected.otherThan(outcomes.byName()));
        Files.delete(output);
        NODE.nothingLeft();
    }
}
