// SPDX-License-Identifier: Apache-2.0
//! Making a process: clone3(2) from the shim's only thread, then everything up to execve(2).
//!
//! The process and the shim share a socket pair until the exec. The shim says when the cgroup is set, and again, if it was
//! asked, when the identities of a new user namespace are mapped; the process says which step failed; and a process that
//! finds the shim's end closed knows that the shim is dead.

use crate::cgroup::Cgroup;
use crate::confinement;
use crate::limits::set_limits;
use crate::sys;
use hako_protocols::shim::{Confinement, Rlimit};
use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// A step of the process before its exec may not take longer.
const LIMIT_MS: i32 = 10_000;
/// What the process asks with: no number of a step.
const MAP_IDENTITIES: u8 = 0xff;
/// A step's number and what went wrong.
const LONGEST_REPORT: usize = 4096;

/// What to start; everything that can fail for want of memory or by its form is ready.
pub struct Plan {
    /// What is executed.
    pub program: CString,
    /// Its argv.
    pub command: Vec<CString>,
    pub environment: Vec<CString>,
    pub working_directory: CString,
    /// Become descriptors 3, 4, 5 ...
    pub files: Vec<OwnedFd>,
    /// Becomes descriptor 0; none: /dev/null.
    pub input: Option<OwnedFd>,
    /// Becomes descriptors 1 and 2.
    pub output: OwnedFd,
    pub confinement: Confinement,
    pub rlimits: Vec<Rlimit>,
    pub network_namespace: String,
    /// Whether it lives on when the shim has died.
    pub outlives_shim: bool,
    /// The shim's cgroup, where it is not to be in that too.
    pub outside: Option<Cgroup>,
}

#[derive(Clone, Copy)]
#[repr(u8)]
enum Step {
    Wait,
    Mounts,
    Limits,
    UserNamespace,
    Files,
    Directory,
    Identity,
    Parent,
    Exec,
}

const STEPS: [&str; 9] = [
    "wait for the shim",
    "make its root",
    "set its resource limits",
    "enter a user namespace",
    "place its descriptors",
    "enter its working directory",
    "take its identity",
    "bind its life to the shim's",
    "execute it",
];

/// Starts the process and waits for its exec. Returns its pid.
///
/// # Errors
/// A sentence, without the process's name in front. Nothing is left of the process.
pub fn start(plan: Plan, cgroup: Option<&Cgroup>) -> Result<u32, String> {
    let (ours, theirs) = sys::socket_pair().map_err(|error| format!("Cannot make a socket pair: {error}."))?;
    let null = fs::File::open("/dev/null").map_err(|error| format!("Cannot open /dev/null: {error}."))?;
    let input = plan.input.as_ref().map_or(null.as_fd(), AsFd::as_fd);
    let flags = confinement::clone_flags(&plan.confinement);
    let cloned = sys::in_network_namespace(&plan.network_namespace, || match fork(flags)? {
        Some(pid) => Ok(pid),
        None => become_process(&plan, &ours, &theirs, input),
    });
    let pid = cloned
        .map_err(|error| format!("Cannot make its process (namespace {:?}): {error}.", plan.network_namespace))?;
    drop(theirs);
    let outcome = settle(pid, &plan, cgroup, &ours);
    if outcome.is_err() {
        drop(ours);
        end(pid);
    }
    outcome.map(|()| pid)
}

/// Makes a process that does nothing in a network namespace, as long as the shim lives or until [`end`].
///
/// # Errors
/// What the system says.
pub fn hold(network_namespace: &str) -> io::Result<u32> {
    let shim = std::process::id();
    sys::in_network_namespace(network_namespace, || match fork(0)? {
        Some(pid) => Ok(pid),
        // SAFETY: plain integers and calls; nothing else of the shim's runs in this process, whose descriptors are its own.
        None => unsafe {
            libc::syscall(libc::SYS_close_range, 0, libc::c_uint::MAX, 0);
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
            // The shim may have died before.
            while libc::getppid() as u32 == shim {
                libc::pause();
            }
            libc::_exit(0)
        },
    })
}

/// None in the child.
fn fork(flags: u64) -> io::Result<Option<u32>> {
    // SAFETY: clone_args is plain data and all-zero is valid. Without CLONE_VM the child has a copy of all memory, as after
    // fork(2), and this process has a single thread, so nothing in the copy is left locked or half done.
    let pid = unsafe {
        let mut arguments: libc::clone_args = std::mem::zeroed();
        arguments.flags = flags;
        arguments.exit_signal = libc::SIGCHLD as u64;
        libc::syscall(libc::SYS_clone3, &raw const arguments, std::mem::size_of::<libc::clone_args>())
    };
    sys::check(pid).map(|pid| (pid > 0).then_some(pid as u32))
}

