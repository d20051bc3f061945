//! A row of the record as an AuditEvent, after IHE's Basic Audit Log Patterns: one for each patient whom the row is
//! about. Pure: what it says is in the row.
//! <https://profiles.ihe.net/ITI/BALP/content.html>

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use canonical_model::json::Object;
use canonical_model::{ResourceType, Value, object};
use chrono::SecondsFormat;
use store::record::JournalRow;

use super::kind::{Deed, Role, deed};

const BALP: &str = "https://profiles.ihe.net/ITI/BALP";
pub(crate) const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";

/// A row, seen for one of its patients.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The row.
    pub row: &'a JournalRow,
    /// Which of its patients, from 0; 0 where it is about none.
    pub n: usize,
    /// The patient's id, where there is a patient and it is known.
    pub patient: Option<&'a str>,
    /// The server's FHIR base.
    pub base: &'a str,
    /// Whether a search's text is shown: it may name others, so a patient does not see it.
    pub query: bool,
}

/// The id of the event of a row for its n-th patient.
#[must_use]
pub fn event_id(row: &JournalRow, n: usize) -> String {
    format!("j-{}-{}-{n}", row.at.timestamp_micros(), row.key.audit_id)
}

/// Reads such an id: the time in microseconds, the row's number, and which patient.
#[must_use]
pub fn parse_event_id(id: &str) -> Option<(i64, i64, usize)> {
    let mut parts = id.strip_prefix("j-")?.split('-');
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (at, row, n) = (parts.next()?, parts.next()?, parts.next()?);
    let all = parts.next().is_none() && [at, row, n].into_iter().all(digits);
    all.then_some(())?;
    Some((at.parse().ok()?, row.parse().ok()?, n.parse().ok()?))
}

