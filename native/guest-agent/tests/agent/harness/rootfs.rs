// SPDX-License-Identifier: Apache-2.0
//! A root file system of one static busybox, for the namespaces' agent as a directory, for a machine as a cpio archive.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

const BUSYBOX: &str = "/bin/busybox";
const APPLETS: [&str; 33] = [
    "sh", "cat", "echo", "true", "false", "sleep", "ls", "id", "head", "tail", "dd", "md5sum", "stty", "tty", "mknod",
    "grep", "env", "kill", "pwd", "seq", "wc", "hostname", "stat", "touch", "ps", "printf", "test", "ip", "tr",
    "mount", "awk", "df", "cut",
];

/// Makes the directory, with a program without execute permission and one of no known format.
pub fn make(root: &Path) {
    for directory in ["bin", "dev", "etc", "proc", "sys", "tmp", "run", "root"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    fs::copy(BUSYBOX, root.join("bin/busybox"))
        .expect("the tests need a static busybox at /bin/busybox (Debian: busybox-static)");
    for applet in APPLETS {
        symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    fs::write(root.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n").unwrap();
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::write(root.join("bin/data"), "no program").unwrap();
    fs::write(root.join("bin/garbage"), [0xff; 64]).unwrap();
    fs::set_permissions(root.join("bin/garbage"), fs::Permissions::from_mode(0o755)).unwrap();
}

/// Appends `below`/`directory` to an initramfs; the kernel unpacks one archive after the other (initramfs buffer format).
pub fn append_to_initramfs(initramfs: &Path, below: &Path, directory: &str) {
    let mut archive = fs::read(initramfs).unwrap();
    archive.resize(archive.len().next_multiple_of(512), 0);
    let mut find = Command::new("find").arg(directory).current_dir(below).stdout(Stdio::piped()).spawn().unwrap();
    let cpio = Command::new("cpio")
        .args(["-o", "-H", "newc", "-R", "0:0", "--quiet"])
        .current_dir(below)
        .stdin(find.stdout.take().unwrap())
        .output()
        .unwrap();
    assert!(find.wait().unwrap().success());
    assert!(cpio.status.success(), "{}", String::from_utf8_lossy(&cpio.stderr));
    archive.extend(cpio.stdout);
    fs::write(initramfs, archive).unwrap();
}
