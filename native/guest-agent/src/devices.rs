// SPDX-License-Identifier: Apache-2.0
//! Device rules of a container: an eBPF program on its cgroup (linux/bpf.h, BPF_PROG_TYPE_CGROUP_DEVICE), made from
//! `linux.resources.devices` of the OCI runtime-spec. What no rule allows is denied.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use hako_ttrpc::Status;
use libcontainer::oci_spec::runtime::{LinuxDeviceCgroup, LinuxDeviceType};

use crate::sys::check;

/// BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR, and the BPF_DEVCG_ACC_ bits of linux/bpf.h.
const BLOCK: i32 = 1;
const CHARACTER: i32 = 2;
const MKNOD: i32 = 1;
const READ: i32 = 2;
const WRITE: i32 = 4;
const EVERY_ACCESS: i32 = MKNOD | READ | WRITE;

/// The devices that every container has (runtime-spec config-linux.md, "Default Devices"): type c, major, minor.
/// `None` is any minor number: the terminals of a devpts.
const DEFAULT_DEVICES: [(i32, Option<i32>); 8] = [
    (1, Some(3)), // null
    (1, Some(5)), // zero
    (1, Some(7)), // full
    (1, Some(8)), // random
    (1, Some(9)), // urandom
    (5, Some(0)), // tty
    (5, Some(2)), // ptmx
    (136, None),  // pts/*
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    allow: bool,
    /// `None`: any.
    kind: Option<i32>,
    major: Option<i32>,
    minor: Option<i32>,
    access: i32,
}

impl Rule {
    /// `None` for a rule that no request can meet (a fifo, for example).
    fn of(given: &LinuxDeviceCgroup) -> Option<Rule> {
        let kind = match given.typ() {
            None | Some(LinuxDeviceType::A) => None,
            Some(LinuxDeviceType::B) => Some(BLOCK),
            Some(LinuxDeviceType::C | LinuxDeviceType::U) => Some(CHARACTER),
            Some(LinuxDeviceType::P) => return None,
        };
        // -1 is the runtime-spec's other way to say "any".
        let number = |value: Option<i64>| value.filter(|&number| number >= 0).map(i32::try_from).transpose().ok();
        let bits = [('m', MKNOD), ('r', READ), ('w', WRITE)];
        let access = match given.access() {
            None => EVERY_ACCESS,
            Some(letters) => bits.iter().filter(|(letter, _)| letters.contains(*letter)).map(|(_, bit)| bit).sum(),
        };
        Some(Rule { allow: given.allow(), kind, major: number(given.major())?, minor: number(given.minor())?, access })
    }

    fn is_for_everything(&self) -> bool {
        self.access == EVERY_ACCESS && [self.kind, self.major, self.minor] == [None; 3]
    }
}

/// In the order of the spec: a later rule is stronger.
fn rules(given: &[LinuxDeviceCgroup]) -> Vec<Rule> {
    let defaults = DEFAULT_DEVICES.iter().map(|&(major, minor)| Rule {
        allow: true,
        kind: Some(CHARACTER),
        major: Some(major),
        minor,
        access: EVERY_ACCESS,
    });
    given.iter().filter_map(Rule::of).chain(defaults).collect()
}

/// struct bpf_insn of linux/bpf.h (little endian: destination in the low half of `registers`).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Instruction {
    code: u8,
    registers: u8,
    offset: i16,
    immediate: i32,
}

const LOAD_WORD: u8 = 0x61; // BPF_LDX | BPF_MEM | BPF_W
const MOVE_REGISTER: u8 = 0xbf; // BPF_ALU64 | BPF_MOV | BPF_X
const MOVE_NUMBER: u8 = 0xb7; // BPF_ALU64 | BPF_MOV | BPF_K
const AND_NUMBER: u8 = 0x57; // BPF_ALU64 | BPF_AND | BPF_K
const SHIFT_RIGHT: u8 = 0x77; // BPF_ALU64 | BPF_RSH | BPF_K
const JUMP_UNEQUAL: u8 = 0x55; // BPF_JMP | BPF_JNE | BPF_K
const JUMP_EQUAL: u8 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const EXIT: u8 = 0x95; // BPF_JMP | BPF_EXIT

/// Registers: 0 the answer, 1 the context, then the request taken from struct bpf_cgroup_dev_ctx, 6 scratch.
const KIND: u8 = 2;
const ACCESS: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;
const SCRATCH: u8 = 6;

