// SPDX-License-Identifier: Apache-2.0
//! The default seccomp profile: a list of what is allowed. It is stricter than docker's in three things: only the
//! machine's own ABI (a 32-bit socketcall(2) hides the address family from the filter), no AF_VSOCK (the guest agent's
//! kind of channel), and no system call that only a capability outside the default set would permit.
//!
//! A call that is known and refused fails with EPERM; one that the list has never heard of fails with ENOSYS, so that
//! a C library newer than the list falls back to the older call.

use serde_json::{Value, json};

const ENOSYS: i32 = 38;
const EPERM: i32 = 1;
const EAFNOSUPPORT: i32 = 97;
const AF_VSOCK: u32 = 40;
/// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; NEWTIME lies in the exit signal's bits.
const NAMESPACE_FLAGS: u32 = 0x7e02_0000;
/// personality(2): Linux, Linux 32-bit uname, UNAME26 with both, and the question.
const PERSONALITIES: [u32; 5] = [0, 0x8, 0x20000, 0x20008, 0xffff_ffff];

const ALLOWED: &str = "
    accept accept4 access adjtimex alarm arch_prctl bind brk cachestat capget capset chdir chmod chown chroot
    clock_adjtime clock_getres clock_gettime clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3
    epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit
    exit_group faccessat faccessat2 fadvise64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchownat
    fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex
    futex_requeue futex_wait futex_waitv futex_wake futimesat get_mempolicy get_robust_list get_thread_area getcpu getcwd
    getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid
    getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday
    getuid getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy
    io_getevents io_pgetevents io_setup io_submit ioctl ioprio_get ioprio_set kill landlock_add_rule
    landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat listen listmount listxattr listxattrat
    llistxattr lremovexattr lseek lsetxattr lstat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore
    mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap modify_ldt mprotect mq_getsetattr mq_notify mq_open
    mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap
    name_to_handle_at nanosleep newfstatat open openat openat2 pause pidfd_getfd pidfd_open pidfd_send_signal pipe pipe2
    pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64 process_mrelease
    process_vm_readv process_vm_writev pselect6 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv
    recvfrom recvmmsg recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall
    rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
    rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
    sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler
    sched_yield seccomp select semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto set_robust_list
    set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid setpriority setregid
    setresgid setresuid setreuid setrlimit setsid setsockopt setuid setxattr setxattrat shmat shmctl shmdt shmget
    shutdown sigaltstack signalfd signalfd4 socketpair splice stat statfs statmount statx symlink symlinkat sync
    sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime
    timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat uretprobe utime
    utimensat utimes vfork vmsplice wait4 waitid write writev
";

const REFUSED: &str = "
    acct add_key bpf clock_settime delete_module fanotify_init finit_module fsconfig fsmount fsopen fspick
    get_kernel_syms init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load
    kexec_load keyctl lookup_dcookie lsm_get_self_attr lsm_list_modules lsm_set_self_attr mbind migrate_pages mount
    mount_setattr move_mount move_pages nfsservctl open_by_handle_at open_tree perf_event_open pivot_root
    process_madvise query_module quotactl quotactl_fd reboot request_key set_mempolicy set_mempolicy_home_node setdomainname
    sethostname setns settimeofday swapoff swapon sysfs syslog umount umount2 unshare uselib userfaultfd ustat vhangup
    vm86 vm86old
";

/// The runtime-spec's `linux.seccomp` object.
pub fn profile() -> Value {
    let names = |list: &str| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut rules = vec![
        json!({ "names": names(ALLOWED), "action": "SCMP_ACT_ALLOW" }),
        json!({ "names": names(REFUSED), "action": "SCMP_ACT_ERRNO", "errnoRet": EPERM }),
        argument("socket", json!({ "index": 0, "value": AF_VSOCK, "op": "SCMP_CMP_NE" }), None),
        argument("socket", json!({ "index": 0, "value": AF_VSOCK, "op": "SCMP_CMP_EQ" }), Some(EAFNOSUPPORT)),
        // clone3 hides its flags behind a pointer: unknown here, so that the C library uses clone.
        argument(
            "clone",
            json!({ "index": 0, "value": NAMESPACE_FLAGS, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ" }),
            None,
        ),
    ];
    rules
        .extend(PERSONALITIES.map(|persona| {
            argument("personality", json!({ "index": 0, "value": persona, "op": "SCMP_CMP_EQ" }), None)
        }));
    json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": ENOSYS,
        "architectures": [if cfg!(target_arch = "aarch64") { "SCMP_ARCH_AARCH64" } else { "SCMP_ARCH_X86_64" }],
        "syscalls": rules,
    })
}

/// A rule about one argument: allowed, or refused with an error number.
fn argument(name: &str, condition: Value, refused: Option<i32>) -> Value {
    match refused {
        None => json!({ "names": [name], "action": "SCMP_ACT_ALLOW", "args": [condition] }),
        Some(error) => json!({ "names": [name], "action": "SCMP_ACT_ERRNO", "errnoRet": error, "args": [condition] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_call_is_on_both_lists_or_twice_on_one() {
        let mut seen = HashSet::new();
        for name in ALLOWED.split_whitespace().chain(REFUSED.split_whitespace()) {
            assert!(seen.insert(name), "{name} is there twice");
        }
    }

    #[test]
    fn what_changes_the_machine_or_makes_namespaces_is_refused() {
        let allowed: HashSet<_> = ALLOWED.split_whitespace().collect();
        for name in [
            "mount",
            "setns",
            "unshare",
            "bpf",
            "init_module",
            "keyctl",
            "io_uring_setup",
            "reboot",
            "clone3",
            "socket",
            "clone",
        ] {
            assert!(!allowed.contains(name), "{name} is allowed whatever its arguments");
        }
    }
}
