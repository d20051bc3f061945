//! The requests' content: US-Core-like resources, made up and deterministic by seed, with the sizes
//! of real ones (1.0 to 1.6 KB).

mod template;

use anyhow::{Context as _, Result};
use std::rc::Rc;
use template::{Names, Subject, Template};

/// The system of the identifier that conditional creates name.
pub(crate) const MRN_SYSTEM: &str = "http://hospital.example.org/mrn";

/// How many of each kind a transaction holds beside its Patient; the order is the bundle's.
const MIX: [(Kind, usize); 6] = [
    (Kind::Encounter, 4),
    (Kind::Condition, 5),
    (Kind::Observation, 30),
    (Kind::MedicationRequest, 5),
    (Kind::Procedure, 3),
    (Kind::Immunization, 2),
];

/// Resources in a transaction.
pub(crate) const BUNDLE_ENTRIES: usize = 50;

#[derive(Clone, Copy)]
enum Kind {
    Encounter,
    Condition,
    Observation,
    MedicationRequest,
    Procedure,
    Immunization,
}

macro_rules! template {
    ($name:literal) => {
        Template::parse(
            include_str!(concat!("templates/", $name, ".template")),
            include_str!(concat!("vocabulary/", $name, ".tsv")),
        )
        .context($name)?
    };
}

/// The parsed templates, shared by all workers.
struct Catalog {
    patient: Template,
    encounter: Template,
    condition: Template,
    observation: Template,
    medication_request: Template,
    procedure: Template,
    immunization: Template,
    names: Names,
}

impl Catalog {
    fn parse() -> Result<Self> {
        Ok(Self {
            patient: template!("patient"),
            encounter: template!("encounter"),
            condition: template!("condition"),
            observation: template!("observation"),
            medication_request: template!("medication-request"),
            procedure: template!("procedure"),
            immunization: template!("immunization"),
            names: Names {
                family: include_str!("vocabulary/family.txt").lines().collect(),
                given: include_str!("vocabulary/given.txt").lines().collect(),
            },
        })
    }

    fn template(&self, kind: Kind) -> (&'static str, &Template) {
        match kind {
            Kind::Encounter => ("Encounter", &self.encounter),
            Kind::Condition => ("Condition", &self.condition),
            Kind::Observation => ("Observation", &self.observation),
            Kind::MedicationRequest => ("MedicationRequest", &self.medication_request),
            Kind::Procedure => ("Procedure", &self.procedure),
            Kind::Immunization => ("Immunization", &self.immunization),
        }
    }
}

/// A stream of resources.
pub(crate) struct Data {
    catalog: Rc<Catalog>,
    random: fastrand::Rng,
}

impl Data {
    pub(crate) fn new(seed: u64) -> Result<Self> {
        Ok(Self { catalog: Rc::new(Catalog::parse()?), random: fastrand::Rng::with_seed(seed) })
    }

    /// Another stream over the same templates.
    pub(crate) fn fork(&mut self) -> Self {
        Self { catalog: Rc::clone(&self.catalog), random: self.random.fork() }
    }