fn instruction(code: u8, destination: u8, source: u8, offset: i16, immediate: i32) -> Instruction {
    Instruction { code, registers: source << 4 | destination, offset, immediate }
}

fn program(rules: &[Rule]) -> Vec<Instruction> {
    let mut code = vec![
        instruction(LOAD_WORD, KIND, 1, 0, 0),
        instruction(MOVE_REGISTER, ACCESS, KIND, 0, 0),
        instruction(SHIFT_RIGHT, ACCESS, 0, 0, 16),
        instruction(AND_NUMBER, KIND, 0, 0, 0xffff),
        instruction(LOAD_WORD, MAJOR, 1, 4, 0),
        instruction(LOAD_WORD, MINOR, 1, 8, 0),
    ];
    for rule in rules.iter().rev() {
        code.extend(block(rule));
        if rule.is_for_everything() {
            // The kernel refuses a program with instructions that cannot be reached.
            return code;
        }
    }
    code.extend(answer(false));
    code
}

fn answer(allow: bool) -> [Instruction; 2] {
    [instruction(MOVE_NUMBER, 0, 0, 0, i32::from(allow)), instruction(EXIT, 0, 0, 0, 0)]
}

/// Answers if the rule meets the request, else falls through to the next block.
fn block(rule: &Rule) -> Vec<Instruction> {
    let mut tests = Vec::new();
    for (register, value) in [(KIND, rule.kind), (MAJOR, rule.major), (MINOR, rule.minor)] {
        if let Some(value) = value {
            tests.push(instruction(JUMP_UNEQUAL, register, 0, 0, value));
        }
    }
    if rule.access != EVERY_ACCESS {
        tests.push(instruction(MOVE_REGISTER, SCRATCH, ACCESS, 0, 0));
        // Allowing needs every requested access to be in the rule, denying any of them.
        if rule.allow {
            tests.push(instruction(AND_NUMBER, SCRATCH, 0, 0, EVERY_ACCESS & !rule.access));
            tests.push(instruction(JUMP_UNEQUAL, SCRATCH, 0, 0, 0));
        } else {
            tests.push(instruction(AND_NUMBER, SCRATCH, 0, 0, rule.access));
            tests.push(instruction(JUMP_EQUAL, SCRATCH, 0, 0, 0));
        }
    }
    let length = tests.len();
    for (index, test) in tests.iter_mut().enumerate() {
        if matches!(test.code, JUMP_UNEQUAL | JUMP_EQUAL) {
            // Past the rest of the tests and the two instructions of the answer.
            test.offset = (length - index + 1) as i16;
        }
    }
    tests.extend(answer(rule.allow));
    tests
}

/// The parts of union bpf_attr (linux/bpf.h) that loading and attaching use.
#[repr(C)]
#[derive(Default)]
struct LoadAttributes {
    program_type: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buffer: u64,
    kernel_version: u32,
    flags: u32,
}

#[repr(C)]
struct AttachAttributes {
    target: u32,
    program: u32,
    attach_type: u32,
    flags: u32,
}

const PROGRAM_LOAD: libc::c_int = 5; // BPF_PROG_LOAD
const PROGRAM_ATTACH: libc::c_int = 8; // BPF_PROG_ATTACH
const CGROUP_DEVICE_PROGRAM: u32 = 15; // BPF_PROG_TYPE_CGROUP_DEVICE
const CGROUP_DEVICE: u32 = 6; // BPF_CGROUP_DEVICE
const ALLOW_MULTI: u32 = 2; // BPF_F_ALLOW_MULTI

fn bpf<T>(command: libc::c_int, attributes: &T) -> io::Result<libc::c_long> {
    // SAFETY: `attributes` is a live prefix of union bpf_attr and its size is passed with it.
    check(unsafe { libc::syscall(libc::SYS_bpf, command, attributes as *const T, size_of::<T>()) })
}

/// Makes the rules hold for every process of the cgroup, from now on and as long as the cgroup exists.
pub fn enforce(cgroup: &Path, given: &[LinuxDeviceCgroup]) -> Result<(), Status> {
    let failed = |step: &str, error: io::Error| {
        Status::internal(format!("The device rules of {} cannot be {step}: {error}.", cgroup.display()))
    };
    let directory = File::open(cgroup).map_err(|error| failed("set", error))?;
    let code = program(&rules(given));
    let program = load(&code).map_err(|error| failed("loaded", error))?;
    let attributes = AttachAttributes {
        target: directory.as_raw_fd() as u32,
        program: program.as_raw_fd() as u32,
        attach_type: CGROUP_DEVICE,
        flags: ALLOW_MULTI,
    };
    bpf(PROGRAM_ATTACH, &attributes).map(drop).map_err(|error| failed("attached", error))
}

