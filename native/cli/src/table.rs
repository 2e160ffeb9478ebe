// SPDX-License-Identifier: Apache-2.0
//! Columns for people, JSON for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::args::Format;
use crate::failure::{Doing, Result};

/// Columns two spaces apart; the last one is not padded.
pub fn columns<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = head.map(|text| text.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[&str]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let body = rows.iter().map(|row| line(&row.each_ref().map(String::as_str)));
    [line(&head)].into_iter().chain(body).collect()
}

/// Prints a value in the asked format; the table is only made if it is wanted.
pub fn print(format: Format, value: &impl Serialize, table: impl FnOnce() -> String) -> Result<()> {
    let text = match format {
        Format::Table => table(),
        Format::Json => serde_json::to_string_pretty(value).doing(|| "Writing JSON".into())? + "\n",
    };
    print_text(&text)
}

/// Writes to standard output. A reader that has gone has what it wanted.
pub fn print_text(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.doing(|| "Writing to standard output".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_have_no_trailing_blanks() {
        let rows = [
            ["a".to_owned(), "long one".to_owned(), String::new()],
            ["bbb".to_owned(), "c".to_owned(), "d".to_owned()],
        ];
        assert_eq!(columns(["X", "Y", "Z"], &rows), "X    Y         Z\na    long one\nbbb  c         d\n");
    }
}
