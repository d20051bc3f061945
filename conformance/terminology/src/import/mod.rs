//! Code systems out of the files that their owners distribute. Who calls opens the files; here they are read, a line at
//! a time but for XML, and become one code system or an error that names the file and the line.

mod csv;
mod cvx;
mod icd10cm;
mod lines;
mod loinc;
mod rxnorm;
mod snomed;
#[cfg(test)]
mod tests;
mod ucum;
mod xml;

use std::io::BufRead;

use canonical_model::{Error, Result};

use crate::code_system::{Builder, Content, Head};

/// A code system that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The tabular list as XML, of CDC.
    Icd10cm,
    /// `Loinc.csv`, and the hierarchy by system where it is there, of Regenstrief.
    Loinc,
    /// The snapshot of release format 2.
    Snomed,
    /// `RXNCONSO.RRF` and `RXNREL.RRF`, of NLM.
    Rxnorm,
    /// `ucum-essence.xml`.
    Ucum,
    /// `cvx.txt`, of CDC.
    Cvx,
}

/// The files of a distribution.
pub trait Source {
    /// The names of all files, as paths with slashes.
    fn names(&self) -> Vec<String>;

    /// Opens one.
    ///
    /// # Errors
    /// It cannot be read.
    fn open(&mut self, name: &str) -> Result<Box<dyn BufRead + '_>>;
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Icd10cm, Self::Loinc, Self::Snomed, Self::Rxnorm, Self::Ucum, Self::Cvx];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Icd10cm => "icd10cm",
            Self::Loinc => "loinc",
            Self::Snomed => "snomed",
            Self::Rxnorm => "rxnorm",
            Self::Ucum => "ucum",
            Self::Cvx => "cvx",
        }
    }

    /// Of its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The code system's URL in FHIR, and its name.
    /// <https://hl7.org/fhir/R4/terminologies-systems.html>
    #[must_use]
    pub fn system(self) -> (&'static str, &'static str) {
        match self {
            Self::Icd10cm => ("http://hl7.org/fhir/sid/icd-10-cm", "ICD-10-CM"),
            Self::Loinc => ("http://loinc.org", "LOINC"),
            Self::Snomed => ("http://snomed.info/sct", "SNOMED CT"),
            Self::Rxnorm => ("http://www.nlm.nih.gov/research/umls/rxnorm", "RxNorm"),
            Self::Ucum => ("http://unitsofmeasure.org", "UCUM"),
            Self::Cvx => ("http://hl7.org/fhir/sid/cvx", "CVX"),
        }
    }

    fn builder(self) -> Builder {
        let (url, name) = self.system();
        Builder::new(Head {
            url: url.to_owned(),
            name: name.to_owned(),
            content: Content::Complete,
            case_sensitive: !matches!(self, Self::Icd10cm),
            ..Head::default()
        })
    }
}

/// Reads a distribution.
///
/// # Errors
/// Invalid, naming the file and the line, where a file is missing or not what it should be; TooLarge.
pub fn read(format: Format, source: &mut dyn Source) -> Result<Builder> {
    let mut builder = format.builder();
    match format {
        Format::Icd10cm => icd10cm::read(source, &mut builder)?,
        Format::Loinc => loinc::read(source, &mut builder)?,
        Format::Snomed => snomed::read(source, &mut builder)?,
        Format::Rxnorm => rxnorm::read(source, &mut builder)?,
        Format::Ucum => ucum::read(source, &mut builder)?,
        Format::Cvx => cvx::read(source, &mut builder)?,
    }
    if builder.is_empty() {
        let text = format!("There are no codes of {} in it.", format.system().1);
        return Err(Error::invalid(text));
    }
    declare(&mut builder);
    Ok(builder)
}

/// All properties are those of the system: a distribution has no others.
fn declare(builder: &mut Builder) {
    for property in &mut builder.head_mut().properties {
        property.declared = true;
    }
}

/// The one file whose name passes; the shortest path where there are several.
fn find(source: &dyn Source, what: &str, fits: impl Fn(&str) -> bool) -> Result<String> {
    let found = look(source, fits);
    found.ok_or_else(|| Error::invalid(format!("There is no {what} in it.")))
}

fn look(source: &dyn Source, fits: impl Fn(&str) -> bool) -> Option<String> {
    let file = |path: &String| fits(path.rsplit('/').next().unwrap_or_default());
    let mut found: Vec<String> = source.names().into_iter().filter(file).collect();
    found.sort_by_key(|path| (path.len(), path.clone()));
    found.into_iter().next()
}

/// The only file there is.
fn only(source: &dyn Source) -> Option<String> {
    match source.names().as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

/// What is wrong with a line of a file.
fn fault(file: &str, line: u64, what: &str) -> Error {
    let file = file.rsplit('/').next().unwrap_or_default();
    Error::invalid(format!("{}, line {line}: {what}", crate::shown::shown(file)))
}
