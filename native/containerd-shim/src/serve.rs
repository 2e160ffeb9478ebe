// SPDX-License-Identifier: Apache-2.0
//! The process that stays: one thread, one loop, no wake-ups while nothing is pending.

use crate::events::Events;
use crate::forward::Forward;
use crate::frames::{CLOSED, HELLO, REQUEST, RESPONSE};
use crate::guest::{Guest, News};
use crate::hooks::Hooks;
use crate::keeper::Keeper;
use crate::place::Place;
use crate::poll::{PollSet, Token};
use crate::ready::Ready;
use crate::record::Record;
use crate::relay::Relay;
use crate::service::Parked;
use crate::shim_log::ShimLog;
use crate::stdio::Stdio;
use crate::supervisor::Supervisor;
use crate::sys;
use crate::uplink::Uplink;
use hako_protocols::shim::{GuestLink, event::What};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// After this long a time of work, memory that it has left free goes back to the system.
const TRIM_AFTER: Duration = Duration::from_secs(1);

/// All that a shim holds.
pub struct Shim {
    pub place: Place,
    pub record: Record,
    pub log: ShimLog,
    pub supervisor: Supervisor,
    pub hooks: Hooks,
    pub keeper: Keeper,
    pub guest: Guest,
    pub forward: Forward,
    pub stdio: Stdio,
    pub events: Events,
    pub parked: Parked,
    pub ready: Ready,
    pub uplink: Uplink,
    /// Set by Quit: the latest time to end.
    pub ending: Option<Instant>,
    pub relay: Relay,
    pub signals: OwnedFd,
    /// Until containerd has come.
    pub first_connection_by: Option<Instant>,
    /// Set by work, so that an idle shim does not wake for it.
    pub trim_at: Option<Instant>,
}

