//! Two clients create under the same criteria, and neither reaches what is the other's: each has its own resource, and
//! learns of the other's neither by what is said nor by how long that takes.

use std::time::{Duration, Instant};

use anyhow::Result;
use it::{Answer, Client};
use serde_json::json;

use crate::alike::{SEEN, Side, itself};

/// Askings of each.
const TIMES: usize = 40;
/// Measurements, of which one must tell them not apart: others use the machine too.
const TRIES: usize = 6;

fn of(category: &str, identifier: &str) -> String {
    json!({
        "resourceType": "Observation", "status": "final", "subject": { "reference": "Patient/p" },
        "category": [{ "coding": [{ "system": "urn:c", "code": category }] }],
        "identifier": [{ "system": "urn:i", "value": identifier }], "code": { "text": "x" },
    })
    .to_string()
}

async fn create(client: &Client, category: &str, identifier: &str) -> Result<Answer> {
    let request = client.request("POST", "/Observation");
    let request = request.header("if-none-exist", format!("identifier=urn:i|{identifier}"));
    let request = request.header("content-type", "application/fhir+json");
    Answer::of(request.body(of(category, identifier))).await
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

#[tokio::test]
async fn criteria_that_anothers_resource_meets_are_free() -> Result<()> {
    let side = Side::of(&SEEN, &json!({})).await?;
    let client = |category: &str| {
        side.bearing(&itself(&format!("system/Observation.cruds?category=urn:c|{category}")))
    };
    let (lab, vital) = (client("lab")?, client("vital")?);
    let (first, second) = (create(&lab, "lab", "1").await?, create(&vital, "vital", "1").await?);
    assert_eq!((first.status, second.status), (201, 201), "{} {}", first.text, second.text);
    assert_ne!(first.id(), second.id());
    for (client, category, own, others) in
        [(&lab, "lab", &first, &second), (&vital, "vital", &second, &first)]
    {
        let again = create(client, category, "1").await?;
        assert_eq!((again.status, again.id()), (200, own.id()), "{}", again.text);
        assert_eq!(client.get(&format!("/Observation/{}", others.id())).await?.status, 404);
    }
    let both = create(&side.server.client, "lab", "1").await?;
    assert_eq!(both.status, 412, "whoever reaches both is told that there are several");

    // What another has claimed takes as long as what nobody has.
    let mut measured = Vec::new();
    for turn in 0..TRIES {
        let (mut claimed, mut free) = (Vec::new(), Vec::new());
        for n in 0..TIMES {
            let theirs = format!("{turn}-{n}-claimed");
            assert_eq!(create(&lab, "lab", &theirs).await?.status, 201);
            for (name, times) in [(theirs, &mut claimed), (format!("{turn}-{n}-free"), &mut free)] {
                let begun = Instant::now();
                assert_eq!(create(&vital, "vital", &name).await?.status, 201);
                times.push(begun.elapsed());
            }
        }
        let both = [median(claimed), median(free)];
        measured.push(both);
        if both[0].abs_diff(both[1]) < both[1] / 8 {
            return Ok(());
        }
    }
    panic!("claimed and free are told apart: {measured:?}");
}