fn load(code: &[Instruction]) -> io::Result<OwnedFd> {
    let license = c"Apache-2.0";
    let attributes = LoadAttributes {
        program_type: CGROUP_DEVICE_PROGRAM,
        instruction_count: code.len() as u32,
        instructions: code.as_ptr() as u64,
        license: license.as_ptr() as u64,
        ..LoadAttributes::default()
    };
    let fd = bpf(PROGRAM_LOAD, &attributes)?;
    // SAFETY: the kernel has just given this descriptor to this process alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Runs a program on a request, as the kernel would.
    fn run(code: &[Instruction], kind: i32, access: i32, major: i32, minor: i32) -> bool {
        let context = [access << 16 | kind, major, minor];
        let mut registers = [0i64; 7];
        let mut next = 0;
        loop {
            let Instruction { code: operation, registers: pair, offset, immediate } = code[next];
            let (destination, source) = ((pair & 15) as usize, (pair >> 4) as usize);
            let number = i64::from(immediate);
            next += 1;
            match operation {
                LOAD_WORD => registers[destination] = i64::from(context[offset as usize / 4]),
                MOVE_REGISTER => registers[destination] = registers[source],
                MOVE_NUMBER => registers[destination] = number,
                AND_NUMBER => registers[destination] &= number,
                SHIFT_RIGHT => registers[destination] >>= number,
                JUMP_UNEQUAL if registers[destination] != number => next += offset as usize,
                JUMP_EQUAL if registers[destination] == number => next += offset as usize,
                JUMP_UNEQUAL | JUMP_EQUAL => {}
                EXIT => return registers[0] == 1,
                other => panic!("unknown instruction {other:#x}"),
            }
        }
    }

    fn compiled(rules_json: serde_json::Value) -> Vec<Instruction> {
        let given: Vec<LinuxDeviceCgroup> = serde_json::from_value(rules_json).unwrap();
        program(&rules(&given))
    }

    #[test]
    fn without_rules_only_the_default_devices_are_allowed() {
        let code = compiled(json!([]));
        assert!(run(&code, CHARACTER, READ | WRITE, 1, 3));
        assert!(run(&code, CHARACTER, EVERY_ACCESS, 136, 77));
        assert!(!run(&code, CHARACTER, READ, 1, 1), "/dev/mem");
        assert!(!run(&code, BLOCK, READ, 1, 3));
        assert!(!run(&code, CHARACTER, READ | WRITE, 10, 58), "a virtio-serial port's neighbourhood");
    }

    #[test]
    fn a_later_rule_is_stronger() {
        let open = compiled(
            json!([{ "allow": false, "access": "rwm" }, { "allow": true, "type": "b", "major": 8, "access": "r" }]),
        );
        assert!(run(&open, BLOCK, READ, 8, 1));
        assert!(!run(&open, BLOCK, WRITE, 8, 1));
        assert!(!run(&open, BLOCK, READ | WRITE, 8, 1), "part of what is asked is not allowed");
        let shut = compiled(
            json!([{ "allow": true, "access": "rwm" }, { "allow": false, "type": "c", "major": 10, "minor": 200, "access": "w" }]),
        );
        assert!(run(&shut, CHARACTER, READ, 10, 200));
        assert!(!run(&shut, CHARACTER, READ | WRITE, 10, 200), "part of what is asked is denied");
        assert!(run(&shut, CHARACTER, WRITE, 10, 201));
    }

    #[test]
    fn nothing_follows_a_rule_for_everything() {
        let deny =
            compiled(json!([{ "allow": true, "type": "b", "access": "r" }, { "allow": false, "access": "rwm" }]));
        assert_eq!(deny.len(), compiled(json!([])).len(), "the deny at the end and the rule before it are left out");
    }

    #[test]
    fn minus_one_is_any_number() {
        let code = compiled(json!([{ "allow": true, "type": "b", "major": -1, "minor": -1, "access": "m" }]));
        assert!(run(&code, BLOCK, MKNOD, 8, 3));
        assert!(!run(&code, BLOCK, READ, 8, 3));
    }
}
