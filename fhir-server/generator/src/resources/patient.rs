//! Patient. <http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient>

use crate::code::{Code, hl7, profile};
use crate::date::Moment;
use crate::id::Id;
use crate::json::Json;
use crate::options::Options;
use crate::person::{Person, Role};
use crate::population::Population;

const OMB: &str = "urn:oid:2.16.840.1.113883.6.238";
const RECORD_NUMBER: Code = hl7!("v2-0203", "MR", "Medical record number");
const NEXT_OF_KIN: Code = hl7!("v2-0131", "N", "Next-of-Kin");
const TEST_DATA: Code = hl7!("v3-ActReason", "HTEST", "test health data");

/// Writes a patient; `kin` is who to call, `doctor` and `organization` who looks after them.
pub(crate) fn write(
    w: &mut Json<'_>,
    id: Id,
    (options, person): (&Options, &Person),
    kin: Option<&Person>,
    (doctor, organization): (Id, Id),
) {
    w.text("resourceType", "Patient");
    w.id("id", id);
    w.object("meta", |w| {
        w.strings("profile", &[profile!("us-core-patient")]);
        w.one("security", |w| w.coding(&TEST_DATA));
    });
    extensions(w, person);
    w.one("identifier", |w| {
        w.text("use", "usual");
        w.concept("type", &[RECORD_NUMBER]);
        w.text("system", Population::RECORD_NUMBERS);
        w.text("value", &person.record_number(options.seed));
    });
    w.flag("active", person.death.is_none());
    names(w, person, options);
    telecom(w, person, options);
    w.text("gender", if person.female { "female" } else { "male" });
    w.day("birthDate", person.birth);
    if let Some(day) = person.death {
        w.moment("deceasedDateTime", Moment { day, minute: (person.index % 1440) as i32 });
    }
    w.one("address", |w| address(w, person));
    marital_status(w, person, options);
    if let Some(kin) = kin {
        w.one("contact", |w| contact(w, kin));
    }
    w.one("communication", |w| communication(w, person));
    w.one("generalPractitioner", |w| w.prefixed("reference", "Practitioner", b'/', doctor));
    w.refer_shared("managingOrganization", "Organization", organization);
}

fn extensions(w: &mut Json<'_>, person: &Person) {
    let heritage = person.household.heritage;
    let ethnicity = if heritage.hispanic {
        ("2135-2", "Hispanic or Latino")
    } else {
        ("2186-5", "Not Hispanic or Latino")
    };
    let category = |w: &mut Json<'_>, url: &str, (code, display): (&str, &str)| {
        w.item(|w| {
            w.array("extension", |w| {
                w.item(|w| {
                    w.text("url", "ombCategory");
                    w.object("valueCoding", |w| {
                        w.text("system", OMB);
                        w.text("code", code);
                        w.text("display", display);
                    });
                });
                w.item(|w| {
                    w.text("url", "text");
                    w.text("valueString", display);
                });
            });
            w.text("url", url);
        });
    };
    w.array("extension", |w| {
        category(w, profile!("us-core-race"), heritage.race);
        category(w, profile!("us-core-ethnicity"), ethnicity);
        w.item(|w| {
            w.text("url", profile!("us-core-birthsex"));
            w.text("valueCode", if person.female { "F" } else { "M" });
        });
    });
}

fn names(w: &mut Json<'_>, person: &Person, options: &Options) {
    w.array("name", |w| {
        w.item(|w| {
            w.text("use", "official");
            w.text("family", person.family);
            match person.middle {
                Some(middle) => w.strings("given", &[person.given, middle]),
                None => w.strings("given", &[person.given]),
            }
            if person.years(options.until) >= 18.0 {
                w.strings("prefix", &[if person.female { "Ms." } else { "Mr." }]);
            }
        });
        // Women who took the household's name keep the one they were born with on record.
        let took = person.female && person.role == Role::Spouse;
        if took && person.family == person.household.family {
            let families = person.household.heritage.families;
            let born = families.get(person.index as usize % families.len());
            w.item(|w| {
                w.text("use", "maiden");
                w.text("family", born.unwrap_or(&person.family));
                w.strings("given", &[person.given]);
            });
        }
    });
}

fn telecom(w: &mut Json<'_>, person: &Person, options: &Options) {
    let area = person.household.town.area_code;
    w.array("telecom", |w| {
        w.item(|w| {
            w.text("system", "phone");
            w.text("value", &format!("({area}) 555-0{}", person.household.phone));
            w.text("use", "home");
        });
        if person.years(options.until) >= 14.0 {
            w.item(|w| {
                w.text("system", "phone");
                w.text("value", &format!("({area}) 555-01{:02}", person.index * 37 % 100));
                w.text("use", "mobile");
            });
            w.item(|w| {
                let letters = |name: &str| -> String {
                    let plain = name.chars().filter(char::is_ascii_alphabetic);
                    plain.map(|letter| letter.to_ascii_lowercase()).collect()
                };
                let (given, family) = (letters(person.given), letters(person.family));
                w.text("system", "email");
                w.text("value", &format!("{given}.{family}{}@example.org", person.index));
            });
        }
    });
}

fn address(w: &mut Json<'_>, person: &Person) {
    let household = &person.household;
    w.text("use", "home");
    w.text("type", "physical");
    w.strings("line", &[&household.line]);
    w.text("city", household.town.name);
    w.text("state", household.town.state);
    w.text("postalCode", &household.postal);
    w.text("country", "US");
}

fn marital_status(w: &mut Json<'_>, person: &Person, options: &Options) {
    let years = person.years(options.until);
    let status = match person.role {
        Role::Child => None,
        _ if person.household.spouse_years.is_some() => {
            Some(hl7!("v3-MaritalStatus", "M", "Married"))
        }
        _ if years > 72.0 => Some(hl7!("v3-MaritalStatus", "W", "Widowed")),
        _ if years > 40.0 => Some(hl7!("v3-MaritalStatus", "D", "Divorced")),
        _ => Some(hl7!("v3-MaritalStatus", "S", "Never Married")),
    };
    if let Some(status) = status {
        w.concept("maritalStatus", &[status]);
    }
}

fn contact(w: &mut Json<'_>, kin: &Person) {
    w.concepts("relationship", &[NEXT_OF_KIN]);
    w.object("name", |w| {
        w.text("family", kin.family);
        w.strings("given", &[kin.given]);
    });
    w.one("telecom", |w| {
        w.text("system", "phone");
        let area = kin.household.town.area_code;
        w.text("value", &format!("({area}) 555-0{}", kin.household.phone));
    });
    w.text("gender", if kin.female { "female" } else { "male" });
}

fn communication(w: &mut Json<'_>, person: &Person) {
    let own = person.household.heritage.language.filter(|_| person.household.own_language);
    let (code, display) = own.unwrap_or(("en", "English"));
    w.object("language", |w| {
        w.one("coding", |w| {
            w.text("system", "urn:ietf:bcp:47");
            w.text("code", code);
            w.text("display", display);
        });
        w.text("text", display);
    });
    w.flag("preferred", true);
}