    /// A number below `bound`, 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { self.random.usize(0..bound) }
    }

    /// A Patient of about 1.5 KB; with `id`, the body of an update.
    pub(crate) fn patient(&mut self, mrn: &str, id: Option<&str>) -> String {
        let mut out = String::with_capacity(2048);
        let subject = Subject { id, mrn, ..Subject::default() };
        self.catalog.patient.fill(&mut out, subject, &self.catalog.names, &mut self.random);
        out
    }

    /// A transaction of [`BUNDLE_ENTRIES`] resources of one patient, linked by `urn:uuid`.
    pub(crate) fn bundle(&mut self, mrn: &str) -> String {
        let mut out = String::with_capacity(BUNDLE_ENTRIES * 1600);
        out.push_str("{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[");
        let catalog = Rc::clone(&self.catalog);
        let patient = self.urn();
        self.entry(
            &mut out,
            &patient,
            "Patient",
            &catalog.patient,
            Subject { mrn, ..Subject::default() },
        );
        let mut encounters: Vec<String> = Vec::new();
        for (kind, count) in MIX {
            let (resource_type, template) = catalog.template(kind);
            for n in 0..count {
                let urn = self.urn();
                let at = n.checked_rem(encounters.len()).and_then(|i| encounters.get(i));
                let encounter = at.map_or("", String::as_str).to_owned();
                let subject = Subject { id: None, mrn, patient: &patient, encounter: &encounter };
                out.push(',');
                self.entry(&mut out, &urn, resource_type, template, subject);
                if matches!(kind, Kind::Encounter) {
                    encounters.push(urn);
                }
            }
        }
        out.push_str("]}");
        out
    }

    fn entry(
        &mut self,
        out: &mut String,
        urn: &str,
        resource_type: &str,
        template: &Template,
        subject: Subject<'_>,
    ) {
        out.push_str("{\"fullUrl\":\"");
        out.push_str(urn);
        out.push_str("\",\"resource\":");
        template.fill(out, subject, &self.catalog.names, &mut self.random);
        out.push_str(",\"request\":{\"method\":\"POST\",\"url\":\"");
        out.push_str(resource_type);
        out.push_str("\"}}");
    }

    /// A random (version 4) UUID as a URN.
    fn urn(&mut self) -> String {
        let bits = self.random.u128(..);
        let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
        let (a, b, c) = (bits >> 96, bits >> 80 & 0xffff, bits >> 64 & 0xffff);
        let (d, e) = (bits >> 48 & 0xffff, bits & 0xffff_ffff_ffff);
        format!("urn:uuid:{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let make = |seed| Data::new(seed).unwrap().bundle("B1");
        assert_eq!(make(7), make(7));
        assert_ne!(make(7), make(8));
    }

    #[test]
    fn a_patient_is_json_of_the_promised_size_and_takes_its_id() {
        let mut data = Data::new(1).unwrap();
        for (id, mrn) in [(None, "B1-0-1"), (Some("abc"), "B1-0-2")] {
            let text = data.patient(mrn, id);
            let patient: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(patient["id"].as_str(), id);
            assert_eq!(patient["identifier"][0]["system"], MRN_SYSTEM);
            assert_eq!(patient["identifier"][0]["value"], mrn);
            assert!((1400..1800).contains(&text.len()), "{} bytes", text.len());
        }
    }

    #[test]
    fn who_is_updated_keeps_the_family_name_and_little_else() {
        let mut data = Data::new(1).unwrap();
        let mut name = |mrn: &str| {
            let patient: Value = serde_json::from_str(&data.patient(mrn, None)).unwrap();
            (patient["name"][0]["family"].to_string(), patient["telecom"][0]["value"].to_string())
        };
        let (first, again) = (name("B1-0-1"), name("B1-0-1"));
        assert_eq!(first.0, again.0);
        assert_ne!(first.1, again.1);
        let families: std::collections::HashSet<_> =
            (0..200).map(|n| name(&format!("B1-0-{n}")).0).collect();
        assert!(families.len() > 20, "only {} family names", families.len());
    }

    #[test]
    fn a_bundle_has_the_mix_and_its_links_resolve() {
        let text = Data::new(3).unwrap().bundle("B1");
        let bundle: Value = serde_json::from_str(&text).unwrap();
        let entries = bundle["entry"].as_array().unwrap();
        assert_eq!(entries.len(), BUNDLE_ENTRIES);
        let urls: Vec<&str> = entries.iter().map(|e| e["fullUrl"].as_str().unwrap()).collect();
        for (n, entry) in entries.iter().enumerate() {
            let resource = &entry["resource"];
            let size = resource.to_string().len();
            assert!((1000..1800).contains(&size), "{} is {size} bytes", resource["resourceType"]);
            assert!(!resource.to_string().contains("{{"));
            for link in ["subject", "patient", "encounter"] {
                if let Some(target) = resource[link]["reference"].as_str() {
                    assert!(urls[..n].contains(&target), "{target} of entry {n}");
                }
            }
        }
    }

    #[test]
    fn a_broken_template_is_refused() {
        for text in ["{{unknown}}", "{{digits x}}", "{{mrn", "{{#column 0}}"] {
            assert!(Template::parse(text, "a").is_err(), "{text}");
        }
        assert!(Template::parse("{}", "").is_err());
    }
}
