//! Values of search parameters of one's own. Nobody has looked at their expressions, so they have steps and
//! room apart from the published ones. A parameter that needs more of a resource than there is leaves it out,
//! and that is indexed in the place of its values: the resource can be written all the same, and a search
//! knows what it may miss.

use canonical_model::Value;
use canonical_model::fhirpath::Arena;

use super::{Sink, take};
use crate::catalogue::{ParamPlan, TypePlan};
use crate::entries::IndexEntries;
use crate::limits::{CUSTOM_ENTRIES_MAX, CUSTOM_STEPS_MAX};

pub(super) fn take_all(sink: &mut Sink<'_>, plan: &TypePlan, root: &Value) {
    sink.room = sink.len() + CUSTOM_ENTRIES_MAX;
    let mut steps_left = CUSTOM_STEPS_MAX;
    for param in plan.params.iter().filter(|param| param.custom.is_some()) {
        let before = Lengths::of(&sink.entries);
        if !take_one(sink, param, root, &mut steps_left) {
            before.restore(&mut sink.entries);
            sink.over = false;
            // Not by way of the room, which may be used up.
            let key = sink.hasher.left_out(param.own);
            sink.entries.keys.push(key);
        }
    }
}

/// Whether there were steps and room for all.
fn take_one(sink: &mut Sink<'_>, param: &ParamPlan, root: &Value, steps_left: &mut u32) -> bool {
    let Some(path) = &param.path else { return true };
    let arena = Arena::new();
    let share = *steps_left / 2;
    let mut own = share;
    let items = path.search(root, &arena, &mut own);
    *steps_left -= share - own;
    let Some(items) = items else { return false };
    take(sink, param, root, &items);
    !sink.over
}

/// How much there was of everything.
struct Lengths {
    keys: usize,
    facets: usize,
    strings: [usize; 2],
    dates: [usize; 2],
    numbers: [usize; 2],
}

impl Lengths {
    fn of(entries: &IndexEntries) -> Self {
        let beside = &entries.beside;
        Self {
            keys: entries.keys.len(),
            facets: entries.facets.len(),
            strings: [entries.strings.len(), beside.strings.len()],
            dates: [entries.dates.len(), beside.dates.len()],
            numbers: [entries.numbers.len(), beside.numbers.len()],
        }
    }

    fn restore(&self, entries: &mut IndexEntries) {
        let beside = &mut entries.beside;
        entries.keys.truncate(self.keys);
        entries.facets.truncate(self.facets);
        entries.strings.truncate(self.strings[0]);
        beside.strings.truncate(self.strings[1]);
        entries.dates.truncate(self.dates[0]);
        beside.dates.truncate(self.dates[1]);
        entries.numbers.truncate(self.numbers[0]);
        beside.numbers.truncate(self.numbers[1]);
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use canonical_model::{Resource, ResourceType};

    use super::*;
    use crate::catalogue::Catalogue;
    use crate::custom::Custom;
    use crate::extract::extract;
    use crate::keys::Hasher;

    /// What a patient is indexed under by these: code, type, expression.
    fn indexed(patient: &str, customs: &[(&str, &str, &str)]) -> (Catalogue, IndexEntries) {
        let hasher = Hasher::new(&[1; 16]);
        let read = |(code, kind, expression): &(&str, &str, &str)| {
            let text = format!(
                r#"{{"resourceType":"SearchParameter","id":"{code}","status":"active","code":"{code}",
                "base":["Patient"],"type":"{kind}","expression":"{expression}"}}"#
            );
            let resource = Resource::parse(text.as_bytes()).expect("it is a resource");
            Custom::read(&resource, &hasher).expect("it can be used").expect("it is active")
        };
        let customs = customs.iter().map(read).collect();
        let catalogue = Catalogue::with_customs(hasher, Vec::new(), customs);
        let patient = Resource::parse(patient.as_bytes()).expect("it is a resource");
        let entries = extract(&catalogue, "http://x.example", &patient).expect("it can be indexed");
        (catalogue, entries)
    }

    fn many(name: &str, count: usize, item: &str) -> String {
        let mut text = format!(r#"{{"resourceType":"Patient","id":"a","language":"de","{name}":["#);
        for n in 0..count {
            let comma = if n == 0 { "" } else { "," };
            write!(text, "{comma}{}", item.replace('#', &n.to_string())).expect("a string");
        }
        text + "]}"
    }

    fn left_out(catalogue: &Catalogue, entries: &IndexEntries, code: &str) -> bool {
        let plan = catalogue.plan(ResourceType::PATIENT).expect("it compiles");
        let param = plan.find(code).expect("it is known");
        entries.keys.contains(&catalogue.hasher().left_out(param.own))
    }

    #[test]
    fn what_takes_too_long_is_left_out_alone() {
        let slow = "Patient.contact.where(%resource.contact.where(%resource.contact.where(%resource\
            .contact.where(gender='male').exists()).exists()).exists()).gender";
        let patient = many("contact", 1_000, r#"{"gender":"male"}"#);
        let quick = ("zquick", "token", "Patient.language");
        let (catalogue, entries) = indexed(&patient, &[("aslow", "token", slow), quick]);
        assert!(left_out(&catalogue, &entries, "aslow"));
        assert!(!left_out(&catalogue, &entries, "zquick"));
        let plan = catalogue.plan(ResourceType::PATIENT).expect("it compiles");
        let param = plan.find("zquick").expect("it is known").param;
        assert!(entries.keys.contains(&catalogue.hasher().code(param, "de")));
    }

    #[test]
    fn what_has_too_many_values_is_left_out_alone() {
        let patient = many("photo", 4_100, r#"{"title":"Number #"}"#);
        let titles = ("titles", "string", "Patient.photo.title");
        let (catalogue, entries) =
            indexed(&patient, &[titles, ("one", "string", "Patient.photo.first().title")]);
        assert!(left_out(&catalogue, &entries, "titles"));
        assert!(!left_out(&catalogue, &entries, "one"));
        assert!(entries.strings.len() < 10, "{}", entries.strings.len());
    }

    #[test]
    fn what_is_computed_is_indexed() {
        let patient = r#"{"resourceType":"Patient","id":"a",
            "name":[{"family":"Smith","given":["Ann","Bea"]}]}"#;
        for (kind, expression, found) in [
            ("string", "Patient.name.given.first() & ' ' & Patient.name.family", "ann smith"),
            ("string", "Patient.name.family.upper()", "smith"),
            ("string", "Patient.name.where(given.count() > 1).family", "smith"),
        ] {
            let (catalogue, entries) = indexed(patient, &[("made", kind, expression)]);
            let plan = catalogue.plan(ResourceType::PATIENT).expect("it compiles");
            let param = plan.find("made").expect("it is known").param;
            assert!(entries.strings.contains(&(param, found.to_owned())), "{expression}");
        }
        let (catalogue, entries) =
            indexed(patient, &[("made", "number", "Patient.name.given.count()")]);
        let plan = catalogue.plan(ResourceType::PATIENT).expect("it compiles");
        let param = plan.find("made").expect("it is known").param;
        assert!(entries.numbers.iter().any(|(of, low, _)| *of == param && *low == 2.0));
    }
}
