//! References to what is on other servers, or nowhere yet: found by their whole URL, by a parameter of their type.
//! <https://hl7.org/fhir/R4/search.html#reference>

use anyhow::Result;

use crate::search::check;
use crate::search_values::holding;

const UUID: &str = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0";

fn observation(id: &str, subject: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"text":"x"}},"subject":{{{subject}}}}}"#
    )
}

#[tokio::test]
async fn each_by_its_url_and_its_type() -> Result<()> {
    let all = [
        observation("patient", r#""reference":"http://else.example/fhir/Patient/5""#),
        observation("group", r#""reference":"http://else.example/fhir/Group/5""#),
        observation("typed", &format!(r#""reference":"{UUID}","type":"Patient""#)),
        observation("untyped", &format!(r#""reference":"{UUID}""#)),
        observation("here", r#""reference":"Patient/5""#),
        observation("heregroup", r#""reference":"Group/5""#),
    ];
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let server = holding(&all).await?;
    let uuid = |name: &str| format!("Observation?{name}={UUID}");
    let (by_subject, by_patient, narrowed) =
        (uuid("subject"), uuid("patient"), uuid("subject:Patient"));
    check(
        &server,
        &[
            ("Observation?subject=http://else.example/fhir/Patient/5", "patient"),
            ("Observation?subject=http://else.example/fhir/Group/5", "group"),
            ("Observation?patient=http://else.example/fhir/Patient/5", "patient"),
            // `patient` shares its index with `subject`, not its values.
            ("Observation?patient=http://else.example/fhir/Group/5", ""),
            ("Observation?_filter=patient re http://else.example/fhir/Group/5", ""),
            ("Observation?_filter=patient re http://else.example/fhir/Patient/5", "patient"),
            ("Observation?subject:Patient=http://else.example/fhir/Patient/5", "patient"),
            ("Observation?subject:Patient=http://else.example/fhir/Group/5", ""),
            (&by_subject, "typed,untyped"),
            (&by_patient, "typed"),
            (&narrowed, "400"),
            ("Observation?patient=5", "here"),
            ("Observation?subject=5", "here,heregroup"),
            ("Observation?subject=Patient/5", "here"),
            ("Observation?patient:missing=false", "here,patient,typed"),
        ],
    )
    .await
}

/// A URL is of this server by its whole base, not by how it begins.
#[tokio::test]
async fn a_url_that_only_begins_like_one_of_this_server() -> Result<()> {
    let near = observation("near", r#""reference":"BASEPatient/5""#);
    let here = observation("here", r#""reference":"BASE/Patient/5""#);
    let server = holding(&[&near, &here]).await?;
    let whole = format!("Observation?subject={}Patient/5", server.client.base);
    check(&server, &[("Observation?subject=Patient/5", "here"), (&whole, "near")]).await
}
