//! What the clients do: all kinds of writes, on resources of their own and on shared ones.

use std::collections::HashMap;

use reqwest::RequestBuilder;

use crate::client::Client;

/// Resources that all clients change: half patients, half observations.
const SHARED: usize = 12;
/// Criteria that all clients create under.
const CRITERIA: usize = 400;

/// One operation, ready to be sent.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its number.
    pub id: String,
    /// HTTP method.
    pub method: &'static str,
    /// Path below the base.
    pub path: String,
    /// FHIR JSON, or nothing.
    pub body: String,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// Versions it writes if it changes something.
    pub writes: usize,
    /// Whether it may be repeated until it is answered.
    pub repeatable: bool,
}

impl Operation {
    /// The request; `request_id` is the operation's own number, but for repetitions.
    pub fn request(&self, client: &Client, request_id: &str) -> RequestBuilder {
        let mut request = client
            .request(self.method, &self.path)
            .header("x-request-id", request_id)
            .header("content-type", "application/fhir+json");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(self.body.clone())
    }

    /// One by chance; `known` are the versions this client saw last of shared resources.
    #[must_use]
    pub fn random(rng: &mut fastrand::Rng, known: &HashMap<String, i64>) -> Self {
        let id = format!("{:032x}", rng.u128(..));
        let new = Self {
            body: patient(rng, None, &id, None),
            id,
            method: "POST",
            path: "/Patient".to_owned(),
            headers: Vec::new(),
            writes: 1,
            repeatable: false,
        };
        match rng.u8(..20) {
            0..4 => new,
            4..7 => {
                let key = vec![("idempotency-key", new.id.clone())];
                Self { headers: key, repeatable: true, ..new }
            }
            7..9 => {
                let number = rng.usize(..CRITERIA);
                let criteria = vec![("if-none-exist", format!("identifier=urn:shared|{number}"))];
                Self { body: patient(rng, None, &new.id, Some(number)), headers: criteria, ..new }
            }
            9..14 => Self::shared(rng, new, known),
            14 => {
                let (path, _) = shared_name(rng.usize(..SHARED));
                Self { method: "DELETE", path: format!("/{path}"), body: String::new(), ..new }
            }
            15..19 => Self { body: bundle(rng, &new.id), path: String::new(), writes: 4, ..new },
            _ => Self { body: new.body.replace("birthDate\":\"", "birthDate\":\"no"), ..new },
        }
    }

    /// A new version of a shared resource, at times of the version seen last.
    fn shared(rng: &mut fastrand::Rng, new: Self, known: &HashMap<String, i64>) -> Self {
        let number = rng.usize(..SHARED);
        let (path, id) = shared_name(number);
        let headers = match known.get(&id) {
            Some(version) if rng.bool() => vec![("if-match", format!("W/\"{version}\""))],
            _ => Vec::new(),
        };
        let body = shared_body(rng, number, &new.id);
        Self { method: "PUT", path: format!("/{path}"), body, headers, ..new }
    }
}

fn shared_name(number: usize) -> (String, String) {
    let id = format!("shared-{number}");
    let kind = if number.is_multiple_of(2) { "Patient" } else { "Observation" };
    (format!("{kind}/{id}"), id)
}

fn shared_body(rng: &mut fastrand::Rng, number: usize, tag: &str) -> String {
    let (_, id) = shared_name(number);
    if number.is_multiple_of(2) {
        return patient(rng, Some(&id), tag, None);
    }
    let subject = format!("Patient/shared-{}", rng.usize(..SHARED / 2) * 2);
    observation(rng, Some(&id), tag, &subject)
}

/// A patient, an observation of it, and new versions of two shared resources in any order.
fn bundle(rng: &mut fastrand::Rng, tag: &str) -> String {
    let mut entries = vec![
        format!(
            r#"{{"fullUrl":"urn:uuid:7d1f2a60-0000-4000-8000-000000000001","request":{{"method":"POST","url":"Patient"}},"resource":{}}}"#,
            patient(rng, None, tag, None)
        ),
        format!(
            r#"{{"request":{{"method":"POST","url":"Observation"}},"resource":{}}}"#,
            observation(rng, None, tag, "urn:uuid:7d1f2a60-0000-4000-8000-000000000001")
        ),
    ];
    let first = rng.usize(..SHARED);
    let second = (first + 1 + rng.usize(..SHARED - 1)) % SHARED;
    for number in [first, second] {
        let (path, _) = shared_name(number);
        let resource = shared_body(rng, number, tag);
        entries.push(format!(
            r#"{{"request":{{"method":"PUT","url":"{path}"}},"resource":{resource}}}"#
        ));
    }
    rng.shuffle(&mut entries);
    let entries = entries.join(",");
    format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{entries}]}}"#)
}

fn head(kind: &str, id: Option<&str>, tag: &str, criteria: Option<usize>) -> String {
    let id = id.map_or_else(String::new, |id| format!(r#""id":"{id}","#));
    let more = criteria.map_or_else(String::new, |number| {
        format!(r#",{{"system":"urn:shared","value":"{number}"}}"#)
    });
    format!(
        r#"{{"resourceType":"{kind}",{id}"identifier":[{{"system":"urn:ledger","value":"{tag}"}}{more}]"#
    )
}

fn patient(
    rng: &mut fastrand::Rng,
    id: Option<&str>,
    tag: &str,
    criteria: Option<usize>,
) -> String {
    let head = head("Patient", id, tag, criteria);
    let (name, year, day) = (rng.u16(..200), rng.u16(1920..2020), rng.u8(10..29));
    let gender = if rng.bool() { "female" } else { "male" };
    format!(
        r#"{head},"name":[{{"family":"Family{name}","given":["A{day}","B"]}}],"gender":"{gender}","birthDate":"{year}-02-{day}"}}"#
    )
}

fn observation(rng: &mut fastrand::Rng, id: Option<&str>, tag: &str, subject: &str) -> String {
    let head = head("Observation", id, tag, None);
    let (code, day, value) = (rng.u8(..5), rng.u8(10..29), rng.u16(..2000));
    format!(
        r#"{head},"status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"c{code}"}}]}},"subject":{{"reference":"{subject}"}},"effectiveDateTime":"2026-01-{day}T08:00:00Z","valueQuantity":{{"value":{value}.50,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}}}"#
    )
}
