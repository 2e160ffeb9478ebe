// SPDX-License-Identifier: Apache-2.0
//! Figures of agent, guest and containers, from procfs and cgroups.

use std::fs;

use hako_protocols::agent::{ContainerStats, StatsResponse};

use crate::agent::Agent;
use crate::cgroups::{keyed, number};
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
            containers: known.map(|id| container_stats(id)).collect(),
        }
    }
}

/// The value, in bytes, of a line "Name:   123 kB" (proc_meminfo(5)).
fn kilobytes(text: &str, name: &str) -> u64 {
    let value = |line: &str| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok();
    text.lines().find_map(value).unwrap_or(0) * 1024
}

fn container_stats(id: &str) -> ContainerStats {
    let cgroup = paths::cgroup(id);
    let single = |file: &str| number(&cgroup, file).unwrap_or(0);
    let value = |file: &str, key: &str| keyed(&cgroup, file, key).unwrap_or(0);
    ContainerStats {
        container_id: id.into(),
        memory_current: single("memory.current"),
        memory_inactive_file: value("memory.stat", "inactive_file"),
        memory_limit: single("memory.max"),
        memory_peak: single("memory.peak"),
        cpu_usage_us: value("cpu.stat", "usage_usec"),
        cpu_user_us: value("cpu.stat", "user_usec"),
        cpu_system_us: value("cpu.stat", "system_usec"),
        pids_current: single("pids.current"),
        pids_limit: single("pids.max"),
        oom_kills: value("memory.events", "oom_kill"),
    }
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
}
