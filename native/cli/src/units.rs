// SPDX-License-Identifier: Apache-2.0
//! Quantities as people write and read them.

/// docker's: with less no process starts, and the guest's kernel kills in vain.
const LEAST_MEMORY: u64 = 6 << 20;

/// `NUMBER[b|k|m|g|t][i][b]`, powers of 1024 as docker has them, to bytes.
pub fn memory(text: &str) -> Result<u64, String> {
    let bad = || "a size is a number and maybe one of b, k, m, g, t, e.g. 256M".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| bad())?;
    let shift = match text[digits..].to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(bad()),
    };
    let bytes = number.checked_mul(1 << shift).filter(|bytes| i64::try_from(*bytes).is_ok());
    bytes.filter(|bytes| *bytes >= LEAST_MEMORY).ok_or_else(|| "a size lies between 6 MiB and 8 EiB".to_owned())
}

/// A decimal number of CPUs to thousandths of one.
pub fn millicpus(text: &str) -> Result<u64, String> {
    let number: f64 = text.parse().map_err(|_| "it must be a number, e.g. 1.5".to_owned())?;
    if (0.01..=1024.0).contains(&number) {
        return Ok((number * 1000.0).round() as u64);
    }
    Err("it must lie between 0.01 and 1024".to_owned())
}

/// How many of something.
pub fn count(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("it must be a whole number from 0 to {}", u32::MAX))
}

/// Bytes with a binary prefix, three digits.
pub fn show_bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// How long ago something was, in the largest unit that fits.
pub fn show_age(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7199 => (seconds / 60, "minute"),
        7200..=172_799 => (seconds / 3600, "hour"),
        _ => (seconds / 86400, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

/// Nanoseconds since the epoch as RFC 3339 in UTC, whole seconds.
pub fn show_time(nanoseconds: u64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    // Days to a date by eras of 400 years that begin on a 1 March.
    let shifted = seconds / 86400 + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        for (text, bytes) in
            [("6291456", 6 << 20), ("8192k", 8 << 20), ("256M", 268_435_456), ("2GiB", 2_147_483_648), ("1t", 1 << 40)]
        {
            assert_eq!(memory(text), Ok(bytes), "{text}");
        }
        for text in ["", "M", "1.5G", "-1", "1x", "0", "4k", "5M", "99999999999T", "9000000T"] {
            assert!(memory(text).is_err(), "{text}");
        }
    }

    #[test]
    fn cpus_are_decimal() {
        assert_eq!((millicpus("1"), millicpus("0.5"), millicpus("1.25")), (Ok(1000), Ok(500), Ok(1250)));
        for text in ["0", "-1", "x", "NaN", "inf", "5000"] {
            assert!(millicpus(text).is_err(), "{text}");
        }
    }

    #[test]
    fn quantities_are_shown_as_people_read_them() {
        assert_eq!(
            (show_bytes(512), show_bytes(262_144), show_bytes(3 << 30)),
            ("512 B".into(), "256.0 KiB".into(), "3.0 GiB".into())
        );
        assert_eq!(
            (show_age(1), show_age(150), show_age(200_000)),
            ("1 second ago".into(), "2 minutes ago".into(), "2 days ago".into())
        );
    }

    #[test]
    fn times_are_rfc_3339_across_leap_days() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (4_102_444_800, "2100-01-01T00:00:00Z"),
        ] {
            assert_eq!(show_time(seconds * 1_000_000_000), text);
        }
    }
}
