// SPDX-License-Identifier: Apache-2.0
//! Why a call failed: a code of google.rpc.Code (googleapis google/rpc/code.proto) and a sentence.

use std::fmt;

use hako_protocols::ttrpc;

/// google.rpc.Code. A number that the list does not have reads as [`Code::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Code {
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

const CODES: [Code; 17] = [
    Code::Ok,
    Code::Cancelled,
    Code::Unknown,
    Code::InvalidArgument,
    Code::DeadlineExceeded,
    Code::NotFound,
    Code::AlreadyExists,
    Code::PermissionDenied,
    Code::ResourceExhausted,
    Code::FailedPrecondition,
    Code::Aborted,
    Code::OutOfRange,
    Code::Unimplemented,
    Code::Internal,
    Code::Unavailable,
    Code::DataLoss,
    Code::Unauthenticated,
];

impl From<i32> for Code {
    fn from(number: i32) -> Self {
        usize::try_from(number).ok().and_then(|index| CODES.get(index).copied()).unwrap_or(Code::Unknown)
    }
}

/// A failed call. `message` is one sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub code: Code,
    pub message: String,
}

impl Status {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Status { code, message: message.into() }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Status::new(Code::InvalidArgument, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Status::new(Code::NotFound, message)
    }

    pub fn precondition(message: impl Into<String>) -> Self {
        Status::new(Code::FailedPrecondition, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Status::new(Code::Internal, message)
    }

    pub fn unimplemented(service: &str, method: &str) -> Self {
        Status::new(Code::Unimplemented, format!("There is no method {method} in service {service}."))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.message, self.code)
    }
}

impl std::error::Error for Status {}

impl From<ttrpc::Status> for Status {
    fn from(wire: ttrpc::Status) -> Self {
        Status { code: Code::from(wire.code), message: wire.message }
    }
}

impl From<Status> for ttrpc::Status {
    fn from(status: Status) -> Self {
        ttrpc::Status { code: status.code as i32, message: status.message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_the_wire() {
        for code in CODES {
            assert_eq!(Code::from(code as i32), code);
        }
    }

    #[test]
    fn numbers_outside_the_list_are_unknown() {
        assert_eq!([Code::from(-1), Code::from(17), Code::from(i32::MAX)], [Code::Unknown; 3]);
    }
}
