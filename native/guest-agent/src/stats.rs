// SPDX-License-Identifier: Apache-2.0
//! Figures of agent, guest and containers, from procfs and cgroups.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use hako_protocols::agent::{BlockStats, ContainerStats, HugepageStats, StatsResponse};

use crate::agent::Agent;
use crate::cgroups::{all_keyed, number};
use crate::paths;

impl Agent {
    pub fn stats(&self, containers: &[String]) -> StatsResponse {
        let own = fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
        let guest = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let known = self.table.containers.keys().filter(|id| containers.is_empty() || containers.contains(id));
        StatsResponse {
            agent_anonymous_bytes: kilobytes(&own, "Anonymous:"),
            agent_pss_bytes: kilobytes(&own, "Pss:"),
            memory_total_bytes: kilobytes(&guest, "MemTotal:"),
            memory_available_bytes: kilobytes(&guest, "MemAvailable:"),
            containers: known.map(|id| cgroup_stats(id, &paths::cgroup(id))).collect(),
            pod: Some(cgroup_stats("", &paths::pod_cgroup())),
        }
    }
}

/// The value, in bytes, of a line "Name:   123 kB" (proc_meminfo(5)).
fn kilobytes(text: &str, name: &str) -> u64 {
    let value = |line: &str| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok();
    text.lines().find_map(value).unwrap_or(0) * 1024
}

fn cgroup_stats(id: &str, cgroup: &Path) -> ContainerStats {
    let single = |file: &str| number(cgroup, file).unwrap_or(0);
    let cpu_stat = all_keyed(cgroup, "cpu.stat");
    let memory_stat = all_keyed(cgroup, "memory.stat");
    let memory_events = all_keyed(cgroup, "memory.events");
    let value = |map: &HashMap<String, u64>, key: &str| map.get(key).copied().unwrap_or(0);
    ContainerStats {
        container_id: id.into(),
        memory_current: single("memory.current"),
        memory_inactive_file: value(&memory_stat, "inactive_file"),
        memory_limit: single("memory.max"),
        memory_peak: single("memory.peak"),
        cpu_usage_us: value(&cpu_stat, "usage_usec"),
        cpu_user_us: value(&cpu_stat, "user_usec"),
        cpu_system_us: value(&cpu_stat, "system_usec"),
        pids_current: single("pids.current"),
        pids_limit: single("pids.max"),
        oom_kills: value(&memory_events, "oom_kill"),
        swap_current: single("memory.swap.current"),
        swap_limit: single("memory.swap.max"),
        swap_peak: single("memory.swap.peak"),
        block: block_stats(&fs::read_to_string(cgroup.join("io.stat")).unwrap_or_default()),
        hugepages: hugepages(cgroup),
        cpu_stat,
        memory_stat,
        memory_events,
    }
}

/// Lines "MAJOR:MINOR key=value ..." (cgroup-v2.rst, "io.stat").
fn block_stats(text: &str) -> Vec<BlockStats> {
    let line = |line: &str| {
        let (device, values) = line.split_once(' ')?;
        let (major, minor) = device.split_once(':')?;
        let value = |key: &str| {
            let found = values.split(' ').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=')?.parse().ok());
            found.unwrap_or(0)
        };
        Some(BlockStats {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
            read_bytes: value("rbytes"),
            written_bytes: value("wbytes"),
            reads: value("rios"),
            writes: value("wios"),
        })
    };
    text.lines().filter_map(line).collect()
}

/// The page sizes are known by their files, hugetlb.SIZE.current.
fn hugepages(cgroup: &Path) -> Vec<HugepageStats> {
    let size = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let size = name.strip_prefix("hugetlb.")?.strip_suffix(".current")?;
        // "hugetlb.2MB.rsvd.current" is of reservations.
        (!size.contains('.')).then(|| size.to_owned())
    };
    let stats = |page_size: String| HugepageStats {
        current: number(cgroup, &format!("hugetlb.{page_size}.current")).unwrap_or(0),
        limit: number(cgroup, &format!("hugetlb.{page_size}.max")).unwrap_or(0),
        page_size,
    };
    fs::read_dir(cgroup).into_iter().flatten().flatten().filter_map(size).map(stats).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kilobytes_become_bytes() {
        let text = "Rss:    900 kB\nPss:      12 kB\nAnonymous:            76 kB\n";
        assert_eq!(kilobytes(text, "Anonymous:"), 76 * 1024);
        assert_eq!(kilobytes(text, "Pss:"), 12 * 1024);
        assert_eq!(kilobytes(text, "MemTotal:"), 0);
    }

    #[test]
    fn devices_are_read_from_io_stat() {
        let text = "254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n254:16 \n";
        let first = BlockStats { major: 254, minor: 0, read_bytes: 4096, written_bytes: 8192, reads: 1, writes: 2 };
        assert_eq!(block_stats(text), [first, BlockStats { major: 254, minor: 16, ..BlockStats::default() }]);
    }
}
