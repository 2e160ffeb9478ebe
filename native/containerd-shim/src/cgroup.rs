// SPDX-License-Identifier: Apache-2.0
//! The pod's cgroup: in the v2 tree, or in each v1 hierarchy, or in both where a host mixes them.

use crate::mountinfo;
use crate::sys;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// hako's own parent for containers of its command line: removed with the last of them.
const OWN_PARENT: &str = "/hako";
/// Beside the pods', for what leaves them.
const ASIDE: &str = "hako-aside";
/// How long a cgroup may be busy after its last process was reaped.
const BUSY_LIMIT: Duration = Duration::from_millis(500);

/// One cgroup, in every hierarchy.
pub struct Cgroup {
    pub path: String,
    hierarchies: Vec<Hierarchy>,
}

struct Hierarchy {
    root: PathBuf,
    unified: bool,
    cpuset: bool,
}

impl Cgroup {
    /// # Errors
    /// A sentence, where the path is not absolute within a hierarchy or no hierarchy is mounted.
    pub fn at(path: &str) -> Result<Cgroup, String> {
        let parts = Path::new(path).components().skip(1);
        if !path.starts_with('/') || path == "/" || !parts.clone().all(|part| matches!(part, Component::Normal(_))) {
            return Err(format!(
                "The cgroup path {path:?} must be absolute within its hierarchy, without '..', and not the root."
            ));
        }
        let mounts = mountinfo::read().map_err(|error| format!("Cannot read the mount table: {error}."))?;
        let hierarchies: Vec<Hierarchy> = mounts.into_iter().filter_map(Hierarchy::of).collect();
        if hierarchies.is_empty() {
            return Err("No cgroup file system is mounted.".into());
        }
        Ok(Cgroup { path: path.to_owned(), hierarchies })
    }

    fn directories(&self) -> impl Iterator<Item = PathBuf> {
        self.hierarchies.iter().map(|hierarchy| hierarchy.directory(&self.path))
    }

    /// Makes it wherever that is possible.
    ///
    /// # Errors
    /// A sentence, where it is possible in no hierarchy.
    pub fn make(&self) -> Result<(), String> {
        let made: Vec<io::Result<()>> = self.hierarchies.iter().map(|hierarchy| hierarchy.make(&self.path)).collect();
        match made.into_iter().reduce(|one, other| if one.is_ok() { one } else { other }) {
            Some(Err(error)) => Err(format!("Cannot make the cgroup {} in any hierarchy: {error}.", self.path)),
            _ => Ok(()),
        }
    }

    /// Moves a process into it. How many hierarchies took it.
    pub fn add(&self, pid: u32) -> usize {
        self.directories()
            .filter(|directory| fs::write(directory.join("cgroup.procs"), pid.to_string()).is_ok())
            .count()
    }

    /// Takes a process out of it, where it is a member, to the top of the hierarchy.
    pub fn release(&self, pid: u32) {
        for hierarchy in &self.hierarchies {
            if members(&hierarchy.directory(&self.path)).contains(&pid) {
                // Where that is refused, the removal says so.
                let _ = hierarchy.take_out(pid);
            }
        }
    }

