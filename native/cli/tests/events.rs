// SPDX-License-Identifier: Apache-2.0
//! `hako events`.

#![allow(clippy::unwrap_used)] // Helpers of tests may unwrap as tests do.

mod fake;

use std::io::{BufRead, BufReader};

use fake::{Fake, Said};
use hako_protocols::control::Event;
use serde_json::{Value, json};

const BIRTH: i64 = 951_782_400_000_000_000;

fn event(number: u64, r#type: &str, event: &str, sandbox: &str) -> Event {
    Event {
        number,
        time_ns: BIRTH + i64::try_from(number).unwrap() * 1_000_000_000,
        r#type: r#type.into(),
        event: event.into(),
        sandbox: sandbox.into(),
        ..Default::default()
    }
}

fn told() -> Vec<Event> {
    let exit = Event {
        container: "web1".into(),
        cause: "The container ran\x1b[2J out of memory.".into(),
        details: [("exit_status".into(), "137".into()), ("name".into(), "shop".into())].into(),
        ..event(2, "container", "exit", "hako@web1")
    };
    let exec = Event { container: "db".into(), process: "x1".into(), ..event(3, "exec", "exit", "k8s.io@pod1") };
    vec![
        event(1, "daemon", "start", ""),
        exit,
        exec,
        Event { milliseconds: Some(12.345), ..event(4, "pod", "adopt", "hako@web2") },
    ]
}

fn listening() -> Fake {
    let fake = Fake::new();
    fake.behaviour.lock().unwrap().events = told();
    fake
}

fn past(fake: &Fake, words: &[&str]) -> Said {
    fake.output(&[&["events", "--since", "0", "--until", "0s"], words].concat())
}

#[test]
fn each_event_is_a_line_that_steers_no_terminal() {
    assert_eq!(
        past(&listening(), &[]).out,
        "2000-02-29T00:00:01.000000Z daemon start\n\
         2000-02-29T00:00:02.000000Z container exit hako@web1 The container ran [2J out of memory. (exit_status=137, name=shop)\n\
         2000-02-29T00:00:03.000000Z exec exit k8s.io@pod1/db/x1\n\
         2000-02-29T00:00:04.000000Z pod adopt hako@web2 12.3 ms\n"
    );
}

#[test]
fn as_json_each_is_an_object_without_what_is_empty() {
    let said = past(&listening(), &["--format", "json"]);
    let objects: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        objects[3],
        json!({ "time": "2000-02-29T00:00:04.000000Z", "number": 4, "type": "pod", "event": "adopt", "pod": "hako@web2",
                "milliseconds": 12.345, "details": {} })
    );
    assert_eq!((objects.len(), &objects[1]["details"]["exit_status"]), (4, &"137".into()));
}

#[test]
fn filters_of_one_key_add_up_and_those_of_several_narrow() {
    let fake = listening();
    for (filters, numbers) in [
        (&["pod=shop"] as &[&str], &[2u64] as &[u64]),
        (&["pod=web"], &[2, 4]),
        (&["pod=k8s.io@pod1"], &[3]),
        (&["type=exec", "type=pod"], &[3, 4]),
        (&["event=exit", "pod=web"], &[2]),
        (&["container=db"], &[3]),
        (&["event=oom"], &[]),
    ] {
        let words: Vec<_> = filters.iter().flat_map(|filter| ["-f", filter]).collect();
        let said = past(&fake, &[&["--format", "json"], words.as_slice()].concat());
        let seen: Vec<u64> = said
            .out
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["number"].as_u64().unwrap())
            .collect();
        assert_eq!(seen, numbers, "{filters:?}");
    }
}

#[test]
fn what_is_lost_is_told_where_it_is_missing() {
    let fake = listening();
    fake.behaviour.lock().unwrap().forgotten = 3;
    assert_eq!(
        past(&fake, &[]).out.lines().next().unwrap(),
        "2000-02-29T00:00:04.000000Z reader lost This reader was slower than the events came. (count=3)"
    );
}

#[test]
fn the_stream_begins_now_and_goes_on() {
    let fake = listening();
    let (come, comes) = std::sync::mpsc::channel();
    fake.behaviour.lock().unwrap().listened = Some(come);
    let mut child = fake.hako(&["events"]).spawn().unwrap();
    comes.recv().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for number in 5..8 {
        fake.behaviour.lock().unwrap().events.push(event(number, "machine", "die", "hako@web1"));
        assert_eq!(lines.next().unwrap().unwrap(), format!("2000-02-29T00:00:0{number}.000000Z machine die hako@web1"));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn until_ends_it() {
    let said = listening().output(&["events", "--since", "0", "--until", "2000-02-29T00:00:02Z"]);
    assert_eq!((said.out.lines().count(), said.status), (2, Some(0)));
}