impl Shim {
    /// Serves until hakod says Quit.
    pub fn serve(&mut self) -> Result<(), String> {
        let mut set = PollSet::default();
        loop {
            self.tick(Instant::now());
            if self.is_over() {
                return Ok(());
            }
            set.begin();
            self.watch(&mut set);
            if let Err(error) = set.wait() {
                // Out of memory for the kernel's copy of the set: nothing is lost by waiting a little.
                self.log.say(&format!("poll failed: {error}."));
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
            for index in 0.. {
                match set.ready(index) {
                    Some((_, 0)) => {}
                    Some((token, events)) => self.on_ready(token, events),
                    None => break,
                }
            }
        }
    }

    fn watch(&mut self, set: &mut PollSet) {
        set.watch(&self.signals, libc::POLLIN, Token::Signal);
        self.relay.watch(set, self.uplink.away_since());
        self.uplink.watch(set);
        self.supervisor.watch(set);
        self.hooks.watch(set);
        self.guest.watch(set);
        self.forward.watch(set, self.guest.takes_loopback());
        self.stdio.watch(set, self.guest.data_link());
        let times = [
            self.parked.deadline(),
            self.hooks.deadline(),
            self.stdio.deadline(),
            self.ending,
            self.first_connection_by,
            self.trim_at,
        ];
        times.into_iter().flatten().for_each(|time| set.wake_at(time));
    }

    fn on_ready(&mut self, token: Token, events: i16) {
        self.trim_at.get_or_insert_with(|| Instant::now() + TRIM_AFTER);
        match token {
            Token::Listener => {
                let accepted = self.relay.accept();
                self.remark(accepted);
            }
            Token::Signal => self.reap(),
            Token::Hakod => self.on_hakod(events),
            Token::RunDirectory => self.uplink.run_directory_changed(),
            Token::Containerd(number) => self.on_containerd(number, events),
            Token::GuestListener => {
                let accepted = self.guest.accept();
                self.remark(accepted);
            }
            Token::Forward(index) => {
                // Others of this turn may have filled the link.
                self.guest.flush();
                if self.guest.takes_loopback() {
                    let accepted = self.forward.accept(index, &mut self.guest);
                    self.remark(accepted);
                }
            }
            Token::Bridge(id) => self.guest.serve_bridge(id, events),
            // What waits to be written is written in each turn.
            Token::Port(_) if events == libc::POLLOUT => {}
            Token::Port(index) => {
                let news = self.guest.read(index, &mut self.stdio);
                news.into_iter().for_each(|news| self.on_news(news));
            }
            Token::Output(pid) => self.supervisor.read_output(pid),
            Token::Hook(pid) => self.hooks.read_output(pid),
            Token::Stdio(key) => self.stdio.serve(key, self.guest.data_link()),
            Token::Logger(key) => self.stdio.read_logger(key),
        }
    }

    fn on_containerd(&mut self, number: u32, events: i16) {
        let received = self.relay.serve(number, events);
        for request in &received.requests {
            self.uplink.send(number, request);
        }
        self.answer_while_away();
        if let Some(why) = received.closed {
            self.uplink.send_closed(number);
            self.remark(if why.is_empty() { Ok(()) } else { Err(format!("Connection {number}: {why}")) });
        }
    }

    fn on_hakod(&mut self, events: i16) {
        if !self.uplink.flush() {
            return self.on_hakod_lost("it does not read");
        }
        if events == libc::POLLOUT {
            return;
        }
        let frames = match self.uplink.read() {
            Ok(frames) => frames,
            Err(why) => return self.on_hakod_lost(&why),
        };
        for frame in frames {
            match (frame.connection, frame.kind) {
                (0, HELLO) => {
                    if let Err(why) = self.uplink.acknowledge(&frame) {
                        return self.on_hakod_lost(&why);
                    }
                    self.log.say("The link to hakod is up.");
                    self.parked.forget();
                    self.hooks.abandon();
                    for (number, request) in self.relay.unanswered() {
                        self.uplink.send(number, request);
                    }
                }
                // Whoever has not said HELLO is not listened to.
                _ if !self.uplink.is_up() => {
                    return self.on_hakod_lost("it speaks before its HELLO");
                }
                (0, REQUEST) => self.serve_call(&frame),
                (0, _) => {}
                (_, RESPONSE) => {
                    let handed_on = self.relay.answer(&frame);
                    if handed_on.is_err() {
                        self.uplink.send_closed(frame.connection);
                    }
                    self.remark(handed_on);
                }
                (number, CLOSED) => self.relay.close(number),
                _ => {}
            }
        }
    }

    fn on_hakod_lost(&mut self, why: &str) {
        self.log.say(&format!("The link to hakod is down. {why}"));
        self.uplink.lose();
        self.parked.forget();
        self.hooks.abandon();
        self.answer_while_away();
    }

    /// Answers those requests for which hakod has left an answer.
    fn answer_while_away(&mut self) {
        if self.uplink.away_since().is_some() && !self.ready.is_empty() {
            let ended = self.supervisor.first_end();
            self.relay.answer_by(|request| self.ready.find(request, ended));
        }
    }

    fn reap(&mut self) {
        // One read takes as many signals as there are; the statuses come from waitpid(2).
        let _ = hako_pump::read(self.signals.as_fd(), &mut Vec::new(), 4096);
        for process in self.supervisor.reap() {
            self.log.say(&format!(
                "Process {} of {} has ended: {:?}.",
                process.pid,
                process.role,
                process.exit.and_then(|exit| exit.how)
            ));
            self.events.add(What::ProcessExited(process));
        }
        for (stream, outcome) in self.hooks.reap() {
            self.answer(stream, outcome.map(|()| Vec::new()));
        }
        self.stdio.reap(self.guest.data_link());
    }

    fn on_news(&mut self, news: News) {
        match news {
            News::Link { up } => {
                self.log.say(if up { "The guest's links are up." } else { "The guest's links are down." });
                self.events.add(What::GuestLink(GuestLink { up }));
            }
            News::Remark(sentence) => self.log.say(&sentence),
        }
    }

    /// Puts the shim's end of a guest port into service.
    pub fn attach_guest_port(&mut self, index: usize, socket: OwnedFd) {
        match sys::random() {
            Ok(nonce) => self.guest.attach(index, socket, nonce, &mut self.stdio),
            Err(error) => self.log.say(&format!("No random numbers for the guest's link: {error}.")),
        }
    }

    /// What follows from time or from what the turn has brought.
    fn tick(&mut self, now: Instant) {
        self.uplink.tick(now);
        self.relay.tick(now, self.uplink.away_since());
        self.stdio.tick(now, self.guest.data_link());
        self.stdio.advance(self.guest.data_link());
        self.guest.flush();
        for failure in self.stdio.take_failures() {
            self.log.say(&format!("Stream of {} {}: {}", failure.container_id, failure.exec_id, failure.sentence));
            self.events.add(What::StreamFailed(failure));
        }
        self.serve_parked(now);
        self.hooks.tick(now);
        if !self.uplink.flush() {
            self.on_hakod_lost("It does not read.");
        }
        if self.trim_at.is_some_and(|time| time <= now) {
            self.trim_at = None;
            sys::give_back_memory();
        }
        if self.relay.was_used() {
            self.first_connection_by = None;
        }
        if self.first_connection_by.is_some_and(|time| time <= now) {
            self.give_up();
        }
    }

    /// Nobody has ever come: removes what was made.
    fn give_up(&mut self) {
        self.first_connection_by = None;
        if self.supervisor.living().is_none()
            && crate::mountinfo::below(&self.place.real(&self.place.pod)).is_ok_and(|mounts| mounts.is_empty())
        {
            let _ = fs::remove_dir_all(&self.place.pod);
            self.ending = Some(Instant::now());
        }
    }

    fn is_over(&self) -> bool {
        self.ending
            .is_some_and(|latest| latest <= Instant::now() || self.relay.is_flushed() && self.uplink.is_flushed())
    }

    fn remark(&mut self, outcome: Result<(), String>) {
        if let Err(sentence) = outcome {
            self.log.say(&sentence);
        }
    }
}
