// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import io.hako.ttrpc.Peer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Converter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One person or script at the Felix shell: lines in, results and nothing else out, until {@code
 * exit}, end of input, or the daemon's end. A line that ends with a tab is not run: the commands
 * that begin so are listed. {@code hako:greet} sets a prompt.
 */
final class ShellSession {
    /** Session variable with the name of the user at the other end. */
    static final String PEER = "hako.peer";

    /**
     * Session variable with what comes before each line, by Gogo's convention; a script has none.
     */
    static final String PROMPT = "prompt";

    private static final Logger LOG = LoggerFactory.getLogger(ShellSession.class);
    private static final int BUFFER = 64 * 1024;

    private final CommandProcessor processor;
    private final SocketChannel socket;

    ShellSession(CommandProcessor processor, SocketChannel socket) {
        this.processor = processor;
        this.socket = socket;
    }

    void serve() {
        try (socket;
                InputStream in = Channels.newInputStream(socket);
                PrintStream out =
                        new PrintStream(
                                Channels.newOutputStream(socket), true, StandardCharsets.UTF_8)) {
            String peer = Peer.of(socket).user();
            CommandSession session =
                    processor.createSession(InputStream.nullInputStream(), out, out);
            session.put(PEER, peer);
            // Gogo looks a bare name up in these scopes, in this order.
            session.put("SCOPE", "hako:felix:gogo:*");
            try {
                converse(
                        session,
                        new BufferedReader(
                                new InputStreamReader(in, StandardCharsets.UTF_8), BUFFER),
                        out,
                        peer);
            } finally {
                session.close();
            }
        } catch (IOException e) {
            LOG.debug("A shell session ended: {}", e.getMessage());
        }
    }

    void close() {
        try {
            socket.close();
        } catch (IOException e) {
            LOG.warn("A shell session could not be closed: {}", e.getMessage());
        }
    }

    private void converse(CommandSession session, BufferedReader in, PrintStream out, String peer)
            throws IOException {
        for (String line = in.readLine();
                line != null && !line.strip().equals("exit");
                line = in.readLine()) {
            answer(session, line, out, peer);
            if (session.get(PROMPT) instanceof String prompt) {
                out.print(prompt);
                out.flush();
            }
        }
    }

    private void answer(CommandSession session, String line, PrintStream out, String peer) {
        if (line.endsWith("\t")) {
            commandsBeginning(session, line.strip()).forEach(out::println);
        } else if (!line.isBlank()) {
            run(session, line.strip(), out, peer);
        }
    }

    private void run(CommandSession session, String line, PrintStream out, String peer) {
        LOG.info("{} at the shell: {}", peer, line);
        try {
            Object result = session.execute(line);
            if (result != null) {
                out.println(session.format(result, Converter.INSPECT));
            }
        } catch (Exception e) {
            // Whatever a command throws is its answer; the session goes on.
            out.println(e.getMessage() == null ? e.toString() : e.getMessage());
        }
    }

    private static Collection<String> commandsBeginning(CommandSession session, String beginning) {
        Set<String> names = new TreeSet<>();
        if (session.get(".commands") instanceof Collection<?> all) {
            all.stream()
                    .map(String::valueOf)
                    .filter(name -> begins(name, beginning))
                    .forEach(names::add);
        }
        return names;
    }

    private static boolean begins(String command, String beginning) {
        return command.startsWith(beginning)
                || command.substring(command.indexOf(':') + 1).startsWith(beginning);
    }
}