fn settle(pid: u32, plan: &Plan, cgroup: Option<&Cgroup>, channel: &OwnedFd) -> Result<(), String> {
    if let Some(cgroup) = cgroup.filter(|cgroup| cgroup.add(pid) == 0) {
        return Err(format!("No hierarchy takes it into the cgroup {}.", cgroup.path));
    }
    if let Some(outside) = &plan.outside {
        outside.release(pid);
    }
    let gone = |error: io::Error| format!("It is gone before its exec: {error}.");
    hako_pump::write(channel.as_fd(), &[0]).map_err(gone)?;
    loop {
        if !sys::wait_readable(channel.as_fd(), LIMIT_MS).unwrap_or(false) {
            return Err(format!("It did not come to its exec within {} s.", LIMIT_MS / 1000));
        }
        let mut report = Vec::new();
        let _ = hako_pump::read(channel.as_fd(), &mut report, LONGEST_REPORT);
        match &report[..] {
            [MAP_IDENTITIES] => {
                confinement::write_maps(pid, &plan.confinement)
                    .map_err(|error| format!("Cannot map its user namespace: {error}."))?;
                hako_pump::write(channel.as_fd(), &[0]).map_err(gone)?;
            }
            [step, why @ ..] => {
                let step = STEPS.get(usize::from(*step)).unwrap_or(&"start it");
                return Err(format!("Cannot {step}: {}.", String::from_utf8_lossy(why)));
            }
            [] => return Ok(()),
        }
    }
}

/// Kills and reaps a child.
pub fn end(pid: u32) {
    // SAFETY: the pid is that of an unreaped child; a null status is allowed.
    unsafe {
        libc::kill(pid as i32, libc::SIGKILL);
        libc::waitpid(pid as i32, std::ptr::null_mut(), 0);
    }
}

/// The child. Never returns; says what failed.
fn become_process(plan: &Plan, shims: &OwnedFd, channel: &OwnedFd, input: BorrowedFd<'_>) -> ! {
    // SAFETY: this process's copy of the shim's end; no other code of this process uses it.
    unsafe { libc::close(shims.as_raw_fd()) };
    // Above all numbers that the files are to get.
    let above = 3 + plan.files.len() as RawFd + 1;
    if let Ok(number) = copy_above(channel.as_fd(), above) {
        // SAFETY: a fresh descriptor that nothing else owns.
        let channel = unsafe { OwnedFd::from_raw_fd(number) };
        let (step, error) = prepare(plan, channel.as_fd(), input);
        let mut report = vec![step as u8];
        report.extend(error.to_string().bytes().take(LONGEST_REPORT - 1));
        let _ = hako_pump::write(channel.as_fd(), &report);
    }
    // SAFETY: ends this process without running anything of the shim's.
    unsafe { libc::_exit(127) }
}

fn prepare(plan: &Plan, channel: BorrowedFd<'_>, input: BorrowedFd<'_>) -> (Step, io::Error) {
    // Opened before its root is another one, closed before descriptors get other numbers.
    let limits = Cell::new(Some(confinement::namespace_limits(&plan.confinement)));
    let steps: [(Step, &dyn Fn() -> io::Result<()>); 9] = [
        (Step::Wait, &|| wait_for_shim(channel)),
        (Step::Mounts, &|| confinement::separate_mounts(&plan.confinement, &plan.program)),
        (Step::Limits, &|| set_limits(&plan.rlimits)),
        (Step::UserNamespace, &|| enter_user_namespace(plan, channel, limits.take())),
        (Step::Files, &|| place_files(plan, channel, input)),
        (Step::Directory, &|| enter(&plan.working_directory)),
        (Step::Identity, &|| confinement::take_identity(&plan.confinement)),
        (Step::Parent, &|| die_with_shim(plan.outlives_shim, channel)),
        (Step::Exec, &|| execute(plan)),
    ];
    for (step, act) in steps {
        if let Err(error) = act() {
            return (step, error);
        }
    }
    (Step::Exec, io::Error::from_raw_os_error(libc::EIO))
}

