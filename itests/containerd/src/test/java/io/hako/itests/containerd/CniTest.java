// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import io.hako.itests.cri.NodeNetwork;
import io.hako.itests.machine.Await;
import io.hako.itests.machine.Node;
import io.hako.itests.machine.Residue;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.After;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;

/**
 * Namespaces that CNI plugins of the distribution have made and filled: what is in there is the
 * guest's, and stays so.
 */
public class CniTest {
    private static final Node NODE = new Node();
    private static final NodeNetwork NETWORK = new NodeNetwork(NODE);
    private static final Containerd CONTAINERD = new Containerd(NODE);

    @ClassRule
    public static final RuleChain RULES =
            RuleChain.outerRule(NODE).around(NETWORK).around(CONTAINERD);

    /** 198.18.0.0/15 is for tests (RFC 2544), and so is 2001:db8::/32 (RFC 3849). */
    private static final String BRIDGE =
            """
            {"cniVersion": "0.4.0", "name": "bridged", "plugins": [
              {"type": "bridge", "bridge": "cni0", "isGateway": true, "mtu": 1450,
               "ipam": {"type": "host-local", "dataDir": "%1$s",
                 "ranges": [[{"subnet": "198.18.8.0/24"}], [{"subnet": "2001:db8:8::/64"}]],
                 "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}, {"dst": "198.19.0.0/16", "gw": "198.18.8.7"}]}},
              {"type": "tuning", "mtu": 1400, "mac": "02:00:00:12:34:56"}]}
            """;

    private static final String PTP =
            """
            {"cniVersion": "0.4.0", "name": "direct", "plugins": [
              {"type": "ptp", "mtu": 9000,
               "ipam": {"type": "host-local", "dataDir": "%1$s",
                 "ranges": [[{"subnet": "198.18.9.0/24"}], [{"subnet": "2001:db8:9::/64"}]],
                 "routes": [{"dst": "198.18.10.0/24"}, {"dst": "2001:db8:10::/64"}]}}]}
            """;

    private static final String MACVLAN =
            """
            {"cniVersion": "0.4.0", "name": "macvlan", "plugins": [
              {"type": "macvlan", "master": "trunk", "mode": "bridge",
               "ipam": {"type": "host-local", "dataDir": "%1$s",
                 "ranges": [[{"subnet": "198.18.11.0/24", "rangeStart": "198.18.11.10"}]],
                 "routes": [{"dst": "0.0.0.0/0"}]}}]}
            """;

    private static final List<String> BOTH = List.of("eth0", "eth1");

    private static final String[] SERVER = {
        "sh", "-c", "mkdir /www; echo served > /www/index.html; exec httpd -f -p 8080 -h /www"
    };

    /** Runs this host's ip(8) in the guest, so that both sides say things alike. */
    private static final String GUEST_IP =
            "/host/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 --library-path /host/lib/x86_64-linux-gnu /host/bin/ip ";

    private static Residue before;

    @BeforeClass
    public static void theNodesOwnNetworkIsThere() {
        before = NODE.residue();
    }

    @After
    public void aDaemonForTheNextTest() {
        NODE.ensureDaemon();
    }

    @Test
    public void whatIsInThePodsNamespaceIsTheGuestsAndStaysSo() {
        try (PodNamespace pod = new PodNamespace(NODE, NETWORK, "both")) {
            pod.add("eth0", configured(BRIDGE));
            pod.add("eth1", configured(PTP));
            everyKindOfRoute(pod);
            run("both", pod, SERVER);
            awaitTheSame("both", pod);
            InterfaceView guest = guest("both");
            for (String part :
                    List.of(
                            "eth0 02:00:00:12:34:56 mtu 1400",
                            "scope link",
                            "eth1 ",
                            "mtu 9000",
                            "route onlink dev eth0 dst 198.19.7.0/24 gateway 198.51.100.1 prefsrc "
                                    + pod.address("eth0", 4)
                                    + " metric 50 metrics [{\"mtu\":1300}]",
                            "neighbour dev eth0 dst 198.18.8.77 lladdr 02:00:00:00:00:77",
                            "neighbour dev eth0 dst 2001:db8:8::77 lladdr 02:00:00:00:00:77")) {
                assertTrue(part + " is not in\n" + guest, guest.has(part));
            }
            reached(pod);

            pod.ip("address add 198.18.8.200/24 dev eth0");
            pod.ip("address add 2001:db8:8::200/64 dev eth0 nodad");
            pod.ip("route replace 198.19.0.0/16 via 198.18.8.9 dev eth0 mtu 1200");
            pod.ip("link set eth0 mtu 1350");
            awaitTheSame("both", pod);

            pod.ip("address delete 198.18.8.200/24 dev eth0");
            pod.ip("-6 route delete default dev eth0");
            pod.ip("neighbor delete 198.18.8.77 dev eth0");
            awaitTheSame("both", pod);

            NODE.killDaemon();
            pod.ip("route add 198.19.9.0/24 via 198.18.8.1 dev eth0");
            pod.ip("neighbor add 198.18.8.78 lladdr 02:00:00:00:00:78 dev eth0 nud permanent");
            NODE.startDaemon();
            awaitTheSame("both", pod);
            reached(pod);

            CONTAINERD.remove("both");
            assertEquals(Set.of("lo", "eth0", "eth1"), links(pod));
            assertEquals(
                    "no redirect is left",
                    "",
                    pod.run("tc", "filter", "show", "dev", "eth0", "ingress"));
        }
        NODE.nothingSince(before);
    }

