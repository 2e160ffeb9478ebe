// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import io.hako.api.hypervisor.VmEnd;
import io.hako.api.hypervisor.VmExit;
import io.hako.api.types.ExitStatus;
import java.util.Optional;
import org.junit.Test;

public class QemuExitTest {
    private static String cause(ExitStatus monitor, String output) {
        VmExit exit = QemuExit.explain(new VmEnd(monitor, false, Optional.empty(), output));
        return ((VmExit.Crashed) exit).cause();
    }

    @Test
    public void aPanicIsACrashWithTheKernelsReason() {
        String console =
                "[    1.2] Run /init as init process\r\n"
                        + "[    1.5] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100\r\n"
                        + "[    1.6] CPU: 0 PID: 1 Comm: init\r\n[    1.7] ---[ end Kernel panic - not syncing: Attempted ]---\r\n";
        assertEquals(
                "The guest's kernel panicked: Attempted to kill init! exitcode=0x00000100.",
                cause(new ExitStatus.Exited(0), console));
    }

    @Test
    public void anEndWithoutAWordIsACrashWithTheLastLine() {
        assertEquals(
                "The guest rebooted or switched itself off without a word of its agent. The last line it wrote: \"reboot: Restarting\".",
                cause(new ExitStatus.Exited(0), "a\n\u001b[1mreboot: Restarting\u001b[0m\n\n"));
        assertEquals(
                "The guest rebooted or switched itself off without a word of its agent.",
                cause(new ExitStatus.Exited(0), ""));
    }

    @Test
    public void aKilledMonitorIsACrashThatSaysWhoMayHaveDoneIt() {
        assertEquals(
                "QEMU ended with signal 9, SIGKILL. hako did not send it: the kernel's out-of-memory killer or an operator did.",
                cause(new ExitStatus.Signalled(9), ""));
        assertEquals("QEMU ended with signal 31, SIGSYS.", cause(new ExitStatus.Signalled(31), ""));
        assertEquals("QEMU ended with signal 34.", cause(new ExitStatus.Signalled(34), ""));
    }

    @Test
    public void aFailedMonitorIsACrashWithItsMessage() {
        assertEquals(
                "QEMU ended with status 1. The last line it wrote: \"qemu-system-x86_64: out of memory\".",
                cause(new ExitStatus.Exited(1), "qemu-system-x86_64: out of memory\n"));
    }

    @Test
    public void whateverAGuestWritesTheCauseStaysASentenceOfBoundedLength() {
        String hostile = "Kernel panic - not syncing: " + "\u0000\u202e\ud83d\ude00".repeat(5000);
        String cause = cause(new ExitStatus.Exited(0), hostile);
        assertTrue(cause, cause.length() < 500 && cause.matches("[\\x20-\\x7e]+"));
    }
}