impl Seen<'_> {
    /// The event.
    #[must_use]
    pub fn event(self) -> Value {
        let deed = deed(self.row);
        let mut event = object! {
            "resourceType": "AuditEvent",
            "id": event_id(self.row, self.n),
        };
        if let Some(profile) = self.profile(&deed) {
            let url = format!("{BALP}/StructureDefinition/IHE.BasicAudit.{profile}");
            event.set("meta", object! { "profile": vec![Value::from(url)] });
        }
        event.set("type", coding(deed.kind.0, deed.kind.1, deed.kind.2));
        let subtypes = deed.subtypes.iter().map(|(system, code)| coding(system, code, ""));
        event.set("subtype", subtypes.collect::<Vec<Value>>());
        event.set("action", deed.action);
        let at = self.row.at.to_rfc3339_opts(SecondsFormat::Millis, true);
        event.set("recorded", at);
        event.set("outcome", outcome(self.row.status));
        event.set("outcomeDesc", self.outcome_text());
        event.set("agent", self.agents(&deed));
        event.set("source", self.source());
        let entities = self.entities(&deed);
        if !entities.is_empty() {
            event.set("entity", entities);
        }
        Value::from(event)
    }

    fn is_about_patient(self) -> bool {
        !self.row.patients.is_empty()
    }

    /// The profile that it meets: those of IHE are for what succeeded, and say from where.
    fn profile(self, deed: &Deed) -> Option<String> {
        let named = deed.profile.filter(|_| self.row.status < 400 && self.row.address.is_some())?;
        let complete = match named {
            "Query" => self.query,
            _ => self.row.kind.is_some() && self.row.id.is_some(),
        };
        let known = !self.is_about_patient() || self.patient.is_some();
        let patient = if self.is_about_patient() { "Patient" } else { "" };
        (complete && known).then(|| format!("{patient}{named}"))
    }

    fn outcome_text(self) -> String {
        match &self.row.rules {
            Some(rules) => format!("HTTP {}; withheld by {rules}", self.row.status),
            None => format!("HTTP {}", self.row.status),
        }
    }

    fn agents(self, deed: &Deed) -> Vec<Value> {
        let row = self.row;
        let user = row.person.is_some() || row.subject.is_some();
        let token = (!row.token_id.is_empty())
            .then(|| vec![Value::from(format!("urn:ietf:params:oauth:jti:{}", row.token_id))]);
        let mut client = object! {
            "type": concept(deed.client.system(), deed.client.code()),
            "who": object! { "identifier": object! { "value": row.client.as_str() } },
            "requestor": !user,
        };
        if let Some(address) = &row.address {
            client.set("network", object! { "address": address.as_str(), "type": "2" });
        }
        if let Some(token) = token.clone().filter(|_| !user) {
            client.set("policy", token);
        }
        let server = object! {
            "type": concept(deed.server.system(), deed.server.code()),
            "who": object! { "display": self.base },
            "requestor": false,
            "network": object! { "address": self.base, "type": "5" },
        };
        let mut agents = vec![Value::from(client), Value::from(server)];
        if user {
            agents.push(self.user(deed, token));
        }
        if let Some(recipient) = &row.recipient {
            agents.push(Value::from(object! {
                "type": concept(DCM, "110152"),
                "who": object! { "display": recipient.as_str() },
                "requestor": false,
            }));
        }
        agents
    }

    fn user(self, deed: &Deed, token: Option<Vec<Value>>) -> Value {
        let row = self.row;
        let mut who = Object::default();
        if let Some(person) = &row.person {
            who.set("reference", person.as_str());
        }
        if let Some(subject) = &row.subject {
            who.set("identifier", object! { "value": subject.as_str() });
        }
        let mut user = object! {
            "type": concept(PARTICIPATION, deed.user),
            "who": who,
            "requestor": true,
        };
        if let Some(token) = token {
            user.set("policy", token);
        }
        if let Some(purpose) = &row.purpose {
            let reason = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
            user.set("purposeOfUse", vec![Value::from(concept(reason, purpose))]);
        }
        Value::from(user)
    }

    fn source(self) -> Object {
        let server = coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4", "");
        object! { "observer": object! { "display": self.base }, "type": vec![server] }
    }

    fn entities(self, deed: &Deed) -> Vec<Value> {
        let row = self.row;
        let mut entities = Vec::new();
        if let (Some(kind), Some(id)) = (self.kind(), &row.id) {
            let version = row.version.map(|n| format!("/_history/{n}")).unwrap_or_default();
            entities.push(entity("2", "4", "reference", format!("{kind}/{id}{version}")));
        }
        if self.is_about_patient() {
            entities.push(match self.patient {
                Some(id) => entity("1", "1", "reference", format!("Patient/{id}")),
                None => entity("1", "1", "display", "unknown".to_owned()),
            });
        }
        if deed.profile == Some("Query") && self.query {
            let kind = self.kind().map_or("", ResourceType::name);
            let asked = format!("{kind}?{}", row.detail.as_deref().unwrap_or_default());
            entities.push(Value::from(object! {
                "type": coding(ENTITY_TYPE, "2", ""),
                "role": coding(OBJECT_ROLE, "24", ""),
                "query": BASE64_STANDARD.encode(asked),
            }));
        }
        // What was decided, changed or refused. It may name others, as a search does.
        if let (Some(said), true) = (&row.detail, self.query && deed.profile != Some("Query")) {
            entities.push(Value::from(object! {
                "type": coding(ENTITY_TYPE, "4", ""),
                "description": said.as_str(),
            }));
        }
        if !row.request_id.is_empty() {
            let kind = format!("{BALP}/CodeSystem/BasicAuditEntityType");
            entities.push(Value::from(object! {
                "what": object! { "identifier": object! { "value": row.request_id.as_str() } },
                "type": coding(&kind, "XrequestId", ""),
            }));
        }
        entities
    }

    fn kind(self) -> Option<ResourceType> {
        self.row.kind.and_then(ResourceType::from_number)
    }
}

fn entity(kind: &str, role: &str, member: &str, said: String) -> Value {
    let mut what = Object::default();
    what.set(member, said);
    Value::from(object! {
        "what": what,
        "type": coding(ENTITY_TYPE, kind, ""),
        "role": coding(OBJECT_ROLE, role, ""),
    })
}

/// <https://hl7.org/fhir/R4/valueset-audit-event-outcome.html>
fn outcome(status: i16) -> &'static str {
    match status {
        ..400 => "0",
        400..500 => "4",
        500.. => "8",
    }
}

fn coding(system: &str, code: &str, display: &str) -> Value {
    let mut coding = object! { "system": system, "code": code };
    if !display.is_empty() {
        coding.set("display", display);
    }
    Value::from(coding)
}

fn concept(system: &str, code: &str) -> Object {
    object! { "coding": vec![coding(system, code, "")] }
}

impl Role {
    pub(crate) fn system(self) -> &'static str {
        match self {
            Self::Source | Self::Destination | Self::Application => DCM,
            Self::Custodian => "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
        }
    }

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Source => "110153",
            Self::Destination => "110152",
            Self::Application => "110150",
            Self::Custodian => "custodian",
        }
    }
}
