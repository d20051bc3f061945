//! The table for people and the file for machines.

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;
use std::{fs, io::Write, path::Path};

/// What a row must reach.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Floor {
    AtLeast(f64),
    AtMost(f64),
}

/// One measured line.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) ours: Value,
    pub(crate) limit: Value,
    /// Ours over the limit, turned so that higher is better.
    pub(crate) ratio: f64,
    /// What `got` is held against.
    pub(crate) floor: Option<Floor>,
    pub(crate) got: f64,
    /// `got` and the floor are in this.
    pub(crate) unit: &'static str,
    /// Absent when the row is not judged.
    pub(crate) pass: Option<bool>,
    /// The cells of the table.
    #[serde(skip)]
    pub(crate) cells: [String; 2],
}

impl Row {
    /// A row about `got`, judged by `floor` unless `judged` is false: a smoke run proves nothing.
    pub(crate) fn new(name: impl Into<String>, got: f64, unit: &'static str) -> Self {
        let got = rounded(got);
        Self {
            name: name.into(),
            ours: Value::Null,
            limit: Value::Null,
            ratio: got,
            floor: None,
            got,
            unit,
            pass: None,
            cells: [format!("{got} {unit}"), String::new()],
        }
    }

    /// What was measured of both, in full and in a table's cell.
    pub(crate) fn sides(mut self, ours: (Value, String), limit: (Value, String)) -> Self {
        (self.ours, self.limit, self.cells) = (ours.0, limit.0, [ours.1, limit.1]);
        self
    }

    /// The ratio, where it is not the judged figure itself.
    pub(crate) fn ratio(mut self, ratio: f64) -> Self {
        self.ratio = rounded(ratio);
        self
    }

    /// Holds the row against `floor`.
    pub(crate) fn held_to(mut self, floor: Floor, judged: bool) -> Self {
        self.floor = Some(floor);
        self.pass = judged.then_some(match floor {
            Floor::AtLeast(least) => self.got >= least,
            Floor::AtMost(most) => self.got <= most,
        });
        self
    }

    /// A row whose limit is a budget: the ratio is budget over use.
    pub(crate) fn budget(
        name: &str,
        used: f64,
        most: f64,
        unit: &'static str,
        judged: bool,
    ) -> Self {
        let row = Self::new(name, used, unit);
        let cells = (format!("{} {unit}", row.got), format!("{most} {unit}"));
        let value = |value: f64| serde_json::json!({ "value": value, "unit": unit });
        let (ours, limit) = (value(row.got), value(most));
        row.ratio(most / used.max(1e-9))
            .sides((ours, cells.0), (limit, cells.1))
            .held_to(Floor::AtMost(most), judged)
    }
}

/// Above this a run's throughput and tails are pessimistic.
const QUIET_CORES: f64 = 0.1;

/// Three digits after the point say more than the noise allows.
pub(crate) fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// A suite's outcome.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) suite: String,
    pub(crate) machine: String,
    pub(crate) commit: String,
    pub(crate) rows: Vec<Row>,
    /// The most cores that nothing measured here kept busy.
    pub(crate) noise_cores: f64,
    /// Lines below the table: every run, one by one.
    #[serde(skip)]
    pub(crate) details: Vec<Vec<String>>,
}

impl Report {
    /// Whether no judged row missed its floor.
    pub(crate) fn passed(&self) -> bool {
        self.rows.iter().all(|row| row.pass != Some(false))
    }

    /// Prints what [`Report::publish`] writes.
    pub(crate) fn print_json(&self) -> Result<()> {
        Ok(writeln!(std::io::stdout().lock(), "{}", serde_json::to_string_pretty(self)?)?)
    }

    /// Prints the tables and writes `FOLDER/SUITE.json`.
    pub(crate) fn publish(&self, folder: &Path) -> Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{} at {} on {}\n", self.suite, self.commit, self.machine)?;
        let head = ["work", "ours", "limit", "ratio", "floor", ""].map(str::to_owned);
        let rows = self.rows.iter().map(line);
        write_table(&mut out, std::iter::once(head.to_vec()).chain(rows).collect())?;
        if !self.details.is_empty() {
            writeln!(out)?;
            write_table(&mut out, self.details.clone())?;
        }
        if self.noise_cores > QUIET_CORES {
            let busy = self.noise_cores;
            writeln!(out, "\nnot quiet: others kept up to {busy} cores busy; see the last column")?;
        }
        let path = folder.join(format!("{}.json", self.suite));
        fs::create_dir_all(folder)?;
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        writeln!(out, "\nwritten to {}", path.display())?;
        Ok(())
    }
}

fn line(row: &Row) -> Vec<String> {
    let [ours, limit] = row.cells.clone();
    let unit = if row.unit == "ratio" { "" } else { row.unit };
    let floor = match row.floor {
        Some(Floor::AtLeast(least)) => format!("≥ {least} {unit}"),
        Some(Floor::AtMost(most)) => format!("≤ {most} {unit}"),
        None => String::new(),
    };
    let verdict = match row.pass {
        Some(true) => "pass",
        Some(false) => "MISSED",
        None => "",
    };
    let ratio = format!("{:.2}", row.ratio);
    vec![row.name.clone(), ours, limit, ratio, floor.trim_end().to_owned(), verdict.to_owned()]
}

/// Aligns the first column left and all others right.
fn write_table(out: &mut impl Write, rows: Vec<Vec<String>>) -> Result<()> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for row in &rows {
        let mut text = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            text += &match column {
                0 => format!("{cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            };
        }
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_by_the_floor() {
        let row = |got| Row::new("x", got, "ratio");
        for (row, pass) in [
            (row(0.5), None),
            (row(0.5).held_to(Floor::AtLeast(0.5), true), Some(true)),
            (row(0.49).held_to(Floor::AtLeast(0.5), true), Some(false)),
            (row(0.49).held_to(Floor::AtLeast(0.5), false), None),
            (Row::budget("x", 160.0, 150.0, "MB", true), Some(false)),
            (Row::budget("x", 140.0, 150.0, "MB", true), Some(true)),
        ] {
            assert_eq!(row.pass, pass, "{row:?}");
        }
        assert!((Row::budget("x", 75.0, 150.0, "MB", true).ratio - 2.0).abs() < 1e-9);
    }

    #[test]
    fn the_table_is_aligned() {
        let rows = [["work", "ours"], ["read", "8"], ["transaction", "123"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec()).to_vec();
        let mut out = Vec::new();
        write_table(&mut out, rows).unwrap();
        let expected = "work         ours\nread            8\ntransaction   123\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
