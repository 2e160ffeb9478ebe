// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import static org.junit.Assert.assertEquals;

import io.hako.itests.cri.NodeNetwork;
import io.hako.itests.machine.Await;
import io.hako.itests.machine.Node;
import io.hako.itests.machine.Residue;
import java.util.List;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;

/**
 * What kubelet's and containerd's port forwarding do: they dial the loopback of the pod's network
 * namespace, on the host.
 */
public class PortForwardTest {
    private static final Node NODE = new Node();
    private static final NodeNetwork NETWORK = new NodeNetwork(NODE);
    private static final Containerd CONTAINERD = new Containerd(NODE);

    @ClassRule
    public static final RuleChain RULES =
            RuleChain.outerRule(NODE).around(NETWORK).around(CONTAINERD);

    private static final String PTP =
            """
            {"cniVersion": "0.4.0", "name": "direct", "plugins": [
              {"type": "ptp", "ipam": {"type": "host-local", "dataDir": "%1$s",
                 "ranges": [[{"subnet": "198.18.12.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
            """;

    /** Sends something, ends that, and says whether what it got is what it was to get. */
    private static final String CLIENT =
            """
            import socket, threading
            sent, wanted = %s
            try:
                s = socket.create_connection(("%s", %d), 10)
                def send():
                    s.sendall(sent)
                    s.shutdown(socket.SHUT_WR)
                sender = threading.Thread(target=send)
                sender.start()
                got = b""
                while part := s.recv(65536): got += part
                sender.join()
                print("right" if got.endswith(wanted) else f"{len(got)} bytes")
            except OSError as e:
                print(type(e).__name__)
            """;

    /** Only waits: of two threads, a write might be told of the end, and not the read. */
    private static final String LISTENER =
            """
            import socket
            try:
                print(socket.create_connection(("%s", %d), 10).recv(1))
            except OSError as e:
                print(type(e).__name__)
            """;

    private static final String MEBIBYTE_AND_BACK =
            "2 * [bytes(i * 7 % 251 for i in range(1 << 20))]";
    private static final String PAGE =
            "b'GET / HTTP/1.0\\r\\n\\r\\n', ''.join(f'{i}\\n' for i in range(1, 100001)).encode()";

    /** A server that the loopback alone has, and one of all addresses. */
    private static final String SERVERS =
            "mkdir /www; seq 100000 > /www/index.html; nc -ll -p 7000 -e cat & exec httpd -f -p 127.0.0.1:8000 -h /www";

    @Test
    public void serversOfTheGuestsLoopbackAreReachedByTheLoopbackOfThePodsNamespace() {
        Residue before = NODE.residue();
        try (PodNamespace pod = new PodNamespace(NODE, NETWORK, "forward")) {
            pod.add("eth0", PTP.formatted(NODE.state().resolve("addresses")));
            CONTAINERD.runDetached(
                    List.of("--with-ns", "network:" + pod.path()), "forward", "sh", "-c", SERVERS);
            Await.until(
                    "a server to answer",
                    Node.LIMIT,
                    () -> echo(pod, "127.0.0.1").equals("right"),
                    () -> echo(pod, "127.0.0.1") + CONTAINERD.log());
            assertEquals("as localhost does", "right", echo(pod, "::1"));
            assertEquals("right", client(pod, PAGE, "127.0.0.1", 8000));
            // That server is the loopback's alone.
            String elsewhere = CLIENT.formatted(PAGE, pod.address("eth0", 4), 8000);
            assertEquals("ConnectionRefusedError", NETWORK.run("python3", "-c", elsewhere).strip());
            // The host's end of such a connection stands before the guest is asked.
            for (String address : List.of("127.0.0.1", "::1")) {
                String listening = LISTENER.formatted(address, 7001);
                assertEquals("ConnectionResetError", pod.run("python3", "-c", listening).strip());
            }

            NODE.killDaemon();
            assertEquals("without a daemon", "right", echo(pod, "127.0.0.1"));
            NODE.startDaemon();
            assertEquals("with the next", "right", echo(pod, "127.0.0.1"));

            CONTAINERD.remove("forward");
            assertEquals("ConnectionRefusedError", echo(pod, "127.0.0.1"));
        }
        NODE.nothingSince(before);
    }

    private static String echo(PodNamespace pod, String address) {
        return client(pod, MEBIBYTE_AND_BACK, address, 7000);
    }

    private static String client(PodNamespace pod, String bytes, String address, int port) {
        return pod.run("python3", "-c", CLIENT.formatted(bytes, address, port)).strip();
    }
}
