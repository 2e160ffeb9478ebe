// SPDX-License-Identifier: Apache-2.0
//! What the agent reads from and writes to cgroups itself: kernfs never waits for a disk or a container.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use hako_protocols::agent::OutOfMemory;
use hako_protocols::agent::event::What;

use crate::agent::Agent;
use crate::paths;
use crate::process::Number;
use crate::sys::{self, check};

/// Sends a signal to every process of a cgroup and those below it. A cgroup that is gone has none.
pub fn signal_all(cgroup: &Path, signal: i32) -> io::Result<()> {
    if signal == libc::SIGKILL {
        return match fs::write(cgroup.join("cgroup.kill"), "1") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        };
    }
    for pid in pids(cgroup)? {
        match sys::kill(pid as i32, signal) {
            Err(error) if error.raw_os_error() != Some(libc::ESRCH) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Lets a cgroup go on that could not be frozen in time, so that nobody who enters it is held up.
pub fn thaw(cgroup: &Path) {
    // One that has gone holds up nobody.
    let _ = fs::write(cgroup.join("cgroup.freeze"), "0");
}

/// The processes of a cgroup and those below it, as the agent's pid namespace numbers them.
pub fn pids(cgroup: &Path) -> io::Result<Vec<u32>> {
    let text = match fs::read_to_string(cgroup.join("cgroup.procs")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let mut all: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).filter(|&pid| pid > 0).collect();
    for entry in fs::read_dir(cgroup)?.flatten() {
        if entry.file_type()?.is_dir() {
            all.extend(pids(&entry.path())?);
        }
    }
    Ok(all)
}

/// The number in a file of one number; `None` for "max" and for a file that is not there.
pub fn number(cgroup: &Path, file: &str) -> Option<u64> {
    fs::read_to_string(cgroup.join(file)).ok()?.trim().parse().ok()
}

/// One value of a file of "key value" lines (cgroup-v2.rst "Flat keyed").
pub fn keyed(cgroup: &Path, file: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(cgroup.join(file)).ok()?;
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.parse().ok())
}

/// All values of such a file; none if it is not there.
pub fn all_keyed(cgroup: &Path, file: &str) -> HashMap<String, u64> {
    let text = fs::read_to_string(cgroup.join(file)).unwrap_or_default();
    let pair = |line: &str| {
        let (key, value) = line.split_once(' ')?;
        Some((key.to_owned(), value.parse().ok()?))
    };
    text.lines().filter_map(pair).collect()
}

pub fn oom_kills(container: &str) -> u64 {
    keyed(&paths::cgroup(container), "memory.events", "oom_kill").unwrap_or(0)
}

/// Watches the memory.events files of containers.
pub struct OomWatch {
    inotify: OwnedFd,
}

impl OomWatch {
    pub fn new() -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let fd = check(unsafe { libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK) })?;
        // SAFETY: the kernel has just given this descriptor to this process alone.
        Ok(OomWatch { inotify: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    pub fn descriptor(&self) -> &OwnedFd {
        &self.inotify
    }

    fn add(&self, file: &Path) -> io::Result<i32> {
        let file = sys::c_path(file)?;
        // SAFETY: the string lives across the call.
        check(unsafe { libc::inotify_add_watch(self.inotify.as_raw_fd(), file.as_ptr(), libc::IN_MODIFY) })
    }

    fn remove(&self, watch: i32) {
        // SAFETY: takes no pointers. The kernel has removed the watch itself if the cgroup is gone.
        unsafe { libc::inotify_rm_watch(self.inotify.as_raw_fd(), watch) };
    }
}

impl Agent {
    /// Begins to look out for memory shortage in a container. (Without a memory controller there is nothing to see.)
    pub fn watch_memory(&mut self, number: Number) {
        let Some(process) = self.table.processes.get(&number) else { return };
        let file = paths::cgroup(&process.container).join("memory.events");
        if let Some(container) = self.table.containers.get_mut(&process.container) {
            container.watch = self.oom.add(&file).ok();
        }
    }

    pub fn unwatch_memory(&mut self, number: Number) {
        let Some(process) = self.table.processes.get(&number) else { return };
        if let Some(watch) =
            self.table.containers.get_mut(&process.container).and_then(|container| container.watch.take())
        {
            self.oom.remove(watch);
        }
    }

    /// Some memory.events file has changed: which one does not matter, there are few.
    pub fn cgroups_changed(&mut self) {
        while sys::read(self.oom.descriptor(), &mut [0; 1024]).is_ok() {}
        for (id, container) in &mut self.table.containers {
            let kills = oom_kills(id);
            if kills > container.oom_kills {
                self.events
                    .push(What::Oom(OutOfMemory { container_id: id.clone(), kills: kills - container.oom_kills }));
                container.oom_kills = kills;
            }
        }
    }
}

/// Everything below the containers' parent cgroup.
pub fn kill_everything() -> io::Result<()> {
    signal_all(&paths::pod_cgroup(), libc::SIGKILL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(name: &str, files: &[(&str, &str)]) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("hako-cgroups-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        files.iter().for_each(|(file, text)| fs::write(path.join(file), text).unwrap());
        path
    }

    #[test]
    fn values_are_read_as_the_kernel_writes_them() {
        let path = directory(
            "values",
            &[
                ("memory.max", "max\n"),
                ("memory.current", "4096\n"),
                ("memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 1\n"),
            ],
        );
        assert_eq!(number(&path, "memory.current"), Some(4096));
        assert_eq!(number(&path, "memory.max"), None);
        assert_eq!(number(&path, "absent"), None);
        assert_eq!(keyed(&path, "memory.events", "oom_kill"), Some(2));
        assert_eq!(keyed(&path, "memory.events", "oom"), Some(3));
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_cgroup_that_is_gone_has_no_processes() {
        let path = Path::new("/nonexistent/hako");
        assert!(pids(path).unwrap().is_empty());
        signal_all(path, libc::SIGKILL).unwrap();
        signal_all(path, libc::SIGTERM).unwrap();
    }
}
