// SPDX-License-Identifier: Apache-2.0
use super::*;

fn parsed(line: &str) -> Result<Verb, String> {
    parse(line.split(' ').map(Into::into)).map(|cli| cli.verb).map_err(|refusal| match refusal {
        Refusal::Refused(sentence) => sentence,
        Refusal::Shown(text) => panic!("shown: {text}"),
    })
}

#[test]
fn what_follows_the_image_belongs_to_the_command() {
    let Ok(Verb::Run(run)) = parsed("hako run --rm -it -m 256M --cpus 1.5 demo --rm ls -l -i") else { panic!() };
    assert!(run.rm && run.process.interactive && run.process.tty);
    assert_eq!((run.memory, run.cpus), (Some(256 << 20), Some(1500)));
    assert_eq!((run.image(), run.command().join(" ")), ("demo", "--rm ls -l -i".to_owned()));
    let Ok(Verb::Exec(exec)) = parsed("hako exec -u 1000:1000 web sh -c x") else { panic!() };
    assert_eq!((exec.process.user.as_deref(), exec.container(), exec.command().len()), (Some("1000:1000"), "web", 3));
}

#[test]
fn a_wrong_word_is_answered_with_the_nearest() {
    for (line, expected) in [
        ("hako inspct", "There is no command \"inspct\"; the nearest is inspect: hako --help lists them."),
        (
            "hako run --nmae x demo",
            "There is no option or place for \"--nmae\"; the nearest is --name: --help lists what there is.",
        ),
        ("hako run --network vteh demo", "\"vteh\" is no value for --network <NETWORK>; it takes none, veth."),
        (
            "hako run -m 12X demo",
            "\"12X\" is no value for --memory <SIZE>: a size is a number and maybe one of b, k, m, g, t, e.g. 256M.",
        ),
        ("hako run -w tmp demo", "\"tmp\" is no value for --workdir <DIR>: it must begin with \"/\"."),
        (
            "hako kill -s SIGFOO x",
            "\"SIGFOO\" is no value for --signal <SIGNAL>: there is no such signal; names are as in signal(7), numbers 1 to 64.",
        ),
        (
            "hako stop -t x web",
            "\"x\" is no value for --time <SECONDS>: it must be a whole number from 0 to 4294967295.",
        ),
        (
            "hako stop -t -1 web",
            "\"-1\" is no value for --time <SECONDS>: it must be a whole number from 0 to 4294967295.",
        ),
        ("hako logs -n 1.5 web", "\"1.5\" is no value for --tail <N>: it must be a whole number from 0 to 4294967295."),
        ("hako run --cpus -1 demo", "\"-1\" is no value for --cpus <NUMBER>: it must lie between 0.01 and 1024."),
        (
            "hako run -m -1 demo",
            "\"-1\" is no value for --memory <SIZE>: a size is a number and maybe one of b, k, m, g, t, e.g. 256M.",
        ),
        (
            "hako events --since yesterday",
            "\"yesterday\" is no value for --since <TIME>: a time is how long ago (90s, 10m, 1h30m, 2d), seconds since 1970, or RFC 3339 (2026-11-24T02:35:12Z).",
        ),
        (
            "hako events -f type=pdo",
            "\"type=pdo\" is no value for --filter <KEY=VALUE>: a type is one of daemon, pod, machine, container, exec, driver, operator.",
        ),
        (
            "hako events -f id=web",
            "\"id=web\" is no value for --filter <KEY=VALUE>: a filter is type=, event=, pod= or container=, and a value.",
        ),
        ("hako events -f pod=", "\"pod=\" is no value for --filter <KEY=VALUE>: it has no value."),
        ("hako exec web", "Nothing says what to run in web: hako exec CONTAINER COMMAND."),
        (
            "hako plugin swap qemu",
            "\"qemu\" is no value for <KIND/NAME>: a driver is named KIND/NAME, e.g. hypervisor/qemu.",
        ),
    ] {
        assert_eq!(parsed(line).unwrap_err(), expected);
    }
}

#[test]
fn a_missing_or_wrong_command_is_looked_up_in_the_help_that_lists_it() {
    for (line, expected) in [
        ("hako", "No command was given: hako --help lists them."),
        ("hako frob", "There is no command \"frob\": hako --help lists them."),
        ("hako plugin", "No command was given: hako plugin --help lists them."),
        ("hako plugin swop", "There is no command \"swop\"; the nearest is swap: hako plugin --help lists them."),
    ] {
        assert_eq!(parsed(line).unwrap_err(), expected);
    }
}

#[test]
fn every_verb_has_help() {
    for verb in [
        "run", "ps", "exec", "attach", "logs", "kill", "wait", "stop", "rm", "inspect", "overhead", "debug", "events",
        "metrics", "plugin", "shell", "doctor", "version",
    ] {
        let refusal = parse(["hako", verb, "--help"].map(Into::into)).unwrap_err();
        let Refusal::Shown(text) = refusal else { panic!("{verb} has no help") };
        assert!(text.contains(&format!("Usage: hako {verb}")), "{text}");
    }
}
