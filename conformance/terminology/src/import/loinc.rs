//! LOINC: its table of codes, and the hierarchy of its components where that is in the distribution.
//! <https://loinc.org/kb/users-guide/loinc-database-structure/> <https://hl7.org/fhir/R4/loinc.html>

use canonical_model::Result;

use super::csv::record;
use super::lines::Lines;
use super::{Source, find, look, only};
use crate::code_system::{Builder, PropertyKind};

/// Columns that are properties in FHIR.
const PROPERTIES: [&str; 11] = [
    "COMPONENT",
    "PROPERTY",
    "TIME_ASPCT",
    "SYSTEM",
    "SCALE_TYP",
    "METHOD_TYP",
    "CLASS",
    "STATUS",
    "CLASSTYPE",
    "ORDER_OBS",
    "VersionLastChanged",
];
/// Columns that are other wordings.
const WORDINGS: [&str; 3] = ["SHORTNAME", "CONSUMER_NAME", "DisplayName"];

pub(super) fn read(source: &mut dyn Source, builder: &mut Builder) -> Result<()> {
    let name = match only(source) {
        Some(only) => only,
        None => find(source, "Loinc.csv", |name| name.eq_ignore_ascii_case("loinc.csv"))?,
    };
    table(source, &name, builder)?;
    let hierarchy = look(source, |name| {
        matches!(name, "ComponentHierarchyBySystem.csv" | "MultiAxialHierarchy.csv")
    });
    match hierarchy {
        Some(name) => self::hierarchy(source, &name, builder),
        None => Ok(()),
    }
}

fn table(source: &mut dyn Source, name: &str, builder: &mut Builder) -> Result<()> {
    let mut lines = Lines::new(name, source.open(name)?);
    let Some(head) = record(&mut lines)? else { return Ok(()) };
    let column = |name: &str| head.iter().position(|it| it == name);
    let Some(code) = column("LOINC_NUM") else { return pairs(&head, lines, builder) };
    let display = column("LONG_COMMON_NAME");
    let display = display.ok_or_else(|| lines.fault("there is no column LONG_COMMON_NAME"))?;
    let properties: Vec<(&str, usize)> =
        PROPERTIES.iter().filter_map(|it| Some((*it, column(it)?))).collect();
    let wordings: Vec<usize> = WORDINGS.iter().filter_map(|it| column(it)).collect();
    let (status, definition) = (column("STATUS"), column("DefinitionDescription"));
    let changed = column("VersionLastChanged");
    let mut newest = Newest::default();
    while let Some(row) = record(&mut lines)? {
        let field = |at: usize| row.get(at).map(|it| it.trim()).unwrap_or_default();
        let maybe = |at: Option<usize>| at.map(field).filter(|it| !it.is_empty());
        if !is_code(field(code)) {
            return Err(lines.fault("LOINC_NUM is no code of LOINC"));
        }
        let place = builder.concept(field(code))?;
        builder.display(place, field(display))?;
        if let Some(text) = maybe(definition) {
            builder.definition(place, text)?;
        }
        for (name, at) in &properties {
            if let Some(value) = maybe(Some(*at)) {
                builder.property(place, name, PropertyKind::String, value)?;
            }
        }
        for at in &wordings {
            if let Some(text) = maybe(Some(*at)).filter(|text| *text != field(display)) {
                builder.designation(place, "en", ["", "", ""], text)?;
            }
        }
        if maybe(status) == Some("DEPRECATED") {
            builder.inactive(place);
        }
        newest.see(maybe(changed).unwrap_or_default());
    }
    builder.head_mut().version = newest.version;
    Ok(())
}

/// The version that something changed in last: that of the distribution.
#[derive(Default)]
struct Newest {
    version: Option<String>,
    parts: Vec<u32>,
}

impl Newest {
    fn see(&mut self, version: &str) {
        let parts: Option<Vec<u32>> = version.split('.').map(|it| it.parse().ok()).collect();
        if let Some(parts) = parts.filter(|parts| *parts > self.parts) {
            (self.version, self.parts) = (Some(version.to_owned()), parts);
        }
    }
}

/// Codes and names with a tab between them.
fn pairs(first: &[String], mut lines: Lines<'_>, builder: &mut Builder) -> Result<()> {
    let mut line = Some(first.join(","));
    while let Some(text) = line {
        let (code, display) = text.split_once('\t').unwrap_or_default();
        if !is_code(code) || display.trim().is_empty() {
            return Err(lines.fault("expected the column LOINC_NUM, or a code, a tab and a name"));
        }
        let place = builder.concept(code)?;
        builder.display(place, display.trim())?;
        line = lines.next()?.map(str::to_owned).filter(|it| !it.is_empty());
    }
    Ok(())
}

fn hierarchy(source: &mut dyn Source, name: &str, builder: &mut Builder) -> Result<()> {
    let mut lines = Lines::new(name, source.open(name)?);
    let head = record(&mut lines)?.unwrap_or_default();
    let column = |name: &str| {
        let at = head.iter().position(|it| it == name);
        at.ok_or_else(|| lines.fault(&format!("there is no column {name}")))
    };
    let (parent, code, text) = (column("IMMEDIATE_PARENT")?, column("CODE")?, column("CODE_TEXT")?);
    while let Some(row) = record(&mut lines)? {
        let field = |at: usize| row.get(at).map(|it| it.trim()).unwrap_or_default();
        if field(code).is_empty() {
            return Err(lines.fault("CODE is empty"));
        }
        let place = builder.concept(field(code))?;
        builder.display(place, field(text))?;
        if !field(parent).is_empty() {
            let above = builder.concept(field(parent))?;
            builder.below(place, above);
        }
    }
    Ok(())
}

/// Digits, a dash and a check digit.
fn is_code(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('-').is_some_and(|(number, check)| digits(number) && digits(check))
}
