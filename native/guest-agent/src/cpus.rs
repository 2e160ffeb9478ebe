// SPDX-License-Identifier: Apache-2.0
//! CPUs that the machine got while it runs: the kernel leaves it to user space to put them to use.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use hako_ttrpc::Status;

use crate::worker::Report;

/// Linux Documentation/ABI/testing/sysfs-devices-system-cpu.
const CPUS: &str = "/sys/devices/system/cpu";
/// Between two looks: a CPU that was plugged in shows after tens of milliseconds.
const PAUSE: Duration = Duration::from_millis(10);

/// Returns when `wanted` CPUs are in use; the worker's deadline ends the wait for one that never shows.
pub fn put_to_use(wanted: u32) -> Result<Report, Status> {
    let failed = |error: io::Error| Status::internal(format!("A CPU of the guest cannot be put to use: {error}."));
    while bring_online(Path::new(CPUS)).map_err(failed)? < wanted {
        std::thread::sleep(PAUSE);
    }
    Ok(Report::default())
}

/// Returns how many are in use then.
fn bring_online(directory: &Path) -> io::Result<u32> {
    let mut online = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if is_cpu(&entry.file_name().to_string_lossy()) {
            enable(&entry.path().join("online"))?;
            online += 1;
        }
    }
    Ok(online)
}

/// A directory of one CPU, not one of what they all have, as `cpufreq`.
fn is_cpu(name: &str) -> bool {
    name.strip_prefix("cpu").is_some_and(|number| number.parse::<u32>().is_ok())
}

fn enable(switch: &Path) -> io::Result<()> {
    match fs::read_to_string(switch) {
        Ok(state) if state.trim() == "0" => fs::write(switch, "1"),
        Ok(_) => Ok(()),
        // One that cannot be switched off.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_that_are_off_are_switched_on_and_all_are_counted() -> io::Result<()> {
        let directory = std::env::temp_dir().join(format!("hako-cpus-{}", std::process::id()));
        for (name, state) in [("cpu0", None), ("cpu1", Some("1\n")), ("cpu2", Some("0\n")), ("cpufreq", Some("0\n"))] {
            fs::create_dir_all(directory.join(name))?;
            if let Some(state) = state {
                fs::write(directory.join(name).join("online"), state)?;
            }
        }
        let online = bring_online(&directory)?;
        let switched = fs::read_to_string(directory.join("cpu2/online"))?;
        let other = fs::read_to_string(directory.join("cpufreq/online"))?;
        fs::remove_dir_all(&directory)?;
        assert_eq!((online, switched.as_str(), other.as_str()), (3, "1", "0\n"));
        Ok(())
    }
}
