//! What all patients share: hospitals, their departments and doctors, and payers. Everyone finds
//! an id here without the directory being held in memory.

use crate::chart::Chart;
use crate::code::{Code, hl7, profile};
use crate::dice::{Dice, Stream};
use crate::household::{Cover, town_of};
use crate::id::Id;
use crate::json::Json;
use crate::options::Options;
use crate::words::{HERITAGES, STREETS, Town};

/// What a doctor is specialised in; every hospital has one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Specialty {
    Family,
    Internal,
    Pediatrics,
    Cardiology,
    Endocrinology,
    Emergency,
}

const SPECIALTIES: [(Specialty, Code); 6] = {
    const fn nucc(code: &'static str, display: &'static str) -> Code {
        Code { system: "http://nucc.org/provider-taxonomy", code, display }
    }
    [
        (Specialty::Family, nucc("207Q00000X", "Family Medicine Physician")),
        (Specialty::Internal, nucc("207R00000X", "Internal Medicine Physician")),
        (Specialty::Pediatrics, nucc("208000000X", "Pediatrics Physician")),
        (Specialty::Cardiology, nucc("207RC0000X", "Cardiovascular Disease Physician")),
        (
            Specialty::Endocrinology,
            nucc("207RE0101X", "Endocrinology, Diabetes & Metabolism Physician"),
        ),
        (Specialty::Emergency, nucc("207P00000X", "Emergency Medicine Physician")),
    ]
};

/// Payers that employers buy from.
pub(crate) const COMMERCIAL_PAYERS: u64 = 4;
const MEDICAID: u64 = COMMERCIAL_PAYERS;
const MEDICARE: u64 = COMMERCIAL_PAYERS + 1;
const PAYERS: [&str; 6] = [
    "Bluestone Mutual",
    "Northern Shield Health Plan",
    "Commonweal Care",
    "Evergreen Benefit Trust",
    "State Medicaid Program",
    "Medicare",
];

const KINDS: [&str; 4] =
    ["Community Hospital", "Medical Center", "General Hospital", "Health Center"];

const PROVIDER: Code = hl7!("organization-type", "prov", "Healthcare Provider");
const INSURER: Code = hl7!("organization-type", "ins", "Insurance Company");

/// The shared part of a population.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directory {
    seed: u64,
    facilities: u32,
}

impl Directory {
    pub(crate) fn of(options: &Options) -> Self {
        Self { seed: options.seed, facilities: options.facilities }
    }

    fn id(&self, facility: u64, n: u64) -> Id {
        Id::derive(self.seed, Stream::Directory, facility, n)
    }

    pub(crate) fn organization(&self, facility: u32) -> Id {
        self.id(u64::from(facility), 0)
    }

    pub(crate) fn location(&self, facility: u32, emergency: bool) -> Id {
        self.id(u64::from(facility), if emergency { 2 } else { 1 })
    }

    pub(crate) fn practitioner(&self, facility: u32, specialty: Specialty) -> Id {
        self.id(u64::from(facility), 10 + specialty as u64)
    }

    fn role(&self, facility: u32, specialty: Specialty) -> Id {
        self.id(u64::from(facility), 20 + specialty as u64)
    }

    fn payer_id(&self, payer: u64) -> Id {
        self.id(u64::MAX, payer)
    }

    /// Who pays, and the payer's name.
    pub(crate) fn payer(&self, cover: Cover, years: f64) -> (Id, &'static str) {
        let payer = match cover {
            _ if years >= 65.0 => MEDICARE,
            Cover::Medicaid => MEDICAID,
            Cover::Commercial(payer) => payer,
        };
        (self.payer_id(payer), PAYERS.get(payer as usize).copied().unwrap_or("Medicare"))
    }

    /// Writes all of it, organizations before those that refer to them.
    pub(crate) fn write(&self, chart: &mut Chart<'_>) {
        for (payer, name) in (0..).zip(PAYERS) {
            chart.add_as("Organization", self.payer_id(payer), |w, id| {
                write_payer(w, id, payer, name);
            });
        }
        for facility in 0..self.facilities {
            self.write_facility(facility, chart);
        }
    }

    fn write_facility(&self, facility: u32, chart: &mut Chart<'_>) {
        let town = town_of(facility);
        let mut dice = Dice::new(self.seed, Stream::Directory, u64::from(facility));
        let name = format!("{} {}", town.name, dice.pick(&KINDS));
        let name = match facility as usize / crate::words::TOWNS.len() {
            0 => name,
            nth => format!("{name} {}", nth + 1),
        };
        let street = format!("{} {}", dice.between(1, 400), dice.pick(&STREETS));
        let place = Place { facility, town, name, street, postal: format!("{}01", town.postal) };
        let organization = self.organization(facility);
        chart.add_as("Organization", organization, |w, id| place.write_organization(w, id));
        for emergency in [false, true] {
            let id = self.location(facility, emergency);
            chart.add_as("Location", id, |w, id| {
                place.write_location(w, id, organization, emergency);
            });
        }
        for (specialty, code) in &SPECIALTIES {
            let practitioner = self.practitioner(facility, *specialty);
            let npi = provider_number(u64::from(facility) * 10 + *specialty as u64);
            chart.add_as("Practitioner", practitioner, |w, id| {
                place.write_practitioner(w, id, &npi, &mut dice);
            });
            let location = self.location(facility, *specialty == Specialty::Emergency);
            chart.add_as("PractitionerRole", self.role(facility, *specialty), |w, id| {
                write_role(w, id, [practitioner, organization, location], code);
            });
        }
    }
}

