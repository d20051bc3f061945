//! What is another's and what is not there are told apart neither by what is said nor by how long that takes.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use it::Client;
use serde_json::{Value, json};

use crate::alike::{SEEN, Side, put};

/// Askings of each.
const TIMES: usize = 80;
/// Measurements, of which one must tell them not apart: others use the machine too.
const TRIES: usize = 5;

async fn took(client: &Client, path: &str) -> Result<Duration> {
    let begun = Instant::now();
    let status = client.get(path).await?.status;
    let took = begun.elapsed();
    ensure!(status == 404, "{path}: {status}");
    Ok(took)
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// The medians of both, asked in turn.
async fn medians(client: &Client, paths: [&str; 2]) -> Result<[Duration; 2]> {
    let [mut one, mut other] = [Vec::new(), Vec::new()];
    for _ in 0..TIMES {
        one.push(took(client, paths[0]).await?);
        other.push(took(client, paths[1]).await?);
    }
    Ok([median(one), median(other)])
}

#[tokio::test]
async fn what_is_anothers_is_as_if_it_were_not_there() -> Result<()> {
    let side = Side::of(&SEEN, &json!({})).await?;
    // Rules are asked too.
    let consent = json!({ "resourceType": "Consent", "id": "c", "status": "active",
        "scope": { "coding": [{ "code": "patient-privacy" }] }, "category": [{ "coding": [{ "code": "x" }] }],
        "patient": { "reference": "Patient/q" }, "policyRule": { "coding": [{ "code": "OPTOUT" }] } });
    put(&side.server.client, &consent.to_string()).await?;
    let launched = |user: &str, role: &str| -> Value {
        json!({ "scope": "patient/*.rs", "patient": "p", "fhirUser": user, "roles": [role] })
    };
    for claims in [
        launched("Patient/p", "patient"),
        launched("RelatedPerson/r", "proxy"),
        launched("Practitioner/d", "clinician"),
    ] {
        let client = side.bearing(&claims)?;
        for paths in [
            ["/Observation/o2", "/Observation/o9"],
            ["/Patient/q", "/Patient/z"],
            ["/Observation/o2/_history/1", "/Observation/o9/_history/1"],
        ] {
            let [hidden, absent] = [client.get(paths[0]).await?, client.get(paths[1]).await?];
            assert_eq!((hidden.status, &hidden.text), (absent.status, &absent.text), "{paths:?}");
            let mut measured = Vec::new();
            for _ in 0..TRIES {
                let both = medians(&client, paths).await?;
                measured.push(both);
                if both[0].abs_diff(both[1]) < both[1] / 4 {
                    break;
                }
            }
            let [one, other] = measured.last().copied().unwrap_or_default();
            assert!(one.abs_diff(other) < other / 4, "{paths:?} {claims}: {measured:?}");
        }
    }
    Ok(())
}
