// SPDX-License-Identifier: Apache-2.0
//! Two links back to back over pipes that fragment at will: what goes in comes out.

use hako_link::{Event, Link, MAX_PAYLOAD, OUTPUT_BOUND, Reason, VERSION, Violation, WINDOW};
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};

#[derive(Default)]
struct Received {
    bytes: Vec<u8>,
    unconsumed: usize,
    finished: bool,
}

/// One end, the pipe towards it, and what its owner would hold.
struct End {
    link: Link,
    incoming: VecDeque<u8>,
    streams: BTreeMap<u32, Received>,
    resets: Vec<(u32, Reason)>,
    sessions: u32,
    downs: Vec<Violation>,
}

impl End {
    fn new(link: Link) -> End {
        End { link, incoming: VecDeque::new(), streams: BTreeMap::new(), resets: vec![], sessions: 0, downs: vec![] }
    }

    /// Reads up to `count` bytes from the pipe.
    fn receive(&mut self, count: usize) {
        let bytes: Vec<u8> = self.incoming.drain(..count.min(self.incoming.len())).collect();
        let mut input = &bytes[..];
        while let Some(event) = self.link.next_event(&mut input) {
            match event {
                Event::Up => {
                    self.sessions += 1;
                    self.streams.clear();
                }
                Event::Opened { stream, port } => {
                    assert_eq!(port, 1000 + stream);
                    assert!(self.streams.insert(stream, Received::default()).is_none());
                }
                Event::Data { stream, bytes } => {
                    let known = self.streams.entry(stream).or_default();
                    assert!(!known.finished, "data after the end");
                    known.bytes.extend_from_slice(bytes);
                    known.unconsumed += bytes.len();
                    assert!(known.unconsumed <= WINDOW, "more than the window is under way");
                }
                Event::Finished { stream } => self.streams.entry(stream).or_default().finished = true,
                Event::Reset { stream, reason } => self.resets.push((stream, reason)),
                Event::Down(violation) => self.downs.push(violation),
            }
        }
        assert!(input.is_empty(), "input left over");
    }

    fn consume(&mut self, stream: u32, count: usize) {
        if let Some(known) = self.streams.get_mut(&stream) {
            let count = count.min(known.unconsumed);
            known.unconsumed -= count;
            self.link.consumed(stream, count);
        }
    }

    /// Writes up to `count` bytes into the pipe of the other end.
    fn send(&mut self, to: &mut VecDeque<u8>, count: usize) {
        let waiting = self.link.output();
        assert!(waiting.len() <= OUTPUT_BOUND + 64 * 44, "{} bytes wait", waiting.len());
        let count = count.min(waiting.len());
        to.extend(&waiting[..count]);
        self.link.sent(count);
    }
}

fn pair() -> (End, End) {
    (End::new(Link::host(0x1122_3344_5566_7788)), End::new(Link::guest()))
}

/// Moves everything that can move.
fn settle(host: &mut End, guest: &mut End) {
    loop {
        host.send(&mut guest.incoming, usize::MAX);
        guest.receive(usize::MAX);
        guest.send(&mut host.incoming, usize::MAX);
        host.receive(usize::MAX);
        for end in [&mut *host, &mut *guest] {
            let all: Vec<u32> = end.streams.keys().copied().collect();
            all.into_iter().for_each(|stream| end.consume(stream, WINDOW));
        }
        if host.link.output().is_empty() && guest.link.output().is_empty() {
            return;
        }
    }
}

fn up() -> (End, End) {
    let (mut host, mut guest) = pair();
    settle(&mut host, &mut guest);
    assert!(host.link.is_up() && guest.link.is_up());
    (host, guest)
}

/// Byte `at` of what a side says on a stream.
fn pattern(host: bool, stream: u32, at: usize) -> u8 {
    (at as u32).wrapping_mul(31).wrapping_add(stream * 7 + host as u32).to_le_bytes()[0] ^ (at >> 8) as u8
}

#[derive(Clone, Debug)]
enum Step {
    Write { host: bool, stream: u32, count: usize },
    Finish { host: bool, stream: u32 },
    Move { host: bool, count: usize },
    Receive { host: bool, count: usize },
    Consume { host: bool, stream: u32, count: usize },
}

const STREAMS: u32 = 4;

