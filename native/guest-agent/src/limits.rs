// SPDX-License-Identifier: Apache-2.0
//! Changing the limits of a container that runs.

use std::fs;
use std::path::{Path, PathBuf};

use hako_ttrpc::{Code, Status};
use libcgroups::common::{CgroupConfig, CgroupManager, ControllerOpt, create_cgroup_manager};
use libcontainer::oci_spec::runtime::LinuxResources;

use crate::cgroups::number;
use crate::paths;
use crate::worker::Report;

/// How the names of a cgroup's files end that set something (cgroup-v2.rst).
const SETTINGS: [&str; 8] = [".max", ".high", ".low", ".min", ".weight", ".idle", ".burst", ".cpus"];

/// Applies what `json`, an OCI `LinuxResources`, names; if any of it is refused, nothing has changed.
pub fn update(container: &str, json: &[u8]) -> Result<Report, Status> {
    let mut resources: LinuxResources = serde_json::from_slice(json)
        .map_err(|error| Status::invalid(format!("The limits of container {container} cannot be read: {error}.")))?;
    let cgroup = paths::cgroup(container);
    fit(&mut resources);
    check_names(&resources, container)?;
    check_use(&resources, &cgroup, container)?;
    let before = Settings::of(&cgroup);
    apply(container, &resources).map_err(|reason| {
        before.restore();
        Status::invalid(format!("The limits of container {container} cannot be changed: {reason}."))
    })?;
    Ok(Report::default())
}

/// Leaves out what the guest has not: pages of sizes that the host's kernel has and this one has not cannot be used anyway.
pub fn fit(resources: &mut LinuxResources) {
    let known = |size: &str| paths::pod_cgroup().join(format!("hugetlb.{size}.max")).exists();
    let limits = resources.hugepage_limits().clone().unwrap_or_default();
    let kept: Vec<_> = limits.into_iter().filter(|limit| known(limit.page_size())).collect();
    resources.set_hugepage_limits(Some(kept).filter(|limits| !limits.is_empty()));
}

/// A name that leads out of the container's cgroup, or to what the agent itself does there, is refused.
pub fn check_names(resources: &LinuxResources, container: &str) -> Result<(), Status> {
    let strays = |name: &&String| name.contains('/') || !name.contains('.') || name.starts_with("cgroup.");
    if let Some(name) = resources.unified().iter().flat_map(|unified| unified.keys()).find(strays) {
        return Err(Status::invalid(format!(
            "The limit {name:?} of container {container} is no file of a cgroup controller."
        )));
    }
    Ok(())
}

fn check_use(resources: &LinuxResources, cgroup: &Path, container: &str) -> Result<(), Status> {
    let Some(memory) = resources.memory().as_ref().filter(|memory| memory.check_before_update() == Some(true)) else {
        return Ok(());
    };
    let used = number(cgroup, "memory.current").unwrap_or(0);
    match memory.limit().map(u64::try_from) {
        Some(Ok(limit)) if limit > 0 && limit < used => Err(Status::new(
            Code::FailedPrecondition,
            format!(
                "Container {container} uses {used} bytes of memory, which is more than the new limit of {limit} bytes."
            ),
        )),
        _ => Ok(()),
    }
}

fn apply(container: &str, resources: &LinuxResources) -> Result<(), String> {
    let config = CgroupConfig {
        cgroup_path: Path::new("/").join(paths::CGROUP_PARENT).join(container),
        systemd_cgroup: false,
        container_name: container.into(),
    };
    let options = ControllerOpt { resources, disable_oom_killer: false, oom_score_adj: None, freezer_state: None };
    let manager = create_cgroup_manager(config).map_err(|error| error.to_string())?;
    manager.apply(&options).map_err(|error| error.to_string())
}

/// The settings of a cgroup, as they were.
struct Settings(Vec<(PathBuf, String)>);

impl Settings {
    fn of(cgroup: &Path) -> Settings {
        let files = fs::read_dir(cgroup).into_iter().flatten().flatten();
        let is_setting = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            SETTINGS.iter().any(|end| name.ends_with(end)) || name == "cpuset.mems"
        };
        let read = |path: PathBuf| fs::read_to_string(&path).ok().map(|text| (path, text));
        Settings(files.map(|file| file.path()).filter(is_setting).filter_map(read).collect())
    }

    fn restore(self) {
        for (path, text) in self.0 {
            if fs::read_to_string(&path).is_ok_and(|now| now != text) {
                // It was accepted before. What is told is why the new value was not.
                let _ = fs::write(path, text);
            }
        }
    }
}
