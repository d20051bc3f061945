//! What a label withholds has no effect on what others find, and its reader is told by which rule; who is cleared reads
//! it.

use anyhow::{Context, Result, ensure};
use it::{Answer, Client};
use serde_json::{Value, json};
use sqlx::Row;

use crate::alike::{
    LAB, SEEN, Side, UNSEEN, found_in, itself, observation, put, reads_alike, same, sides,
};
use crate::scope_conditions_versions::walked;

/// A user of this role who reaches every patient.
fn user(role: &str, purpose: &str) -> Value {
    let mut claims =
        json!({ "scope": "user/*.cruds", "fhirUser": "Practitioner/d", "roles": [role] });
    if !purpose.is_empty() {
        claims["pou"] = json!(purpose);
    }
    claims
}

/// The resource with a label.
fn labelled(text: &str, code: &str) -> Result<String> {
    let mut value: Value = serde_json::from_str(text)?;
    value["meta"] = json!({ "security": [{ "system": "urn:labels", "code": code }] });
    Ok(value.to_string())
}

#[tokio::test]
async fn what_is_withheld_has_no_effect_on_what_is_read() -> Result<()> {
    let codes = ["R", "PSYTHPN", "HIV", "V"];
    let unseen = UNSEEN.iter().zip(codes).map(|(text, code)| labelled(text, code));
    let sides = sides(&user("care-coordinator", ""), &unseen.collect::<Result<Vec<_>>>()?).await?;
    reads_alike(&sides).await?;
    for (method, path, status) in [
        ("GET", "/Observation/x1/_history/1", 404),
        ("GET", "/Observation/x1/_history", 404),
        ("GET", "/Observation/o1", 200),
        ("DELETE", "/Task/none", 204),
    ] {
        assert_eq!(same(&sides, method, path, "").await?.status, status, "{method} {path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_reader_within_bounds_is_told_the_class_and_nobody_else_is_told_anything() -> Result<()> {
    let side = Side::holding(&SEEN, "system/*.cruds").await?;
    let all = &side.server.client;
    let labels = [
        ("V", "very-restricted"),
        ("R", "restricted"),
        ("PSYTHPN", "psychotherapy"),
        ("ETH", "substance-use"),
        ("SDV", "violence"),
        ("TBOO", "deferred"),
        ("HTEST", ""),
    ];
    for (code, _) in labels {
        for patient in ["p", "q"] {
            let text = observation(&format!("{patient}-{code}"), LAB)
                .replace("Patient/p", &format!("Patient/{patient}"));
            put(all, &labelled(&text, code)?).await?;
        }
    }
    let patient = json!({ "scope": "patient/*.rs", "fhirUser": "Patient/p", "patient": "p", "roles": ["patient"] });
    let proxy = json!({ "scope": "patient/*.rs", "fhirUser": "RelatedPerson/r", "patient": "p", "roles": ["proxy"] });
    for (claims, open) in [
        (user("clinician", ""), "R SDV TBOO HTEST"),
        (user("clinician", "TREAT"), "R ETH SDV TBOO HTEST"),
        (user("clinician", "BTG"), "V R ETH SDV TBOO HTEST"),
        (user("clinician", "HPAYMT"), "R SDV TBOO HTEST"),
        (user("care-coordinator", "TREAT"), "TBOO HTEST"),
        (user("integration", ""), "R TBOO HTEST"),
        (patient, "R SDV HTEST"),
        (proxy, "HTEST"),
        (itself("system/*.rs"), "V R PSYTHPN ETH SDV TBOO HTEST"),
    ] {
        let client = side.bearing(&claims)?;
        let own = claims.get("patient").is_some();
        for (code, word) in labels {
            let cleared = open.split(' ').any(|one| one == code);
            let answer = client.get(&format!("/Observation/p-{code}")).await?;
            assert_eq!(
                answer.status,
                if cleared { 200 } else { 403 },
                "{claims} {code} {}",
                answer.text
            );
            if !cleared {
                let (told, said) =
                    (answer.text_at("issue.0.code"), answer.text_at("issue.0.diagnostics"));
                assert_eq!(told, "suppressed");
                assert!(said.contains(word) && !answer.text.contains("urn:"), "{said}");
            }
            // Another's is not there.
            let other = client.get(&format!("/Observation/q-{code}")).await?;
            let expected = match (own, cleared) {
                (true, _) => 404,
                (false, true) => 200,
                (false, false) => 403,
            };
            assert_eq!(other.status, expected, "{claims} q {code} {}", other.text);
            let found = client.get(&format!("/Observation?_id=p-{code}&_total=accurate")).await?;
            assert_eq!(found_in(&found), usize::from(cleared), "{claims} {code} {}", found.text);
            let version = client.get(&format!("/Observation/p-{code}/_history/1")).await?.status;
            assert_eq!(version, if cleared { 200 } else { 404 }, "{claims} {code}");
        }
        assert_eq!(client.get("/Observation/none").await?.status, 404);
    }
    Ok(())
}

#[tokio::test]
async fn a_search_says_by_which_rules_and_not_whether() -> Result<()> {
    let side =
        Side::holding(&SEEN, "system/Observation.rs?category=urn:c|lab system/*.cud").await?;
    let said = |answer: &Answer| -> Vec<String> {
        let issue =
            |n: usize, part: &str| answer.text_at(&format!("entry.{n}.resource.issue.0.{part}"));
        (0..answer.entries().len())
            .filter(|n| issue(*n, "code") == "suppressed")
            .map(|n| issue(n, "diagnostics"))
            .collect()
    };
    let coordinator = side.bearing(&user("care-coordinator", "TREAT"))?;
    let sentence = "Left out, if there is any: what is labelled as very-restricted, restricted, psychotherapy, \
                    mental-health, substance-use, sexual-health, violence, genetic.";
    for path in ["/Observation", "/Observation?code=none", "/Patient", "/?_type=Patient,List"] {
        assert_eq!(said(&coordinator.get(path).await?), [sentence], "{path}");
        assert!(said(&side.server.client.get(path).await?).is_empty(), "{path}");
    }
    let scoped = side.limited.get("/Observation?code=none").await?;
    assert_eq!(
        said(&scoped),
        ["Left out, if there is any: Observation outside of what scopes with `?` let through."]
    );
    let mut database = side.server.database.connect().await?;
    let mut rules = async |client: &Client, path: &str| -> Result<Option<String>> {
        client.get(path).await?;
        let text = "select rules from audit order by audit_id desc limit 1";
        Ok(sqlx::query(text).fetch_one(&mut database).await?.try_get("rules")?)
    };
    put(&side.server.client, &labelled(&observation("v", LAB), "V")?).await?;
    let clinician = side.bearing(&user("clinician", "TREAT"))?;
    let unclear = "label:very-restricted label:psychotherapy";
    assert_eq!(rules(&clinician, "/Observation").await?.as_deref(), Some(unclear));
    assert_eq!(
        rules(&clinician, "/Observation/v").await?.as_deref(),
        Some("label:very-restricted")
    );
    assert_eq!(rules(&clinician, "/Observation/o1").await?, None);
    assert_eq!(rules(&side.limited, "/Observation").await?.as_deref(), Some("scope:Observation"));
    assert_eq!(rules(&side.server.client, "/Observation").await?, None);
    Ok(())
}

#[tokio::test]
async fn nothing_is_written_that_its_writer_is_not_cleared_for() -> Result<()> {
    let side = Side::of(&SEEN, &user("clinician", "")).await?;
    put(&side.server.client, &labelled(&observation("v", LAB), "V")?).await?;
    let (clinician, whole) = (&side.limited, &side.server.client);
    let plain = observation("v", LAB);
    let patch = r#"[{"op":"remove","path":"/meta/security"}]"#;
    let new = labelled(&observation("", LAB), "PSYTHPN")?;
    let relabelled = labelled(SEEN[3], "V")?;
    for (method, path, body, status) in [
        ("POST", "/Observation", new.as_str(), 403),
        ("PUT", "/Observation/o1", &relabelled, 403),
        ("PUT", "/Observation/v", &plain, 403),
        ("PATCH", "/Observation/v", patch, 404),
        ("DELETE", "/Observation/v", "", 204),
        ("POST", "/Observation", &labelled(&observation("", LAB), "R")?, 201),
    ] {
        let media_type =
            if method == "PATCH" { "application/json-patch+json" } else { "application/fhir+json" };
        let request = clinician.request(method, path).header("content-type", media_type);
        let answer = Answer::of(request.body(body.to_owned())).await?;
        assert_eq!(answer.status, status, "{method} {path} {}", answer.text);
    }
    let kept = whole.get("/Observation/v").await?;
    assert_eq!((kept.version(), kept.text_at("meta.security.0.code").as_str()), (1, "V"));
    Ok(())
}

/// A label that comes later withholds what was there before it, for as long as it is there.
#[tokio::test]
async fn a_label_of_today_withholds_the_versions_of_before() -> Result<()> {
    let side = Side::of(&SEEN, &user("clinician", "")).await?;
    let plain = observation("m", LAB);
    let clinician = &side.limited;
    let statuses = async |expected: [u16; 3]| -> Result<()> {
        for (path, status) in ["", "/_history/1", "/_history"].iter().zip(expected) {
            let answer = clinician.get(&format!("/Observation/m{path}")).await?;
            let told = found_in(&answer);
            assert_eq!(answer.status, status, "{path}: {}", answer.text);
            assert!(status != 404 || told == 0, "{path}: {}", answer.text);
        }
        Ok(())
    };
    put(&side.server.client, &plain).await?;
    statuses([200, 200, 200]).await?;
    put(&side.server.client, &labelled(&plain, "V")?).await?;
    statuses([403, 404, 404]).await?;
    let types = walked(clinician, "/Observation/_history").await?;
    assert!(!types.iter().any(|it| it.starts_with("m/")), "{types:?}");
    put(&side.server.client, &plain.replace("\"new\"", "\"3\"")).await?;
    statuses([200, 200, 200]).await?;
    assert_eq!(walked(clinician, "/Observation/m/_history").await?, ["m/3", "m/1"]);
    Ok(())
}

/// A label is a version's: what was labelled stays withheld, what was not is read.
#[tokio::test]
async fn of_superseded_versions_each_has_its_own_labels() -> Result<()> {
    let side = Side::of(&SEEN, &user("clinician", "")).await?;
    let plain = observation("m", LAB);
    for (n, label) in ["V", "", "V", ""].iter().enumerate() {
        let text = plain.replace("\"new\"", &format!("\"{n}\""));
        let text = if label.is_empty() { text } else { labelled(&text, label)? };
        put(&side.server.client, &text).await?;
    }
    let clinician = &side.limited;
    assert_eq!(walked(clinician, "/Observation/m/_history").await?, ["m/4", "m/2"]);
    assert_eq!(
        walked(clinician, "/Observation/_history?_count=1").await?,
        ["m/4", "m/2", "o2/1", "o1/1"]
    );
    for (version, status) in [(1, 404), (2, 200), (3, 404), (4, 200)] {
        let answer = clinician.get(&format!("/Observation/m/_history/{version}")).await?;
        assert_eq!(answer.status, status, "{version}");
    }
    Ok(())
}

/// Every type that there is, for a user of every role: with a label that nobody is cleared for it is withheld.
#[tokio::test]
async fn no_type_is_forgotten() -> Result<()> {
    let side = Side::of(&[], &user("integration", "TREAT")).await?;
    let whole = &side.server.client;
    let capability = whole.get("/metadata").await?.json()?;
    let kinds: Vec<String> = capability
        .get("rest")
        .and_then(|rest| rest.items().first().cloned())
        .and_then(|rest| rest.get("resource").cloned())
        .context("resources")?
        .items()
        .iter()
        .filter_map(|kind| Some(kind.get("type")?.as_str()?.to_owned()))
        .collect();
    ensure!(kinds.len() > 140, "{} types", kinds.len());
    let mut written = 0;
    for kind in kinds {
        let text = format!(r#"{{"resourceType":"{kind}","id":"l"}}"#);
        let answer = whole.send("PUT", &format!("/{kind}/l"), &labelled(&text, "PSYTHPN")?).await?;
        // Some need elements to be valid.
        if answer.status != 201 {
            continue;
        }
        written += 1;
        assert_eq!(side.limited.get(&format!("/{kind}/l")).await?.status, 403, "{kind}");
        let found = side.limited.get(&format!("/{kind}?_id=l")).await?;
        assert_eq!(found_in(&found), 0, "{kind}: {}", found.text);
    }
    ensure!(written > 30, "{written} types");
    Ok(())
}