fn step() -> impl Strategy<Value = Step> {
    let stream = 1..=STREAMS;
    let size = prop_oneof![0..20usize, 0..3000usize, 0..100_000usize];
    prop_oneof![
        4 => (any::<bool>(), stream.clone(), size.clone()).prop_map(|(host, stream, count)| Step::Write { host, stream, count }),
        1 => (any::<bool>(), stream.clone(), 0..8u8).prop_map(|(host, stream, dice)| match dice {
            0 => Step::Finish { host, stream },
            _ => Step::Consume { host, stream, count: 10_000 },
        }),
        4 => (any::<bool>(), size.clone()).prop_map(|(host, count)| Step::Move { host, count }),
        4 => (any::<bool>(), size.clone()).prop_map(|(host, count)| Step::Receive { host, count }),
        2 => (any::<bool>(), stream, size).prop_map(|(host, stream, count)| Step::Consume { host, stream, count }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_and_fragmentation_delivers_each_stream_exactly(steps in proptest::collection::vec(step(), 0..400)) {
        let (mut host, mut guest) = up();
        for stream in 1..=STREAMS {
            prop_assert_eq!(host.link.open(1000 + stream), Ok(stream));
        }
        settle(&mut host, &mut guest);
        let mut written: BTreeMap<(bool, u32), usize> = BTreeMap::new();
        let mut ended = std::collections::BTreeSet::new();
        for step in steps {
            match step {
                Step::Write { host: at_host, stream, count } => {
                    let sent = written.entry((at_host, stream)).or_default();
                    let bytes: Vec<u8> = (*sent..*sent + count).map(|at| pattern(at_host, stream, at)).collect();
                    let end = if at_host { &mut host } else { &mut guest };
                    let expected = end.link.writable(stream).min(count).min(MAX_PAYLOAD);
                    let accepted = end.link.write(stream, &bytes);
                    prop_assert_eq!(accepted, expected);
                    *sent += accepted;
                }
                Step::Finish { host: at_host, stream } => {
                    if at_host { host.link.finish(stream) } else { guest.link.finish(stream) }
                    ended.insert((at_host, stream));
                }
                Step::Move { host: true, count } => host.send(&mut guest.incoming, count),
                Step::Move { host: false, count } => guest.send(&mut host.incoming, count),
                Step::Receive { host: at_host, count } => if at_host { host.receive(count) } else { guest.receive(count) },
                Step::Consume { host: at_host, stream, count } => if at_host { host.consume(stream, count) } else { guest.consume(stream, count) },
            }
        }
        settle(&mut host, &mut guest);
        for ((at_host, stream), sent) in written {
            let end = if at_host { &guest } else { &host };
            let empty = Received::default();
            let received = end.streams.get(&stream).unwrap_or(&empty);
            let expected: Vec<u8> = (0..sent).map(|at| pattern(at_host, stream, at)).collect();
            prop_assert!(received.bytes == expected, "stream {} got {} of {} bytes", stream, received.bytes.len(), sent);
            prop_assert_eq!(received.finished, ended.contains(&(at_host, stream)));
        }
        prop_assert!(host.downs.is_empty() && guest.downs.is_empty());
    }

    #[test]
    fn a_frame_torn_anywhere_is_followed_by_a_new_session(cut in 0..70_000usize, kept in 0..70_000usize, amount in 1..40_000usize) {
        let (mut host, mut guest) = up();
        host.link.open(1001).unwrap();
        settle(&mut host, &mut guest);
        host.link.write(1, &vec![b'x'; amount]);
        guest.link.write(1, &vec![b'y'; amount]);
        host.send(&mut guest.incoming, cut);
        guest.send(&mut host.incoming, kept);
        // The port is replaced: what was under way to the host is cut off, and the host knows nothing of the rest.
        host.incoming.truncate(kept / 2);
        host.link.restart(99);
        settle(&mut host, &mut guest);
        prop_assert!(host.link.is_up() && guest.link.is_up());
        let stream = host.link.open(1001).unwrap();
        settle(&mut host, &mut guest);
        prop_assert_eq!(host.link.write(stream, b"after"), 5);
        prop_assert_eq!(guest.link.write(stream, b"answer"), 6);
        settle(&mut host, &mut guest);
        prop_assert_eq!(&guest.streams[&stream].bytes[..], b"after");
        prop_assert_eq!(&host.streams[&stream].bytes[..], b"answer");
    }

    #[test]
    fn bytes_of_a_hostile_peer_never_panic_and_never_pile_up(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..60),
                                                             frames in proptest::collection::vec((0..4u32, 0..9u8, 0..40u32), 0..60)) {
        let (mut host, mut guest) = up();
        host.link.open(1001).unwrap();
        settle(&mut host, &mut guest);
        for end in [&mut host, &mut guest] {
            for (stream, kind, length) in &frames {
                end.incoming.extend(stream.to_be_bytes());
                end.incoming.push_back(*kind);
                end.incoming.extend(&length.to_be_bytes()[1..]);
                end.incoming.extend(vec![0; *length as usize]);
            }
            let mut sink = VecDeque::new();
            for chunk in &chunks {
                end.incoming.extend(chunk);
                let bytes: Vec<u8> = end.incoming.drain(..).collect();
                let mut input = &bytes[..];
                while end.link.next_event(&mut input).is_some() {}
                end.send(&mut sink, 1);
            }
        }
    }
}

#[test]
fn a_writer_stops_at_the_window_until_the_reader_has_consumed() {
    let (mut host, mut guest) = up();
    host.link.open(1001).unwrap();
    let mut sent = 0;
    for _ in 0..10 {
        sent += host.link.write(1, &[b'a'; MAX_PAYLOAD]);
        host.send(&mut guest.incoming, usize::MAX);
        guest.receive(usize::MAX);
    }
    assert_eq!(sent, WINDOW);
    assert_eq!(host.link.writable(1), 0);
    guest.consume(1, WINDOW);
    guest.send(&mut host.incoming, usize::MAX);
    host.receive(usize::MAX);
    assert!(host.link.writable(1) > 0);
}

#[test]
fn either_side_can_reset_and_frames_that_crossed_are_skipped() {
    let (mut host, mut guest) = up();
    host.link.open(1001).unwrap();
    host.link.open(1002).unwrap();
    settle(&mut host, &mut guest);
    guest.link.reset(1, Reason::NoSuchToken);
    host.link.write(1, b"crossing");
    host.link.reset(2, Reason::Closed);
    guest.link.write(2, b"crossing");
    settle(&mut host, &mut guest);
    assert_eq!(host.resets, [(1, Reason::NoSuchToken)]);
    assert_eq!(guest.resets, [(2, Reason::Closed)]);
    assert!(host.downs.is_empty() && guest.downs.is_empty());
    assert_eq!((host.link.writable(1), guest.link.writable(2)), (0, 0));
}

fn frame(stream: u32, kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = stream.to_be_bytes().to_vec();
    frame.push(kind);
    frame.extend(&(payload.len() as u32).to_be_bytes()[1..]);
    frame.extend(payload);
    frame
}

#[test]
fn each_breach_by_the_guest_ends_the_session_with_its_cause() {
    let breaches = [
        (frame(9, 3, b"x"), Violation::Unexpected),
        (frame(2, 2, &[0, 0, 4, 0]), Violation::Unexpected),
        (frame(1, 4, &[0, 0, 0, 1]), Violation::Credit),
        ([frame(1, 5, b""), frame(1, 3, b"x")].concat(), Violation::Credit),
        (
            [frame(1, 3, &[0; MAX_PAYLOAD]), frame(1, 3, &[0; MAX_PAYLOAD]), frame(1, 3, b"x")].concat(),
            Violation::Credit,
        ),
        (frame(1, 3, b""), Violation::Malformed),
        (frame(1, 7, b""), Violation::Malformed),
        (frame(0, 3, b"x"), Violation::Malformed),
        (frame(0, 1, &[&b"hakolink"[..], &1u32.to_be_bytes(), &0u64.to_be_bytes()].concat()), Violation::Asked),
    ];
    for (bytes, cause) in breaches {
        let (mut host, mut guest) = up();
        host.link.open(1001).unwrap();
        settle(&mut host, &mut guest);
        host.incoming.extend(&bytes);
        host.receive(usize::MAX);
        assert_eq!(host.downs, [cause]);
        assert!(!host.link.is_up());
        assert_eq!(host.link.open(1001), Err(hako_link::OpenError::Down));
        host.link.restart(5);
        settle(&mut host, &mut guest);
        assert!(host.link.is_up() && guest.link.is_up(), "no session after {cause}");
    }
}

#[test]
fn a_guest_that_received_nonsense_asks_for_a_new_session() {
    let (mut host, mut guest) = up();
    guest.incoming.extend(frame(0, 0, b""));
    settle(&mut host, &mut guest);
    assert_eq!(guest.downs, [Violation::Malformed]);
    assert_eq!(host.downs, [Violation::Asked]);
    assert!(!host.link.is_up());
}

#[test]
fn only_an_answer_to_the_newest_nonce_begins_a_session() {
    let (mut host, mut guest) = pair();
    host.link.restart(41);
    host.link.restart(42);
    for nonce in [0u64, 41, 43] {
        host.incoming.extend(frame(0, 1, &[&b"hakolink"[..], &VERSION.to_be_bytes(), &nonce.to_be_bytes()].concat()));
        host.receive(usize::MAX);
        assert!(!host.link.is_up(), "nonce {nonce}");
    }
    settle(&mut host, &mut guest);
    assert!(host.link.is_up());
}

#[test]
fn another_version_is_refused() {
    let mut guest = End::new(Link::guest());
    guest.incoming.extend(frame(0, 1, &[&b"hakolink"[..], &2u32.to_be_bytes(), &7u64.to_be_bytes()].concat()));
    guest.receive(usize::MAX);
    assert_eq!(guest.downs, [Violation::Version(2)]);
}

#[test]
fn streams_beyond_the_limit_are_refused_and_the_others_go_on() {
    let (mut host, mut guest) = up();
    let opened = (0..300).take_while(|stream| {
        let opened = host.link.open(1001 + stream);
        settle(&mut host, &mut guest);
        opened.is_ok()
    });
    assert_eq!(opened.count(), 256);
    guest.incoming.extend(frame(257, 2, &1257u32.to_be_bytes()));
    guest.receive(usize::MAX);
    assert!(guest.downs.is_empty());
    assert_eq!(host.link.write(1, b"still"), 5);
    host.send(&mut guest.incoming, usize::MAX);
    guest.receive(usize::MAX);
    assert_eq!(guest.streams[&1].bytes, b"still");
}
