// SPDX-License-Identifier: Apache-2.0
//! Finding the virtio-serial ports. There is no udev in the guest, so /dev/virtio-ports does not exist: sysfs has the
//! names, devtmpfs the nodes.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

const PORTS: &str = "/sys/class/virtio-ports";
/// The name of a port is announced by its host after the port itself (virtio_console(4) gives no order).
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens the port of that name, and waits for it if the host has not named it yet.
pub fn open(name: &str) -> io::Result<OwnedFd> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(device) = find(Path::new(PORTS), name)? {
            return File::options().read(true).write(true).open(Path::new("/dev").join(device)).map(OwnedFd::from);
        }
        if give_up <= Instant::now() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("no virtio-serial port is named {name}")));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn find(ports: &Path, name: &str) -> io::Result<Option<String>> {
    let entries = match fs::read_dir(ports) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        // A port without a name has no such file.
        if fs::read_to_string(entry.path().join("name")).is_ok_and(|found| found.trim_end() == name) {
            return Ok(entry.file_name().into_string().ok());
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_found_by_its_name() {
        let root = std::env::temp_dir().join(format!("hako-ports-{}", std::process::id()));
        assert_eq!(find(&root, "hako.data").unwrap(), None, "no driver yet");
        for (port, name) in [("vport0p1", "hako.control\n"), ("vport0p2", "hako.data\n")] {
            fs::create_dir_all(root.join(port)).unwrap();
            fs::write(root.join(port).join("name"), name).unwrap();
        }
        assert_eq!(find(&root, "hako.data").unwrap().as_deref(), Some("vport0p2"));
        assert_eq!(find(&root, "hako").unwrap(), None);
        fs::remove_dir_all(root).unwrap();
    }
}
