// SPDX-License-Identifier: Apache-2.0
//! A container's working directory, which is made if the image has none (as runc and docker do).

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hako_ttrpc::Status;
use libcontainer::oci_spec::runtime::{Hook, HookBuilder, Spec};
use pathrs::Root;
use pathrs::error::{Error, ErrorKind};

/// The argument by which this program becomes [`make_as_hook`].
pub const MAKER: &str = "--make-directory";

/// Sees to it that the working directory will be there: makes it below `rootfs`, or where it lies in one of the
/// container's mounts, has it made by a hook after these.
pub fn provide(spec: &mut Spec, rootfs: &str, container: &str) -> Result<(), Status> {
    let Some(directory) = spec.process().as_ref().map(|process| process.cwd().clone()) else { return Ok(()) };
    if !directory.is_absolute() {
        let given = directory.display();
        return Err(Status::invalid(format!(
            "The working directory of container {container} must be an absolute path, {given:?} is not."
        )));
    }
    let covers = |destination: &Path| destination != Path::new("/") && directory.starts_with(destination);
    let mount = spec.mounts().iter().flatten().map(|mount| mount.destination()).find(|destination| covers(destination));
    match mount {
        None => make(Path::new(rootfs), &directory).map_err(|error| {
            Status::precondition(format!(
                "The working directory {} of container {container} cannot be made: {error}.",
                directory.display()
            ))
        }),
        // A mount's own place is made with it.
        Some(mount) if *mount == directory => Ok(()),
        Some(_) => {
            let hook = hook(rootfs, &directory).map_err(|error| {
                Status::internal(format!("The hook for the working directory of container {container}: {error}."))
            })?;
            let mut hooks = spec.hooks().clone().unwrap_or_default();
            let others = hooks.create_container().clone().unwrap_or_default();
            hooks.set_create_container(Some([vec![hook], others].concat()));
            spec.set_hooks(Some(hooks));
            Ok(())
        }
    }
}

fn hook(rootfs: &str, directory: &Path) -> Result<Hook, libcontainer::oci_spec::OciSpecError> {
    let arguments = ["hako-agent", MAKER, rootfs, &directory.to_string_lossy()].map(String::from);
    HookBuilder::default().path("/proc/self/exe").args(arguments.to_vec()).build()
}

/// Runs as a createContainer hook: in the container's mounts, before its root is the root.
pub fn make_as_hook(rootfs: &str, directory: &str) -> io::Result<()> {
    make(Path::new(rootfs), Path::new(directory))
}

/// Symbolic links are followed as they will be inside.
fn make(rootfs: &Path, directory: &Path) -> io::Result<()> {
    let root = Root::open(rootfs).map_err(plain)?;
    match root.resolve(directory) {
        Err(error) if error.kind() == ErrorKind::OsError(Some(libc::ENOENT)) => {
            root.mkdir_all(directory, &Permissions::from_mode(0o755)).map(drop).map_err(plain)
        }
        Err(error) => Err(plain(error)),
        Ok(found) => {
            let is_directory = File::from(OwnedFd::from(found)).metadata()?.is_dir();
            is_directory.then_some(()).ok_or_else(|| io::Error::from_raw_os_error(libc::ENOTDIR))
        }
    }
}

/// pathrs tells the calls that it made; what they ended with is enough.
fn plain(error: Error) -> io::Error {
    match error.kind() {
        ErrorKind::OsError(Some(number)) => io::Error::from_raw_os_error(number),
        _ => io::Error::other(error),
    }
}
