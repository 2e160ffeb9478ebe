// SPDX-License-Identifier: Apache-2.0
//! Points in time as people write them.

use std::str::FromStr;

use prost_types::Timestamp;

use crate::container::now;
use crate::units::show_time;

const FORMS: &str =
    "a time is how long ago (90s, 10m, 1h30m, 2d), seconds since 1970, or RFC 3339 (2026-11-24T02:35:12Z)";

/// Nanoseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(age) = age(text) {
            return Ok(Self(now().saturating_sub(age)));
        }
        if let Ok(seconds) = text.parse::<u64>() {
            return seconds.checked_mul(1_000_000_000).map(Self).ok_or_else(|| FORMS.to_owned());
        }
        let stamp = text.parse::<Timestamp>().map_err(|_| FORMS.to_owned())?;
        let nanoseconds = i128::from(stamp.seconds) * 1_000_000_000 + i128::from(stamp.nanos);
        u64::try_from(nanoseconds).map(Self).map_err(|_| FORMS.to_owned())
    }
}

/// `1h30m` in nanoseconds; nothing if it is not of that form.
fn age(text: &str) -> Option<u64> {
    let (mut rest, mut seconds) = (text, 0_u64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let factor = match rest.as_bytes()[digits] {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86400,
            _ => return None,
        };
        seconds = seconds.checked_add(rest[..digits].parse::<u64>().ok()?.checked_mul(factor)?)?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then(|| seconds.checked_mul(1_000_000_000)).flatten()
}

/// RFC 3339 in UTC, microseconds.
pub fn show(nanoseconds: u64) -> String {
    let whole = show_time(nanoseconds);
    format!("{}.{:06}Z", whole.trim_end_matches('Z'), nanoseconds % 1_000_000_000 / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_an_age_or_a_date() {
        for (text, seconds) in [("0", 0), ("1700000000", 1_700_000_000), ("2000-02-29T00:00:00Z", 951_782_400)] {
            assert_eq!(text.parse(), Ok(Moment(seconds * 1_000_000_000)), "{text}");
        }
        assert_eq!("2000-02-29T01:00:00.5+01:00".parse(), Ok(Moment(951_782_400_500_000_000)));
        let before = now();
        for (text, seconds) in [("0s", 0), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("2d", 172_800)] {
            let Moment(then) = text.parse().unwrap();
            let ago = seconds * 1_000_000_000;
            assert!((before - ago..=now() - ago).contains(&then), "{text}");
        }
        for text in
            ["", "m", "10", "1h30", "-5m", "5 m", "1.5h", "yesterday", "99999999999999999999d", "1969-01-01T00:00:00Z"]
        {
            assert_eq!(text.parse::<Moment>().is_err(), text != "10", "{text}");
        }
    }

    #[test]
    fn microseconds_are_shown() {
        assert_eq!(show(951_782_400_012_345_678), "2000-02-29T00:00:00.012345Z");
    }
}
