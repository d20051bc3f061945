//! SNOMED CT: the snapshot of release format 2.
//! <https://confluence.ihtsdotools.org/display/DOCRELFMT> <https://hl7.org/fhir/R4/snomedct.html>

use std::collections::HashSet;

use canonical_model::{Error, Result};

use super::lines::Lines;
use super::{Source, find, look};
use crate::code_system::{Builder, PropertyKind};

const IS_A: &str = "116680003";
const FULLY_SPECIFIED: &str = "900000000000003001";
const SYNONYM: &str = "900000000000013009";
const DEFINED: &str = "900000000000073002";
const PREFERRED: &str = "900000000000548007";
/// The reference set of the English of the United States.
const US_ENGLISH: &str = "900000000000509007";
const URL: &str = "http://snomed.info/sct";

pub(super) fn read(source: &mut dyn Source, builder: &mut Builder) -> Result<()> {
    let snapshot = |kind: &'static str| {
        move |name: &str| {
            let of_kind = name.starts_with(&format!("sct2_{kind}_Snapshot"))
                || name.starts_with(&format!("xsct2_{kind}_Snapshot"));
            of_kind && name.ends_with(".txt")
        }
    };
    let concepts = find(source, "sct2_Concept_Snapshot_*.txt", snapshot("Concept"))?;
    let english = |name: &str| snapshot("Description")(name) && name.contains("-en");
    let descriptions = look(source, english).map_or_else(
        || find(source, "sct2_Description_Snapshot*.txt", snapshot("Description")),
        Ok,
    )?;
    let relations = find(source, "sct2_Relationship_Snapshot_*.txt", snapshot("Relationship"))?;
    let preferred = look(source, |name| {
        name.contains("der2_cRefset_Language") && name.contains("Snapshot") && name.contains("-en")
    });
    builder.head_mut().version = version(&concepts);
    self::concepts(source, &concepts, builder)?;
    let preferred = match preferred {
        Some(name) => self::preferred(source, &name)?,
        None => HashSet::new(),
    };
    self::descriptions(source, &descriptions, &preferred, builder)?;
    self::relations(source, &relations, builder)
}

/// The version's URI, of the date in a file's name; the international edition's where the name says so.
fn version(name: &str) -> Option<String> {
    let date = name.rsplit('_').next()?.strip_suffix(".txt")?;
    let is_date = date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
    (is_date && name.contains("_INT_"))
        .then(|| format!("{URL}/900000000000207008/version/{date}"))
        .or_else(|| is_date.then(|| date.to_owned()))
}

/// Calls for each row but the heading, which must begin with these columns.
fn rows(
    source: &mut dyn Source,
    name: &str,
    columns: &[&str],
    mut row: impl FnMut(&[&str]) -> Result<(), &'static str>,
) -> Result<()> {
    let mut lines = Lines::new(name, source.open(name)?);
    let head = lines.next()?.unwrap_or_default().to_owned();
    if !head.split('\t').take(columns.len()).eq(columns.iter().copied()) {
        return Err(lines.fault(&format!("expected the columns {}", columns.join(", "))));
    }
    loop {
        let Some(line) = lines.next()? else { return Ok(()) };
        let fields: Vec<&str> = line.split('\t').collect();
        let told = match fields.len() < columns.len() {
            true => Err("a row has too few columns"),
            false => row(&fields),
        };
        told.map_err(|what| lines.fault(what))?;
    }
}

const FULL: &str = "there are more concepts, or more text, than one code system may have";

fn concepts(source: &mut dyn Source, name: &str, builder: &mut Builder) -> Result<()> {
    let columns = ["id", "effectiveTime", "active", "moduleId", "definitionStatusId"];
    rows(source, name, &columns, |row| {
        let [id, _, active, module, status, ..] = row else { return Err("a row is short") };
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("the id is no number");
        }
        let add = |builder: &mut Builder| -> Result<()> {
            let place = builder.concept(id)?;
            let inactive = if *active == "1" { "false" } else { "true" };
            builder.property(place, "inactive", PropertyKind::Boolean, inactive)?;
            let defined = if *status == DEFINED { "true" } else { "false" };
            builder.property(place, "sufficientlyDefined", PropertyKind::Boolean, defined)?;
            builder.property(place, "moduleId", PropertyKind::Code, module)
        };
        add(builder).map_err(|_| FULL)
    })
}

/// The descriptions that are preferred in the English of the United States.
fn preferred(source: &mut dyn Source, name: &str) -> Result<HashSet<u64>> {
    let columns = [
        "id",
        "effectiveTime",
        "active",
        "moduleId",
        "refsetId",
        "referencedComponentId",
        "acceptabilityId",
    ];
    let mut preferred = HashSet::new();
    rows(source, name, &columns, |row| {
        let [_, _, active, _, refset, component, acceptability, ..] = row else {
            return Err("a row is short");
        };
        if *active == "1" && *refset == US_ENGLISH && *acceptability == PREFERRED {
            preferred.insert(component.parse().map_err(|_| "the component is no number")?);
        }
        Ok(())
    })?;
    Ok(preferred)
}

fn descriptions(
    source: &mut dyn Source,
    name: &str,
    preferred: &HashSet<u64>,
    builder: &mut Builder,
) -> Result<()> {
    let columns = [
        "id",
        "effectiveTime",
        "active",
        "moduleId",
        "conceptId",
        "languageCode",
        "typeId",
        "term",
    ];
    // What is called so only where nothing is preferred, as in an edition without English of the United States.
    let mut spare = Vec::new();
    rows(source, name, &columns, |row| {
        let [id, _, active, _, concept, language, kind, term, ..] = row else {
            return Err("a row is short");
        };
        if *active != "1" {
            return Ok(());
        }
        let Some(place) = builder.find(concept) else {
            return Err("it describes a concept that is not there");
        };
        let id: u64 = id.parse().map_err(|_| "the id is no number")?;
        let usage = match *kind {
            SYNONYM if preferred.contains(&id) => {
                return builder.display(place, term).map_err(|_| FULL);
            }
            SYNONYM => [URL, SYNONYM, "Synonym"],
            FULLY_SPECIFIED => {
                spare.push((place, (*term).to_owned()));
                [URL, FULLY_SPECIFIED, "Fully specified name"]
            }
            _ => return Ok(()),
        };
        builder.designation(place, language, usage, term).map_err(|_| FULL)
    })?;
    for (place, term) in spare {
        builder.display(place, &term)?;
    }
    Ok(())
}

fn relations(source: &mut dyn Source, name: &str, builder: &mut Builder) -> Result<()> {
    let columns = [
        "id",
        "effectiveTime",
        "active",
        "moduleId",
        "sourceId",
        "destinationId",
        "relationshipGroup",
        "typeId",
    ];
    let mut any = false;
    rows(source, name, &columns, |row| {
        let [_, _, active, _, from, to, _, kind, ..] = row else { return Err("a row is short") };
        if *active == "1" && *kind == IS_A {
            match (builder.find(from), builder.find(to)) {
                (Some(child), Some(parent)) => builder.below(child, parent),
                _ => return Err("it relates a concept that is not there"),
            }
            any = true;
        }
        Ok(())
    })?;
    match any {
        true => Ok(()),
        false => Err(Error::invalid("The relationships have no is-a, so there is no hierarchy.")),
    }
}