    @Test
    public void aMacvlanInterfaceIsServedToo() {
        NETWORK.run("ip", "link", "add", "trunk", "type", "veth", "peer", "name", "far");
        try (PodNamespace pod = new PodNamespace(NODE, NETWORK, "macvlan")) {
            NETWORK.run("ip", "address", "add", "198.18.11.1/24", "dev", "far");
            NETWORK.run("ip", "link", "set", "trunk", "up");
            NETWORK.run("ip", "link", "set", "far", "up");
            pod.add("eth0", configured(MACVLAN));
            run("macvlan", pod, SERVER);
            awaitTheSame("macvlan", pod);
            answers(pod.address("eth0", 4));
            CONTAINERD.remove("macvlan");
        } finally {
            NETWORK.run("ip", "link", "delete", "trunk");
        }
        NODE.nothingSince(before);
    }

    private static void everyKindOfRoute(PodNamespace pod) {
        pod.ip(
                "route add 198.19.7.0/24 via 198.51.100.1 dev eth0 onlink mtu 1300 metric 50 src "
                        + pod.address("eth0", 4));
        pod.ip("route add 198.19.8.0/24 dev eth1 scope link");
        pod.ip("-6 route add 2001:db8:77::/48 via 2001:db8:8::7 dev eth0 metric 77 mtu 1280");
        for (String address : List.of("198.18.8.77", "2001:db8:8::77")) {
            pod.ip("neighbor add " + address + " lladdr 02:00:00:00:00:77 dev eth0 nud permanent");
        }
    }

    /** As a node's probes do: by HTTP and TCP, by both versions and every interface. */
    private static void reached(PodNamespace pod) {
        for (String link : BOTH) {
            answers(pod.address(link, 4));
            answers("[" + pod.address(link, 6) + "]");
        }
    }

    private static void answers(String address) {
        String get = "timeout 5 busybox wget -qO- http://" + address + ":8080/ 2>&1 || true";
        Supplier<String> answer = () -> NETWORK.run("sh", "-c", get);
        Await.until(
                get,
                Node.LIMIT,
                () -> answer.get().equals("served\n"),
                () -> answer.get() + CONTAINERD.log());
    }

    private static void run(String id, PodNamespace pod, String... command) {
        CONTAINERD.runDetached(
                List.of(
                        "--with-ns",
                        "network:" + pod.path(),
                        "--mount",
                        "type=bind,src=/usr,dst=/host,options=rbind:ro"),
                id,
                command);
    }

    private static void awaitTheSame(String id, PodNamespace pod) {
        InterfaceView wanted = InterfaceView.of(BOTH, pod::ip);
        Await.until(
                "the guest to have\n" + wanted,
                Node.LIMIT,
                () -> guest(id).equals(wanted),
                () -> "It has\n" + guest(id) + "\n" + CONTAINERD.log());
    }

    private static InterfaceView guest(String id) {
        return InterfaceView.of(
                BOTH,
                arguments ->
                        CONTAINERD
                                .succeed(
                                        Stream.concat(
                                                        Stream.of(
                                                                "task",
                                                                "exec",
                                                                "--exec-id",
                                                                "ip-" + System.nanoTime(),
                                                                id),
                                                        Arrays.stream(
                                                                (GUEST_IP + arguments).split(" ")))
                                                .toArray(String[]::new))
                                .text());
    }

    private static Set<String> links(PodNamespace pod) {
        return pod.ip("-o link")
                .lines()
                .map(line -> line.split(": ")[1].replaceFirst("@.*", ""))
                .collect(Collectors.toSet());
    }

    private static String configured(String list) {
        return list.formatted(NODE.state().resolve("addresses"));
    }
}
