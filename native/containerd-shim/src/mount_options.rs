// SPDX-License-Identifier: Apache-2.0
//! Mount options as mount(8) and containerd write them (containerd core/mount/mount_linux.go `parseMountOptions`).

/// Options, taken apart into what mount(2) wants.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct MountOptions {
    /// MS_ flags without MS_BIND, MS_REC of a bind, and propagation.
    pub flags: u64,
    /// MS_BIND, with MS_REC for rbind; 0 if it is no bind.
    pub bind: u64,
    /// MS_SHARED and the like, with MS_REC where wanted; each is a mount(2) call of its own.
    pub propagation: Vec<u64>,
    /// What the file system itself understands.
    pub data: Vec<String>,
}

const FLAGS: [(&str, u64, bool); 22] = [
    ("ro", libc::MS_RDONLY, true),
    ("rw", libc::MS_RDONLY, false),
    ("nosuid", libc::MS_NOSUID, true),
    ("suid", libc::MS_NOSUID, false),
    ("nodev", libc::MS_NODEV, true),
    ("dev", libc::MS_NODEV, false),
    ("noexec", libc::MS_NOEXEC, true),
    ("exec", libc::MS_NOEXEC, false),
    ("sync", libc::MS_SYNCHRONOUS, true),
    ("async", libc::MS_SYNCHRONOUS, false),
    ("dirsync", libc::MS_DIRSYNC, true),
    ("mand", libc::MS_MANDLOCK, true),
    ("nomand", libc::MS_MANDLOCK, false),
    ("noatime", libc::MS_NOATIME, true),
    ("atime", libc::MS_NOATIME, false),
    ("nodiratime", libc::MS_NODIRATIME, true),
    ("diratime", libc::MS_NODIRATIME, false),
    ("relatime", libc::MS_RELATIME, true),
    ("norelatime", libc::MS_RELATIME, false),
    ("strictatime", libc::MS_STRICTATIME, true),
    ("nostrictatime", libc::MS_STRICTATIME, false),
    ("defaults", 0, true),
];

const PROPAGATION: [(&str, u64); 8] = [
    ("shared", libc::MS_SHARED),
    ("rshared", libc::MS_SHARED | libc::MS_REC),
    ("slave", libc::MS_SLAVE),
    ("rslave", libc::MS_SLAVE | libc::MS_REC),
    ("private", libc::MS_PRIVATE),
    ("rprivate", libc::MS_PRIVATE | libc::MS_REC),
    ("unbindable", libc::MS_UNBINDABLE),
    ("runbindable", libc::MS_UNBINDABLE | libc::MS_REC),
];

impl MountOptions {
    /// `bind` and `rbind` are known as file system types too.
    pub fn parse(file_system: &str, options: &[String]) -> MountOptions {
        let mut parsed = MountOptions::default();
        for option in
            options.iter().map(String::as_str).chain([file_system].into_iter().filter(|name| name.ends_with("bind")))
        {
            parsed.add(option);
        }
        parsed
    }

    fn add(&mut self, option: &str) {
        if let Some((_, flag, set)) = FLAGS.iter().find(|(name, ..)| *name == option) {
            if *set { self.flags |= flag } else { self.flags &= !flag }
        } else if let Some((_, propagation)) = PROPAGATION.iter().find(|(name, _)| *name == option) {
            self.propagation.push(*propagation);
        } else {
            match option {
                "bind" => self.bind |= libc::MS_BIND,
                "rbind" => self.bind |= libc::MS_BIND | libc::MS_REC,
                _ => self.data.push(option.to_owned()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(file_system: &str, options: &str) -> MountOptions {
        let options: Vec<String> = options.split(' ').map(str::to_owned).collect();
        MountOptions::parse(file_system, &options)
    }

    #[test]
    fn flags_propagation_and_data_are_told_apart() {
        let parsed = parse("overlay", "rw nosuid ro lowerdir=/a:/b index=off rshared");
        assert_eq!(parsed.flags, libc::MS_RDONLY | libc::MS_NOSUID);
        assert_eq!(parsed.data, ["lowerdir=/a:/b", "index=off"]);
        assert_eq!(parsed.propagation, [libc::MS_SHARED | libc::MS_REC]);
        assert_eq!(parsed.bind, 0);
    }

    #[test]
    fn a_bind_is_one_by_type_or_by_option() {
        assert_eq!(parse("bind", "ro").bind, libc::MS_BIND);
        assert_eq!(parse("none", "rbind").bind, libc::MS_BIND | libc::MS_REC);
        assert_eq!(parse("rbind", "rw").bind, libc::MS_BIND | libc::MS_REC);
    }
}
