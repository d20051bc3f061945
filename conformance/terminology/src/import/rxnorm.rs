//! RxNorm: names and relationships of the release in Rich Release Format.
//! <https://www.nlm.nih.gov/research/umls/rxnorm/docs/techdoc.html> <https://hl7.org/fhir/R4/rxnorm.html>

use canonical_model::Result;

use super::lines::Lines;
use super::{Source, find, look, only};
use crate::code_system::{Builder, PropertyKind};

/// Types of terms that are other wordings of a concept.
const WORDINGS: [&str; 5] = ["SY", "TMSY", "PSN", "ET", "ETCLIN"];
/// Relationships that are properties; `isa` is the hierarchy.
const PROPERTIES: [&str; 6] = [
    "has_ingredient",
    "has_ingredients",
    "has_precise_ingredient",
    "has_dose_form",
    "has_tradename",
    "consists_of",
];

pub(super) fn read(source: &mut dyn Source, builder: &mut Builder) -> Result<()> {
    let name = match only(source) {
        Some(only) => only,
        None => find(source, "RXNCONSO.RRF", |name| name.eq_ignore_ascii_case("RXNCONSO.RRF"))?,
    };
    names(source, &name, builder)?;
    if let Some(name) = look(source, |name| name.eq_ignore_ascii_case("RXNSAB.RRF")) {
        version(source, &name, builder)?;
    }
    match look(source, |name| name.eq_ignore_ascii_case("RXNREL.RRF")) {
        Some(name) => relations(source, &name, builder),
        None => Ok(()),
    }
}

fn names(source: &mut dyn Source, name: &str, builder: &mut Builder) -> Result<()> {
    let mut lines = Lines::new(name, source.open(name)?);
    let mut spare = Vec::new();
    while let Some(line) = lines.next()? {
        if line.is_empty() {
            continue;
        }
        let fields: Vec<&str> = line.split('|').collect();
        // RXCUI, LAT, TS, LUI, STT, SUI, ISPREF, RXAUI, SAUI, SCUI, SDUI, SAB, TTY, CODE, STR, SRL, SUPPRESS, CVF.
        let [cui, .., sab, kind, _, text, _, suppressed, _, _] = fields.as_slice() else {
            match line.split_once('\t') {
                Some((cui, text)) if is_cui(cui) && !text.contains('\t') => {
                    let place = builder.concept(cui)?;
                    builder.display(place, text.trim())?;
                    continue;
                }
                _ => {
                    return Err(
                        lines.fault("expected a row of RXNCONSO.RRF, or a code, a tab and a name")
                    );
                }
            }
        };
        if !is_cui(cui) {
            return Err(lines.fault("RXCUI is no number"));
        }
        if *sab != "RXNORM" {
            continue;
        }
        let place = builder.concept(cui)?;
        if WORDINGS.contains(kind) {
            builder.designation(place, "en", ["", "", ""], text)?;
            spare.push((place, (*text).to_owned()));
            continue;
        }
        builder.display(place, text)?;
        builder.property(place, "TTY", PropertyKind::Code, kind)?;
        if *suppressed == "O" {
            builder.inactive(place);
        }
    }
    for (place, text) in spare {
        builder.display(place, &text)?;
    }
    Ok(())
}

/// The version of RxNorm itself among its sources.
fn version(source: &mut dyn Source, name: &str, builder: &mut Builder) -> Result<()> {
    let mut lines = Lines::new(name, source.open(name)?);
    while let Some(line) = lines.next()? {
        // VCUI, RCUI, VSAB, RSAB, SON, SF, SVER.
        let fields: Vec<&str> = line.split('|').collect();
        if let [_, _, _, "RXNORM", _, _, version, ..] = fields.as_slice()
            && !version.is_empty()
        {
            builder.head_mut().version = Some((*version).to_owned());
        }
    }
    Ok(())
}

fn relations(source: &mut dyn Source, name: &str, builder: &mut Builder) -> Result<()> {
    let mut lines = Lines::new(name, source.open(name)?);
    while let Some(line) = lines.next()? {
        if line.is_empty() {
            continue;
        }
        // RXCUI1, RXAUI1, STYPE1, REL, RXCUI2, RXAUI2, STYPE2, RELA: the second is so to the first.
        let fields: Vec<&str> = line.split('|').collect();
        let [first, _, _, _, second, _, _, relation, ..] = fields.as_slice() else {
            return Err(lines.fault("expected a row of RXNREL.RRF"));
        };
        let (Some(first_place), Some(second_place)) = (builder.find(first), builder.find(second))
        else {
            continue;
        };
        if *relation == "isa" {
            builder.below(second_place, first_place);
        } else if PROPERTIES.contains(relation) {
            builder.property(second_place, relation, PropertyKind::Code, first)?;
        }
    }
    Ok(())
}

fn is_cui(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
