//! Finds the files that inputs name, in an order in which what is referred to comes first.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result, bail};

use crate::journal::Key;
use crate::limits::FOLDER_DEPTH_MAX;

/// A file, or standard input.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Nothing for standard input.
    pub(crate) path: Option<PathBuf>,
    /// Found in a folder rather than named: then it may turn out to hold something else.
    pub(crate) found: bool,
    pub(crate) bytes: u64,
    /// Its state when the load began; none where it cannot be told.
    pub(crate) state: Option<Key>,
}

impl Source {
    fn standard_input() -> Self {
        Self { path: None, found: false, bytes: 0, state: None }
    }

    fn file(path: PathBuf, found: bool, about: &Metadata) -> Self {
        let changed = about.modified().unwrap_or(UNIX_EPOCH);
        let state = about.is_file().then(|| Key::of_file(&path, about.len(), changed));
        Self { path: Some(path), found, bytes: about.len(), state }
    }

    pub(crate) fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| "-".to_owned(), |path| path.display().to_string())
    }
}

/// What the inputs name.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// By turn: one turn is over before the next begins.
    pub(crate) turns: Vec<Vec<Source>>,
    /// Files of folders that end in something else.
    pub(crate) skipped: Vec<String>,
}

/// Beginnings of file names, lower case, and when their turn is. The longest beginning counts.
const TURNS: [(&str, usize); 17] = [
    ("shared", 0),
    ("hospitalinformation", 0),
    ("organization", 0),
    ("practitionerinformation", 1),
    ("practitioner", 1),
    ("location", 1),
    ("practitionerrole", 2),
    ("healthcareservice", 2),
    ("patient", 3),
    ("relatedperson", 4),
    ("device", 4),
    ("coverage", 4),
    ("encounter", 4),
    ("diagnosticreport", 6),
    ("claim", 6),
    ("careplan", 6),
    ("explanationofbenefit", 7),
];
const TURN_OF_OTHERS: usize = 5;
const TURNS_COUNT: usize = 8;

const ENDINGS: [&str; 3] = ["json", "ndjson", "jsonl"];

fn turn(path: &Path) -> usize {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
    let name = name.unwrap_or_default();
    let known = TURNS.iter().filter(|(start, _)| name.starts_with(start));
    known.max_by_key(|(start, _)| start.len()).map_or(TURN_OF_OTHERS, |(_, turn)| *turn)
}

/// All sources. Hidden files and folders are not looked at.
pub(crate) fn discover(inputs: &[PathBuf]) -> Result<Found> {
    if inputs.is_empty() {
        bail!("Name at least one file or folder to load, or - for standard input.");
    }
    let mut found = Found { turns: vec![Vec::new(); TURNS_COUNT], ..Found::default() };
    for input in inputs {
        if input.as_os_str() == "-" {
            found.place(TURN_OF_OTHERS, Source::standard_input());
            continue;
        }
        let about = fs::metadata(input).with_context(|| unreadable(input))?;
        if about.is_dir() {
            walk(input, 0, &mut found)?;
        } else {
            found.place(turn(input), Source::file(input.clone(), false, &about));
        }
    }
    for sources in &mut found.turns {
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        sources.dedup_by(|a, b| a.path == b.path);
    }
    found.turns.retain(|sources| !sources.is_empty());
    found.skipped.sort();
    if found.turns.is_empty() {
        bail!("There are no .json, .ndjson or .jsonl files (or .gz of these) in the folder.");
    }
    Ok(found)
}

impl Found {
    fn place(&mut self, turn: usize, source: Source) {
        if let Some(sources) = self.turns.get_mut(turn) {
            sources.push(source);
        }
    }
}

fn unreadable(path: &Path) -> String {
    format!("{} cannot be read", path.display())
}

fn walk(folder: &Path, depth: usize, found: &mut Found) -> Result<()> {
    if depth > FOLDER_DEPTH_MAX {
        bail!("{} lies more than {FOLDER_DEPTH_MAX} folders deep.", folder.display());
    }
    for entry in fs::read_dir(folder).with_context(|| unreadable(folder))? {
        let entry = entry.with_context(|| unreadable(folder))?;
        let path = entry.path();
        // Links to folders are not followed: they may lead round in a circle.
        let kind = entry.file_type().with_context(|| unreadable(&path))?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            walk(&path, depth + 1, found)?;
        } else if !wanted(&path) {
            found.skipped.push(path.display().to_string());
        } else {
            let about = fs::metadata(&path).with_context(|| unreadable(&path))?;
            if about.is_file() {
                found.place(turn(&path), Source::file(path, true, &about));
            }
        }
    }
    Ok(())
}

fn wanted(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
    let name = name.unwrap_or_default();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    plain.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn referred_to_comes_first() {
        for (name, expected) in [
            ("hospitalInformation1559.json", 0),
            ("practitionerInformation1559.json", 1),
            ("Practitioner.000.ndjson", 1),
            ("PractitionerRole.ndjson.gz", 2),
            ("Patient.ndjson", 3),
            ("Encounter.ndjson", 4),
            ("Observation.ndjson", 5),
            ("Florida_Rutherford_e2bb.json", 5),
            ("ExplanationOfBenefit.ndjson", 7),
        ] {
            assert_eq!(turn(Path::new(name)), expected, "{name}");
        }
        assert!(TURNS.iter().all(|(_, turn)| *turn < TURNS_COUNT));
        for (name, expected) in
            [("a.json", true), ("a.NDJSON.GZ", true), ("a.xml", false), ("json", false)]
        {
            assert_eq!(wanted(Path::new(name)), expected, "{name}");
        }
    }
}