/// Waits until the cgroup is set, then undoes what a process inherits from the shim.
fn wait_for_shim(channel: BorrowedFd<'_>) -> io::Result<()> {
    await_word(channel)?;
    // The shim may be protected from the memory killer; its processes are not.
    let _ = fs::write("/proc/self/oom_score_adj", "0");
    // The kernel's own structure, all zero: SIG_DFL, no flags, empty mask. libc's calls refuse two of the signals.
    let (default, none) = ([0u64; 4], std::ptr::null_mut::<u64>());
    // SAFETY: the structure and the set (8 bytes of zeros) are valid for reads; signals that cannot be set are refused
    // without effect.
    unsafe {
        for signal in 1..=64 {
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), none, 8);
        }
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, default.as_ptr(), none, 8);
        libc::setsid();
    }
    Ok(())
}

/// Waits for the shim's leave to go on.
fn await_word(channel: BorrowedFd<'_>) -> io::Result<()> {
    let mut word = Vec::with_capacity(1);
    match hako_pump::read(channel, &mut word, 1)? {
        hako_pump::Progress::Moved(1) => Ok(()),
        _ => Err(io::Error::from_raw_os_error(libc::ESRCH)),
    }
}

/// Its identities are the shim's to map: this process has lost its rights over the parent of the namespace.
fn enter_user_namespace(
    plan: &Plan,
    channel: BorrowedFd<'_>,
    limits: Option<io::Result<Option<OwnedFd>>>,
) -> io::Result<()> {
    if !plan.confinement.new_user_namespace {
        return Ok(());
    }
    // SAFETY: plain integers; this process has a single thread.
    sys::check(i64::from(unsafe { libc::unshare(libc::CLONE_NEWUSER) }))?;
    hako_pump::write(channel, &[MAP_IDENTITIES])?;
    await_word(channel)?;
    limits.map_or(Ok(()), |limits| confinement::refuse_user_namespaces(limits?.as_ref()))
}

/// Puts every file where it belongs and closes all others but the channel, which closes at the exec.
fn place_files(plan: &Plan, channel: BorrowedFd<'_>, input: BorrowedFd<'_>) -> io::Result<()> {
    let above = channel.as_raw_fd() + 1;
    let wanted =
        [input, plan.output.as_fd(), plan.output.as_fd()].into_iter().chain(plan.files.iter().map(AsFd::as_fd));
    // First all out of the way, since a file may sit where another one belongs.
    let moved: Vec<RawFd> = wanted.map(|file| copy_above(file, above)).collect::<io::Result<_>>()?;
    for (target, file) in moved.iter().enumerate() {
        // SAFETY: the shim's own files are not used in this process any more, so that their numbers may be reused.
        sys::check(i64::from(unsafe { libc::dup2(*file, target as RawFd) }))?;
    }
    close_between(moved.len() as RawFd, channel.as_raw_fd() - 1)?;
    close_between(above, RawFd::MAX)
}

/// A close-on-exec copy with the lowest free number from `least` up.
fn copy_above(file: BorrowedFd<'_>, least: RawFd) -> io::Result<RawFd> {
    // SAFETY: plain integers.
    let copy = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, least) };
    sys::check(i64::from(copy)).map(|_| copy)
}

fn close_between(first: RawFd, last: RawFd) -> io::Result<()> {
    if first > last {
        return Ok(());
    }
    // SAFETY: nothing in this process uses these descriptors before its exec.
    sys::check(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) }).map(drop)
}

fn enter(directory: &CStr) -> io::Result<()> {
    // SAFETY: a C string.
    sys::check(i64::from(unsafe { libc::chdir(directory.as_ptr()) })).map(drop)
}

/// After the last change of identity, which would clear the signal (prctl(2)). The shim may have died before it was set.
fn die_with_shim(outlives_shim: bool, channel: BorrowedFd<'_>) -> io::Result<()> {
    if !outlives_shim {
        // SAFETY: plain integers.
        sys::check(i64::from(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) }))?;
    }
    // All that the shim sends has been read: readable means closed.
    if sys::wait_readable(channel, 0)? { Err(io::Error::from_raw_os_error(libc::ESRCH)) } else { Ok(()) }
}

fn execute(plan: &Plan) -> io::Result<()> {
    let pointers = |strings: &[CString]| -> Vec<*const libc::c_char> {
        strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (command, environment) = (pointers(&plan.command), pointers(&plan.environment));
    // SAFETY: both arrays end with a null pointer, and the strings live in the plan.
    unsafe { libc::execve(plan.program.as_ptr(), command.as_ptr(), environment.as_ptr()) };
    Err(io::Error::last_os_error())
}
