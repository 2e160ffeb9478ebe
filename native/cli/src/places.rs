// SPDX-License-Identifier: Apache-2.0
//! Where hako keeps things.

use std::env;
use std::path::{Path, PathBuf};

/// The run directory (gone after a reboot) and the state directory.
#[derive(Debug, Clone)]
pub struct Places {
    run: PathBuf,
    state: PathBuf,
}

impl Places {
    /// From HAKO_RUN_DIR and HAKO_STATE_DIR, else /run/hako and /var/lib/hako.
    pub fn from_environment() -> Self {
        let place = |name, otherwise: &str| {
            env::var_os(name).filter(|v| !v.is_empty()).map_or_else(|| otherwise.into(), PathBuf::from)
        };
        Self { run: place("HAKO_RUN_DIR", "/run/hako"), state: place("HAKO_STATE_DIR", "/var/lib/hako") }
    }

    #[cfg(test)]
    pub fn at(run: PathBuf, state: PathBuf) -> Self {
        Self { run, state }
    }

    /// hakod's control socket.
    pub fn api_socket(&self) -> PathBuf {
        self.run.join("api.sock")
    }

    /// The Felix shell's socket.
    pub fn shell_socket(&self) -> PathBuf {
        self.run.join("shell.sock")
    }

    /// OCI bundles of containers that this command line made, one directory each.
    pub fn bundles(&self) -> PathBuf {
        self.run.join("bundles")
    }

    /// Where the fifos of a debug session have names for a moment.
    pub fn debug_session(&self, session: &str) -> PathBuf {
        self.run.join(format!("debug-{session}"))
    }

    /// Unpacked images.
    pub fn images(&self) -> PathBuf {
        self.state.join("images/rootfs")
    }

    /// The writable layers of containers, one directory each.
    pub fn containers(&self) -> PathBuf {
        self.state.join("containers")
    }

    /// A container's writable layer.
    pub fn container(&self, id: &str) -> PathBuf {
        self.containers().join(id)
    }

    /// The demo image's OCI layout.
    pub fn demo_image(&self) -> PathBuf {
        env::var_os("HAKO_DEMO_IMAGE").map_or_else(|| "/usr/share/hako/demo-image".into(), PathBuf::from)
    }

    /// The shim's program: HAKO_SHIM, else beside this program, else found on PATH.
    pub fn shim(&self) -> PathBuf {
        const NAME: &str = "containerd-shim-hako-v2";
        if let Some(path) = env::var_os("HAKO_SHIM") {
            return path.into();
        }
        let beside = env::current_exe().ok().and_then(|own| own.parent().map(|directory| directory.join(NAME)));
        beside.filter(|path| path.is_file()).unwrap_or_else(|| Path::new(NAME).to_owned())
    }
}
