// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import io.hako.api.hypervisor.VmEnd;
import io.hako.api.hypervisor.VmExit;
import io.hako.api.types.ExitStatus;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Why a machine ended. QEMU ends with status 0 alike when the guest powers off, when it panics
 * (panic=-1 reboots, which -no-reboot makes an end), and when QMP's quit asks it to: so request,
 * farewell and console tell them apart.
 */
final class QemuExit {
    private static final int LONGEST_QUOTE = 300;
    private static final String PANIC = "Kernel panic - not syncing: ";
    private static final Map<Integer, String> SIGNALS =
            Map.of(
                    4, "SIGILL", 6, "SIGABRT", 7, "SIGBUS", 9, "SIGKILL", 11, "SIGSEGV", 15,
                    "SIGTERM", 31, "SIGSYS");

    private QemuExit() {}

    static VmExit explain(VmEnd end) {
        if (end.requested()) {
            return new VmExit.Requested();
        }
        boolean clean = end.monitor().equals(new ExitStatus.Exited(0));
        if (clean && end.farewell().isPresent()) {
            return new VmExit.GuestPowerOff(end.farewell().get());
        }
        return new VmExit.Crashed(clean ? guestEnded(end.output()) : monitorEnded(end));
    }

    /** A process's end as half a sentence. */
    static String describe(ExitStatus status) {
        return switch (status) {
            case ExitStatus.Exited exited -> "status " + exited.code();
            case ExitStatus.Signalled signalled ->
                    "signal %d%s"
                            .formatted(
                                    signalled.signal(),
                                    Optional.ofNullable(SIGNALS.get(signalled.signal()))
                                            .map(name -> ", " + name)
                                            .orElse(""));
            default -> "an end of a kind that this driver does not know";
        };
    }

    /**
     * The last line of what QEMU or the guest's console wrote, as a sentence to append; empty if
     * there is none.
     */
    static String lastWord(String output) {
        List<String> lines = PlainText.lines(output);
        return lines.isEmpty()
                ? ""
                : " The last line it wrote: \"%s\"."
                        .formatted(PlainText.line(lines.getLast(), LONGEST_QUOTE));
    }

    /** Why the guest's kernel gave up, as a sentence; empty if the machine ended by other means. */
    static Optional<String> panicked(VmEnd end) {
        boolean byItself =
                !end.requested()
                        && end.farewell().isEmpty()
                        && end.monitor().equals(new ExitStatus.Exited(0));
        return byItself ? panicSentence(end.output()) : Optional.empty();
    }

    private static Optional<String> panicSentence(String output) {
        return panic(output).map(reason -> "The guest's kernel panicked: %s.".formatted(reason));
    }

    private static String guestEnded(String output) {
        return panicSentence(output)
                .orElseGet(
                        () ->
                                "The guest rebooted or switched itself off without a word of its agent.%s"
                                        .formatted(lastWord(output)));
    }

    private static Optional<String> panic(String output) {
        return PlainText.lines(output).stream()
                .filter(line -> line.contains(PANIC))
                .findFirst()
                .map(
                        line ->
                                PlainText.line(
                                        line.substring(line.indexOf(PANIC) + PANIC.length()),
                                        LONGEST_QUOTE));
    }

    private static String monitorEnded(VmEnd end) {
        String hint =
                end.monitor().equals(new ExitStatus.Signalled(9))
                        ? " hako did not send it: the kernel's out-of-memory killer or an operator did."
                        : "";
        return "QEMU ended with %s.%s%s"
                .formatted(describe(end.monitor()), hint, lastWord(end.output()));
    }
}
