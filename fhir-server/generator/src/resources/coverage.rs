//! Coverage. <http://hl7.org/fhir/us/core/StructureDefinition/us-core-coverage>

use crate::code::{Code, hl7, profile};
use crate::date::Day;
use crate::id::Id;
use crate::json::Json;
use crate::person::{Person, Role};

const SELF: Code = hl7!("subscriber-relationship", "self", "Self");
const SPOUSE: Code = hl7!("subscriber-relationship", "spouse", "Spouse");
const CHILD: Code = hl7!("subscriber-relationship", "child", "Child");
const MEDICARE: Code = hl7!("v3-ActCode", "MCPOL", "managed care policy");
const PUBLIC: Code = hl7!("v3-ActCode", "PUBLICPOL", "public healthcare");
const GROUP: Code = hl7!("v3-ActCode", "EHCPOL", "extended healthcare");

/// Writes who pays for a person; the subscriber is the head of the household, by number.
pub(crate) fn write(
    w: &mut Json<'_>,
    id: Id,
    (patient, person): (Id, &Person),
    (payer, payer_name): (Id, &str),
    start: Day,
) {
    let own = payer_name == "Medicare" || person.role == Role::Head;
    let subscriber = if own { person.index } else { person.household.first };
    w.head("Coverage", id, Some(profile!("us-core-coverage")));
    w.one("identifier", |w| {
        w.text("system", "https://carebridge.example/sid/member");
        w.text("value", &format!("M{subscriber:09}-{:02}", person.index - person.household.first));
    });
    w.text("status", if person.death.is_some() { "cancelled" } else { "active" });
    let kind = match payer_name {
        "Medicare" => MEDICARE,
        "State Medicaid Program" => PUBLIC,
        _ => GROUP,
    };
    w.concept("type", &[kind]);
    if own {
        w.refer("subscriber", "Patient", patient);
    }
    w.text("subscriberId", &format!("M{subscriber:09}"));
    w.refer("beneficiary", "Patient", patient);
    let relationship = match person.role {
        _ if own => SELF,
        Role::Child => CHILD,
        _ => SPOUSE,
    };
    w.concept("relationship", &[relationship]);
    w.object("period", |w| {
        w.day("start", start);
        if let Some(day) = person.death {
            w.day("end", day);
        }
    });
    w.one("payor", |w| {
        w.prefixed("reference", "Organization", b'/', payer);
        w.text("display", payer_name);
    });
}
