// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import io.hako.api.driver.Finding;
import io.hako.api.types.DriverId;
import io.hako.driverhost.DriverView;
import io.hako.driverhost.SwapReport;
import io.hako.sandbox.SandboxView;
import io.hako.ttrpc.CallScope;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Descriptor;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * The Felix shell's commands of scope {@code hako}; what they print is for people, scripts use
 * {@code hako --format json}.
 */
@Component(
        service = HakoCommands.class,
        property = {
            "osgi.command.scope=hako",
            "osgi.command.function=doctor",
            "osgi.command.function=greet",
            "osgi.command.function=inspect",
            "osgi.command.function=list",
            "osgi.command.function=ps",
            "osgi.command.function=swap",
            "osgi.command.function=version",
            "osgi.command.function=why"
        })
public final class HakoCommands {
    private static final Duration DOCTOR_LIMIT = Duration.ofMinutes(1);
    private static final Duration SWAP_LIMIT = Duration.ofMinutes(5);

    private final Operations operations;

    @Activate
    public HakoCommands(@Reference Operations operations) {
        this.operations = operations;
    }

    /** {@code hako:list}. */
    @Descriptor(
            "Drivers: bundle id, state, driver, bundle and version, leases, and the pods that hold them")
    public String list() {
        return operations.plugins().stream()
                .map(HakoCommands::line)
                .collect(Collectors.joining("\n"));
    }

    /** {@code hako:ps}. */
    @Descriptor("Pods: id, name, state, drivers, and why one has stopped or is quarantined")
    public String ps() {
        List<SandboxView> all = operations.sandboxes();
        return all.isEmpty()
                ? "No pods."
                : all.stream().map(HakoCommands::line).collect(Collectors.joining("\n"));
    }

    /** {@code hako:inspect POD}. */
    @Descriptor("Everything known of one pod, as JSON")
    public String inspect(@Descriptor("id, unique beginning of an id, or name") String pod) {
        return operations.inspect(pod);
    }

    /** {@code hako:doctor}. */
    @Descriptor("Whether everything is there that pods need, what it means if not, and what to do")
    public String doctor() {
        return operations.doctor(CallScope.within(DOCTOR_LIMIT)).stream()
                .map(HakoCommands::line)
                .collect(Collectors.joining("\n"));
    }

    /** {@code hako:greet}; {@code hako shell} gives it where a person sits at a terminal. */
    @Descriptor("Says what this is, and prompts from now on")
    public String greet(CommandSession session) {
        session.put(ShellSession.PROMPT, "hako> ");
        return "hakod's Felix shell. Pods live on whatever you stop here. \"help\" lists commands, \"exit\" leaves.";
    }

    /** {@code hako:why KIND/NAME}. */
    @Descriptor("Why a driver is, or is not, in use")
    public String why(@Descriptor("KIND/NAME, such as hypervisor/qemu") String driver) {
        return String.join("\n", operations.why(DriverId.parse(driver)));
    }

    /** {@code hako:swap KIND/NAME}. */
    @Descriptor("Puts the assembly's own jar in a driver's place; running pods go on")
    public String swap(
            CommandSession session,
            @Descriptor("KIND/NAME, such as hypervisor/qemu") String driver) {
        return swap(session, driver, "");
    }

    /** {@code hako:swap KIND/NAME JAR}. */
    @Descriptor("Puts another jar in a driver's place; running pods go on")
    public String swap(
            CommandSession session,
            @Descriptor("KIND/NAME, such as hypervisor/qemu") String driver,
            @Descriptor("absolute path of the jar") String jar) {
        String who = String.valueOf(session.get(ShellSession.PEER));
        return line(
                operations.swap(who, DriverId.parse(driver), jar, CallScope.within(SWAP_LIMIT)));
    }

    /** {@code hako:version}. */
    @Descriptor("This daemon: version, runtime API, pid, how often it has started")
    public String version() {
        Operations.DaemonVersion version = operations.version();
        return "hakod %s, runtime API %s, pid %d, start %d, since %s"
                .formatted(
                        version.daemon(),
                        version.runtimeApi(),
                        version.pid(),
                        version.epoch(),
                        version.started());
    }

    private static String line(DriverView view) {
        String pods = view.owners().stream().map(Object::toString).collect(Collectors.joining(" "));
        return "%4d %-9s %-24s %-28s %-10s leases %d %s"
                .formatted(
                        view.bundleId(),
                        view.serving() ? "serving" : view.state().toLowerCase(Locale.ROOT),
                        view.driver(),
                        view.bundle(),
                        view.version(),
                        view.leases(),
                        pods)
                .stripTrailing();
    }

    private static String line(Finding finding) {
        String line =
                "%-8s %s: %s"
                        .formatted(
                                finding.level().name().toLowerCase(Locale.ROOT),
                                finding.subject(),
                                finding.sentence());
        return finding.remedy().isEmpty() ? line : line + " " + finding.remedy();
    }

    private static String line(SandboxView view) {
        return "%-40s %-16s %-11s %s %s"
                .formatted(
                        view.id(),
                        view.name(),
                        view.state().name().toLowerCase(Locale.ROOT),
                        view.drivers().values(),
                        view.reason())
                .stripTrailing();
    }

    private static String line(SwapReport report) {
        String line =
                "%s %s to %s: moved %d, pinned %d, failed %d, %.0f ms, old class loader %s"
                        .formatted(
                                report.driver(),
                                report.from(),
                                report.to(),
                                report.moved(),
                                report.pinned(),
                                report.failed(),
                                Messages.milliseconds(report.took()),
                                report.collected() ? "collected" : "still there");
        return report.reasons().isEmpty()
                ? line
                : line + "\n" + String.join("\n", report.reasons());
    }
}
