// SPDX-License-Identifier: Apache-2.0
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use hako_protocols::control::{Event, EventsRequest, EventsResponse};
use serde_json::{Map, Value, json};

use crate::args::{EventFilter, EventKey, Events, Format};
use crate::container::now;
use crate::control::Control;
use crate::failure::{self, Doing, Failure, Result};
use crate::moment::{self, Moment};
use crate::places::Places;

const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Between attempts to reach a hakod that restarts.
const PAUSE: Duration = Duration::from_millis(200);

pub fn events(places: &Places, asked: &Events) -> Result<u8> {
    let since_ns = asked.since.map(|Moment(time)| i64::try_from(time).unwrap_or(i64::MAX));
    let mut control = Control::connect(places)?;
    let begin = EventsRequest { since_ns, ..Default::default() };
    let mut after = control.events(&begin)?.ok_or_else(|| Failure::new("hakod ended before it had answered."))?.next;
    let mut out = io::stdout();
    loop {
        let wait = asked.until.map_or(LONGEST_WAIT, until_then);
        let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        let Some(answer) = control.events(&EventsRequest { after: Some(after), wait_ms, ..Default::default() })? else {
            control = reconnected(places);
            continue;
        };
        after = answer.next;
        let (lines, over) = lines(asked, answer, wait.is_zero());
        match out.write_all(lines.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(0),
            written => written.doing(|| "Writing to standard output".into())?,
        }
        if over {
            return Ok(0);
        }
    }
}

fn until_then(Moment(until): Moment) -> Duration {
    LONGEST_WAIT.min(Duration::from_nanos(until.saturating_sub(now())))
}

/// What was told meanwhile is kept, so that nothing is missed.
fn reconnected(places: &Places) -> Control {
    failure::tell("hakod has ended; waiting for the next one.");
    loop {
        thread::sleep(PAUSE);
        if let Ok(control) = Control::connect(places) {
            return control;
        }
    }
}

/// What to print of an answer, and whether nothing is to come.
fn lines(asked: &Events, answer: EventsResponse, last: bool) -> (String, bool) {
    let mut over = last && answer.events.is_empty();
    let mut text = String::new();
    if answer.lost > 0 {
        let time_ns = answer.events.first().map_or(0, |event| event.time_ns);
        text += &line(asked.output.format, &lost(answer.lost, time_ns));
    }
    for event in answer.events {
        if asked.until.is_some_and(|until| time(&event) > until) {
            over = true;
            break;
        }
        if matches(&asked.filter, &event) {
            text += &line(asked.output.format, &event);
        }
    }
    (text, over)
}

/// Where the stream has a gap, it says so.
fn lost(count: u64, time_ns: i64) -> Event {
    Event {
        time_ns,
        r#type: "reader".into(),
        event: "lost".into(),
        cause: "This reader was slower than the events came.".into(),
        details: [("count".to_owned(), count.to_string())].into(),
        ..Default::default()
    }
}

fn time(event: &Event) -> Moment {
    Moment(u64::try_from(event.time_ns).unwrap_or(0))
}

/// docker's rule: of one key any value, of several keys each.
fn matches(filters: &[EventFilter], event: &Event) -> bool {
    filters.iter().all(|filter| filters.iter().any(|other| other.key == filter.key && one_matches(other, event)))
}

fn one_matches(filter: &EventFilter, event: &Event) -> bool {
    let wanted = filter.value.as_str();
    match filter.key {
        EventKey::Type => event.r#type == wanted,
        EventKey::Event => event.event == wanted,
        EventKey::Container => event.container.starts_with(wanted),
        EventKey::Pod => {
            let id = event.sandbox.split_once('@').map_or("", |(_, id)| id);
            event.sandbox == wanted
                || !id.is_empty() && id.starts_with(wanted)
                || event.details.get("name").is_some_and(|name| name == wanted)
        }
    }
}

fn line(format: Format, event: &Event) -> String {
    match format {
        Format::Table => sentence(event),
        Format::Json => object(event).to_string() + "\n",
    }
}

/// `TIME TYPE EVENT [POD[/CONTAINER[/PROCESS]]] [MS] [CAUSE] [(KEY=VALUE, ...)]`
fn sentence(event: &Event) -> String {
    let Moment(time) = time(event);
    let mut words = vec![moment::show(time), event.r#type.clone(), event.event.clone()];
    words.push(place(event));
    words.extend(event.milliseconds.map(|ms| format!("{ms:.1} ms")));
    words.push(event.cause.clone());
    let mut details: Vec<_> = event.details.iter().map(|(name, value)| format!("{name}={value}")).collect();
    details.sort();
    if !details.is_empty() {
        words.push(format!("({})", details.join(", ")));
    }
    words.retain(|word| !word.is_empty());
    // Some of it comes from guests: nothing of that may steer the reader's terminal.
    words.join(" ").replace(char::is_control, " ") + "\n"
}

fn place(event: &Event) -> String {
    let own = event.sandbox.split_once('@').is_some_and(|(_, id)| id == event.container);
    let container = if own && event.process.is_empty() { "" } else { &event.container };
    let parts = [event.sandbox.as_str(), container, &event.process];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// What is empty is left out.
fn object(event: &Event) -> Value {
    let Moment(time) = time(event);
    let mut line = Map::new();
    line.insert("time".into(), moment::show(time).into());
    if event.number > 0 {
        line.insert("number".into(), event.number.into());
    }
    for (name, value) in [
        ("type", &event.r#type),
        ("event", &event.event),
        ("pod", &event.sandbox),
        ("container", &event.container),
        ("process", &event.process),
        ("cause", &event.cause),
    ] {
        if !value.is_empty() {
            line.insert(name.into(), value.as_str().into());
        }
    }
    if let Some(ms) = event.milliseconds {
        line.insert("milliseconds".into(), ms.into());
    }
    let details: std::collections::BTreeMap<_, _> = event.details.iter().collect();
    line.insert("details".into(), json!(details));
    line.into()
}