    /// Kills everything in it and below it until nothing is left or the time has passed; whether there was anything.
    pub fn kill(&self, until: Instant) -> bool {
        let mut killed = false;
        loop {
            let pids: Vec<u32> = self.directories().flat_map(|directory| processes(&directory)).collect();
            if pids.is_empty() {
                return killed;
            }
            killed = true;
            for pid in &pids {
                // A pid that was read a moment ago can be another process only if 2^22 others were started since.
                if let Ok(pidfd) = sys::pidfd(*pid) {
                    let _ = sys::signal(std::os::fd::AsFd::as_fd(&pidfd), libc::SIGKILL);
                }
            }
            if Instant::now() >= until {
                return killed;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Removes it and what is below it. Done when it is nowhere left.
    pub fn remove(&self) -> io::Result<()> {
        let until = Instant::now() + BUSY_LIMIT;
        for directory in self.directories() {
            remove_tree(&directory, until)?;
            if Path::new(&self.path).parent() == Some(Path::new(OWN_PARENT)) {
                // Not empty while another container of the command line is there.
                let _ = directory.parent().map(fs::remove_dir);
            }
        }
        Ok(())
    }
}

impl Hierarchy {
    fn of(mount: mountinfo::Mount) -> Option<Hierarchy> {
        let unified = mount.file_system == "cgroup2";
        let cpuset = mount.super_options.split(',').any(|option| option == "cpuset");
        (unified || mount.file_system == "cgroup").then_some(Hierarchy { root: mount.target, unified, cpuset })
    }

    fn directory(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// To the top; where that is a cgroup namespace's own, and so not the host's, a v2 cgroup that hands controllers down takes
    /// no process (cgroups(7), "no internal processes"): there to a leaf below it.
    fn take_out(&self, pid: u32) -> io::Result<()> {
        let write = |directory: &Path| fs::write(directory.join("cgroup.procs"), pid.to_string());
        write(&self.root).or_else(|_| {
            self.make(&format!("/{ASIDE}"))?;
            write(&self.root.join(ASIDE))
        })
    }

    /// Makes each level. A level may vanish meanwhile, when the last other user of it goes: tried again then.
    fn make(&self, path: &str) -> io::Result<()> {
        let mut outcome = Ok(());
        for _ in 0..5 {
            outcome = self.make_levels(path);
            match &outcome {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                _ => break,
            }
        }
        outcome
    }

    fn make_levels(&self, path: &str) -> io::Result<()> {
        let mut level = self.root.clone();
        for part in Path::new(path).components().skip(1) {
            if self.unified {
                hand_down_controllers(&level);
            }
            let parent = level.clone();
            level.push(part);
            match fs::create_dir(&level) {
                Ok(()) if self.cpuset => inherit_cpuset(&parent, &level)?,
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// A v2 cgroup has only the controllers that its parent hands down; which of them it may, is the host's business.
fn hand_down_controllers(level: &Path) {
    let controllers = fs::read_to_string(level.join("cgroup.controllers")).unwrap_or_default();
    for controller in controllers.split_whitespace() {
        let _ = fs::write(level.join("cgroup.subtree_control"), format!("+{controller}"));
    }
}

/// A new v1 cpuset is empty and takes no process.
fn inherit_cpuset(parent: &Path, child: &Path) -> io::Result<()> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        fs::write(child.join(file), fs::read(parent.join(file))?)?;
    }
    Ok(())
}

fn subdirectories(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

fn processes(directory: &Path) -> Vec<u32> {
    let below = subdirectories(directory).into_iter().flat_map(|directory| processes(&directory));
    members(directory).into_iter().chain(below).collect()
}

fn members(directory: &Path) -> Vec<u32> {
    let text = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

fn remove_tree(directory: &Path, until: Instant) -> io::Result<()> {
    subdirectories(directory).iter().try_for_each(|below| remove_tree(below, until))?;
    loop {
        match fs::remove_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < until => {
                thread::sleep(Duration::from_millis(2))
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// A cgroup of its own, which goes with it.
    struct Top(PathBuf);

    impl Drop for Top {
        fn drop(&mut self) {
            let _ = remove_tree(&self.0, Instant::now() + BUSY_LIMIT);
        }
    }

    #[test]
    fn a_process_leaves_a_pod_whose_top_takes_none() {
        let mounts = mountinfo::read().unwrap().into_iter().filter_map(Hierarchy::of);
        let Some(unified) = mounts.into_iter().find(|hierarchy| hierarchy.unified) else {
            return; // A host with cgroup v1 alone has no such rule.
        };
        let top = Top(unified.root.join(format!("hako-top-{}", std::process::id())));
        hand_down_controllers(&unified.root);
        fs::create_dir(&top.0).unwrap();
        let hierarchies = vec![Hierarchy { root: top.0.clone(), unified: true, cpuset: false }];
        let cgroup = Cgroup { path: "/pods/pod".into(), hierarchies };
        cgroup.make().unwrap();
        let mut process = Command::new("sleep").arg("1000").spawn().unwrap();
        let added = cgroup.add(process.id());
        cgroup.release(process.id());
        let (left, removed) = (members(&cgroup.hierarchies[0].directory("/pods/pod")), cgroup.remove());
        process.kill().unwrap();
        process.wait().unwrap();
        assert_eq!((added, left), (1, vec![]));
        removed.unwrap();
    }
}