/// A hospital being written.
struct Place {
    facility: u32,
    town: &'static Town,
    name: String,
    street: String,
    postal: String,
}

impl Place {
    fn address(&self, w: &mut Json<'_>) {
        w.text("use", "work");
        w.strings("line", &[&self.street]);
        w.text("city", self.town.name);
        w.text("state", self.town.state);
        w.text("postalCode", &self.postal);
        w.text("country", "US");
    }

    fn phone(&self, w: &mut Json<'_>, line: u32) {
        w.one("telecom", |w| {
            w.text("system", "phone");
            w.text("value", &format!("({}) 555-01{:02}", self.town.area_code, line % 100));
            w.text("use", "work");
        });
    }

    fn write_organization(&self, w: &mut Json<'_>, id: Id) {
        w.head("Organization", id, Some(profile!("us-core-organization")));
        w.one("identifier", |w| {
            w.text("system", "http://hl7.org/fhir/sid/us-npi");
            w.text("value", &provider_number(5_000_000 + u64::from(self.facility)));
        });
        w.flag("active", true);
        w.concepts("type", &[PROVIDER]);
        w.text("name", &self.name);
        self.phone(w, 0);
        w.one("address", |w| self.address(w));
    }

    fn write_location(&self, w: &mut Json<'_>, id: Id, organization: Id, emergency: bool) {
        let (suffix, kind) = if emergency {
            ("Emergency Department", hl7!("v3-RoleCode", "ER", "Emergency room"))
        } else {
            ("Outpatient Clinic", hl7!("v3-RoleCode", "OF", "Outpatient facility"))
        };
        w.head("Location", id, Some(profile!("us-core-location")));
        w.one("identifier", |w| {
            w.text("system", "https://carebridge.example/sid/location");
            w.text("value", &format!("{}-{}", self.facility, if emergency { "ed" } else { "op" }));
        });
        w.text("status", "active");
        w.text("name", &format!("{} {suffix}", self.name));
        w.text("mode", "instance");
        w.concepts("type", &[kind]);
        self.phone(w, if emergency { 11 } else { 10 });
        w.object("address", |w| self.address(w));
        w.object("position", |w| {
            let spread = i64::from(self.facility % 7);
            w.decimal("longitude", self.town.longitude + spread, 2);
            w.decimal("latitude", self.town.latitude + spread, 2);
        });
        w.refer_shared("managingOrganization", "Organization", organization);
    }

    fn write_practitioner(&self, w: &mut Json<'_>, id: Id, npi: &str, dice: &mut Dice) {
        let heritage = dice.weighted(&HERITAGES, |heritage| heritage.weight);
        let female = dice.chance(480);
        let given = dice.pick(if female { heritage.women } else { heritage.men });
        w.head("Practitioner", id, Some(profile!("us-core-practitioner")));
        w.one("identifier", |w| {
            w.text("system", "http://hl7.org/fhir/sid/us-npi");
            w.text("value", npi);
        });
        w.flag("active", true);
        w.one("name", |w| {
            w.text("use", "official");
            w.text("family", dice.pick(heritage.families));
            w.strings("given", &[given]);
            w.strings("prefix", &["Dr."]);
        });
        self.phone(w, 20 + dice.below(70) as u32);
        w.one("address", |w| self.address(w));
        w.text("gender", if female { "female" } else { "male" });
    }
}

fn write_payer(w: &mut Json<'_>, id: Id, payer: u64, name: &str) {
    w.head("Organization", id, Some(profile!("us-core-organization")));
    w.one("identifier", |w| {
        w.text("system", "https://carebridge.example/sid/payer");
        w.text("value", &format!("P{payer:03}"));
    });
    w.flag("active", true);
    w.concepts("type", &[INSURER]);
    w.text("name", name);
}

fn write_role(w: &mut Json<'_>, id: Id, parts: [Id; 3], specialty: &Code) {
    let [practitioner, organization, location] = parts;
    w.head("PractitionerRole", id, Some(profile!("us-core-practitionerrole")));
    w.flag("active", true);
    w.refer_shared("practitioner", "Practitioner", practitioner);
    w.refer_shared("organization", "Organization", organization);
    w.concepts("code", &[hl7!("practitioner-role", "doctor", "Doctor")]);
    w.concepts("specialty", &[*specialty]);
    w.one("location", |w| w.prefixed("reference", "Location", b'/', location));
}

/// A national provider number that no provider has: real ones start with 1 or 2. Its last digit
/// is Luhn's over the number with the prefix 80840.
fn provider_number(serial: u64) -> String {
    let body = format!("9{:08}", serial % 100_000_000);
    let digits = format!("80840{body}");
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(n, byte)| {
            let digit = u32::from(byte - b'0') * if n % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_numbers_pass_luhn() {
        // The published example: the body 123456789 has the check digit 3.
        let sum = |digits: &str| -> u32 {
            let doubled = digits.bytes().rev().enumerate().map(|(n, byte)| {
                let digit = u32::from(byte - b'0') * if n % 2 == 1 { 2 } else { 1 };
                digit / 10 + digit % 10
            });
            doubled.sum()
        };
        assert_eq!(sum("808401234567893") % 10, 0);
        for serial in [0, 1, 42, 5_000_399] {
            let number = provider_number(serial);
            assert_eq!(number.len(), 10);
            assert_eq!(sum(&format!("80840{number}")) % 10, 0, "{number}");
        }
    }
}
