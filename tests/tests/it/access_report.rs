//! The record of accesses as it is read: by patient, user, period, action and outcome; whole by auditors, by
//! patients of themselves, by nobody else; as AuditEvents that follow IHE's profiles. To read it is an access.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use it::{Answer, Client, Fixture, Signer, seal_rows};
use serde_json::{Value, json};

const BALP: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";

struct Scene {
    server: Fixture,
    signer: Signer,
}

impl Scene {
    /// Two patients, what was done with them by a client, by two users and by one of the patients.
    async fn set() -> Result<Self> {
        let signer = Signer::create()?;
        let file = signer.file.clone();
        let server = Fixture::start_with(|settings| settings.auth.signing_key = Some(file)).await?;
        let scene = Self { server, signer };
        for id in ["a", "b"] {
            let patient = format!(r#"{{"resourceType":"Patient","id":"{id}"}}"#);
            let weight = format!(
                r#"{{"resourceType":"Observation","id":"w{id}","status":"final","code":{{"text":"w"}},
                    "subject":{{"reference":"Patient/{id}"}}}}"#
            );
            scene.server.client.send("PUT", &format!("/Patient/{id}"), &patient).await?;
            scene.server.client.send("PUT", &format!("/Observation/w{id}"), &weight).await?;
        }
        let claims = json!({ "sub": "ada", "fhirUser": "Practitioner/ada", "roles": ["integration"],
            "scope": "user/*.rs", "pou": "TREAT" });
        let ada = scene.as_user(&claims)?;
        for path in ["/Patient/a", "/Observation/wa", "/Observation?status=final", "/Patient/none"]
        {
            ada.get(path).await?;
        }
        let bob = json!({ "sub": "bob", "fhirUser": "Practitioner/bob", "roles": ["integration"],
            "scope": "user/Patient.rs" });
        let bob = scene.as_user(&bob)?;
        assert_eq!(bob.get("/Patient/b").await?.status, 200);
        assert_eq!(bob.get("/Observation/wb").await?.status, 403);
        Ok(scene)
    }

    fn as_user(&self, claims: &Value) -> Result<Client> {
        let token = self.signer.token(self.server.origin()?, claims)?;
        Ok(self.server.client.bearing(token))
    }

    fn auditor(&self) -> Result<Client> {
        self.as_user(&json!({ "sub": "eve", "fhirUser": "Practitioner/eve", "roles": ["auditor"],
            "scope": "user/AuditEvent.rs" }))
    }

    fn patient(&self, id: &str) -> Result<Client> {
        self.as_user(&json!({ "sub": id, "fhirUser": format!("Patient/{id}"), "patient": id,
            "roles": ["patient"], "scope": "patient/*.rs" }))
    }
}

fn events(answer: &Answer) -> Result<Vec<Value>> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let bundle: Value = serde_json::from_str(&answer.text)?;
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    Ok(entries.into_iter().map(|entry| entry["resource"].clone()).collect())
}

/// `R 0 Observation/wa/_history/1 of a by Practitioner/ada`, newest first.
fn told(event: &Value) -> String {
    let entities = event["entity"].as_array().cloned().unwrap_or_default();
    let of = |role: &str| {
        let mut found = entities.iter().filter(|entity| entity["role"]["code"] == role);
        found.next().and_then(|entity| entity["what"]["reference"].as_str()).map(str::to_owned)
    };
    let agents = event["agent"].as_array().cloned().unwrap_or_default();
    let who = agents.iter().find(|agent| agent["requestor"] == true).cloned().unwrap_or_default();
    let who = who["who"]["reference"].as_str().or(who["who"]["identifier"]["value"].as_str());
    let mut told = format!(
        "{} {}",
        event["action"].as_str().unwrap_or_default(),
        event["outcome"].as_str().unwrap_or_default()
    );
    of("4").iter().for_each(|what| told.push_str(&format!(" {what}")));
    of("1").iter().for_each(|patient| told.push_str(&format!(" of {patient}")));
    who.iter().for_each(|who| told.push_str(&format!(" by {who}")));
    told
}

async fn journal(client: &Client, query: &str) -> Result<Vec<String>> {
    let answer = client.get(&format!("/AuditEvent/$journal?{query}")).await?;
    Ok(events(&answer)?.iter().map(told).collect())
}

const OF_A: [&str; 6] = [
    "E 0 of Patient/a by Practitioner/ada",
    "R 0 Observation/wa/_history/1 of Patient/a by Practitioner/ada",
    "R 0 Patient/a/_history/1 of Patient/a by Practitioner/ada",
    "U 0 Observation/wa/_history/1 of Patient/a by dev-backend",
    "U 0 Patient/a/_history/1 of Patient/a by dev-backend",
    "",
];

#[tokio::test]
async fn the_record_is_found_by_patient_user_period_action_and_outcome() -> Result<()> {
    let scene = Scene::set().await?;
    let of_a = OF_A[..5].to_vec();
    // The same whether it is sealed or not, and half and half.
    for sealed in [false, true] {
        let auditor = scene.auditor()?;
        if sealed {
            // The first is the client's token.
            let rows = 1 + 4 + 4 + 2 + READINGS;
            seal_rows(&mut scene.server.database.notary().await?, rows).await?;
        }
        let clinical = "action=R,U&outcome=0";
        let about_a: Vec<String> = journal(&auditor, "patient=a").await?;
        let about_a: Vec<&str> =
            about_a.iter().map(String::as_str).filter(|told| !told.ends_with("/eve")).collect();
        assert_eq!(about_a, of_a);
        assert_eq!(journal(&auditor, &format!("patient=Patient/a&{clinical}")).await?, of_a[1..]);
        assert_eq!(
            journal(&auditor, "agent=Practitioner/bob").await?,
            [
                "R 4 Observation/wb by Practitioner/bob",
                "R 0 Patient/b/_history/1 of Patient/b by Practitioner/bob"
            ]
        );
        assert_eq!(
            journal(&auditor, "agent=Practitioner/bob&outcome=4,8").await?,
            ["R 4 Observation/wb by Practitioner/bob"]
        );
        assert_eq!(journal(&auditor, "agent=dev-backend&action=U").await?.len(), 4);
        assert_eq!(
            journal(&auditor, "agent=Practitioner/ada&patient=b").await?,
            ["E 0 of Patient/b by Practitioner/ada"]
        );
        assert_eq!(journal(&auditor, "action=D").await?, Vec::<String>::new());
        assert_eq!(journal(&auditor, "date=lt2020-01-01").await?, Vec::<String>::new());
        assert_eq!(journal(&auditor, "date=ge2020-01-01&date=lt2021").await?, Vec::<String>::new());
        let now = journal(&auditor, "date=ge2020-01-01&agent=Practitioner/ada&patient=a").await?;
        assert_eq!(now, of_a[..3]);
    }
    Ok(())
}

/// Readings of the record by the first round above: each is a row, too.
const READINGS: usize = 10;

#[tokio::test]
async fn pages_have_each_event_once_and_events_are_read_by_their_id() -> Result<()> {
    let scene = Scene::set().await?;
    let auditor = scene.auditor()?;
    let whole = events(&auditor.get("/AuditEvent/$journal?_count=200&date=ge2020").await?)?;
    assert_eq!(whole.len(), 1 + 4 + 2 + 2 + 1 + 2, "a search of two patients is an event for each");
    let before = whole.first().and_then(|event| event["recorded"].as_str()).context("a time")?;
    let mut walked = Vec::new();
    let mut next = Some(format!("/AuditEvent/$journal?_count=2&date=le{before}"));
    while let Some(path) = next {
        let answer = auditor.get(&path).await?;
        let page = events(&answer)?;
        assert!(page.len() <= 3, "a row is not divided");
        walked.extend(page);
        let bundle: Value = serde_json::from_str(&answer.text)?;
        let links = bundle["link"].as_array().cloned().unwrap_or_default();
        let link = links.iter().find(|link| link["relation"] == "next");
        let base = format!("{}/fhir", scene.server.origin()?);
        next = link.and_then(|link| link["url"].as_str()).map(|url| url.replace(&base, ""));
        assert!(
            next.as_ref().is_none_or(|next| !next.contains("le2")),
            "criteria stay in the link"
        );
    }
    // Readings that came while the walk went on are newer than where it was.
    let ids = |all: &[Value]| -> Vec<String> {
        all.iter().map(|event| event["id"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(ids(&walked), ids(&whole));
    for event in &whole {
        let id = event["id"].as_str().context("an id")?;
        let answer = auditor.get(&format!("/AuditEvent/{id}")).await?;
        assert_eq!(serde_json::from_str::<Value>(&answer.text)?, *event, "{}", answer.text);
    }
    for absent in ["j-1-1-0", "j-1764500000000000-99999-0"] {
        assert_eq!(auditor.get(&format!("/AuditEvent/{absent}")).await?.status, 404);
    }
    let refused = scene.server.client.send("PUT", "/AuditEvent/j-1-1-0", "{}").await?;
    assert_eq!(refused.status, 405, "{}", refused.text);
    Ok(())
}

#[tokio::test]
async fn patients_read_of_themselves_and_of_nobody_else() -> Result<()> {
    let scene = Scene::set().await?;
    let (a, b) = (scene.patient("a")?, scene.patient("b")?);
    let report = events(&a.get("/Patient/a/$access-report").await?)?;
    assert_eq!(report.iter().map(told).collect::<Vec<_>>(), OF_A[..5]);
    let shown = serde_json::to_string(&report)?;
    assert!(!shown.contains("Patient/b") && !shown.contains("\"query\""), "{shown}");
    let own = events(&a.get("/AuditEvent/$journal?action=U").await?)?;
    assert_eq!(own.iter().map(told).collect::<Vec<_>>(), OF_A[3..5]);
    let id = report.first().and_then(|event| event["id"].as_str()).context("an id")?;
    assert_eq!(a.get(&format!("/AuditEvent/{id}")).await?.status, 200);
    assert_eq!(b.get(&format!("/AuditEvent/{id}")).await?.status, 404, "as what is absent");
    let other = if id.ends_with("-0") { id.replace("-0", "-1") } else { id.replace("-1", "-0") };
    assert_eq!(a.get(&format!("/AuditEvent/{other}")).await?.status, 404, "the other patient's");
    for (client, path, status) in [
        (&b, "/Patient/a/$access-report", 403),
        (&b, "/Patient/a/$accounting-of-disclosures", 403),
        (&b, "/AuditEvent/$journal?patient=a", 403),
        (&b, "/Patient/nobody/$access-report", 403),
        (&a, "/Patient/a/$accounting-of-disclosures", 200),
        (&a, "/Patient/a/$access-report?patient=a", 400),
        (&a, "/AuditEvent/$journal?nonsense=1", 400),
        (&a, "/AuditEvent/$journal?action=X", 400),
        (&a, "/AuditEvent/$journal?date=yesterday", 400),
    ] {
        let answer = client.get(path).await?;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        assert!(status == 200 || !answer.text.contains("Practitioner/ada"), "{}", answer.text);
    }
    Ok(())
}

/// Who is neither reads nothing, whatever the scopes say; who is, needs the scopes.
#[tokio::test]
async fn nobody_else_reads_the_record() -> Result<()> {
    let scene = Scene::set().await?;
    for (claims, status) in [
        (json!({ "sub": "x", "scope": "system/*.cruds", "client_id": "dev-backend" }), 403),
        (
            json!({ "fhirUser": "Practitioner/x", "roles": ["clinician"], "scope": "user/*.rs" }),
            403,
        ),
        (json!({ "fhirUser": "Practitioner/x", "roles": ["admin"], "scope": "user/*.cruds" }), 403),
        (
            json!({ "fhirUser": "Practitioner/x", "roles": ["auditor"], "scope": "user/Patient.rs" }),
            403,
        ),
        (
            json!({ "fhirUser": "Practitioner/x", "roles": ["auditor"], "scope": "user/AuditEvent.c" }),
            403,
        ),
        (
            json!({ "fhirUser": "Practitioner/x", "roles": ["auditor"], "patient": "a", "scope": "patient/*.rs" }),
            403,
        ),
        (
            json!({ "fhirUser": "Practitioner/x", "roles": ["clinician"], "patient": "a", "scope": "patient/*.rs" }),
            403,
        ),
        (
            json!({ "fhirUser": "Patient/b", "roles": ["patient"], "patient": "a", "scope": "patient/*.rs" }),
            403,
        ),
        // Whoever stands for a patient has the page, which leaves out what is withheld.
        (
            json!({ "fhirUser": "RelatedPerson/m", "roles": ["proxy"], "patient": "a", "scope": "patient/*.rs user/*.rs" }),
            403,
        ),
        (
            json!({ "fhirUser": "Patient/b", "roles": ["patient", "proxy"], "patient": "a", "scope": "patient/*.rs user/*.rs" }),
            403,
        ),
        (
            json!({ "fhirUser": "Practitioner/x", "roles": ["auditor"], "scope": "user/AuditEvent.rs" }),
            200,
        ),
    ] {
        let client = scene.as_user(&claims)?;
        for path in [
            "/AuditEvent/$journal",
            "/AuditEvent/$journal?patient=a",
            "/Patient/a/$access-report",
            "/Patient/a/$accounting-of-disclosures",
        ] {
            let answer = client.get(path).await?;
            assert_eq!(answer.status, status, "{claims} {path}: {}", answer.text);
        }
    }
    let operator = scene.server.client.get("/Patient/a/$access-report").await?;
    assert_eq!(operator.status, 200, "the operator's own program");
    assert_eq!(scene.server.client.anonymous().get("/AuditEvent/$journal").await?.status, 401);
    Ok(())
}

#[tokio::test]
async fn to_read_the_record_is_recorded() -> Result<()> {
    let scene = Scene::set().await?;
    let auditor = scene.auditor()?;
    auditor.get("/Patient/a/$access-report").await?;
    auditor.get("/AuditEvent/$journal?patient=b&agent=nobody").await?;
    scene.patient("b")?.get("/Patient/a/$access-report").await?;
    assert_eq!(
        journal(&auditor, "agent=Practitioner/eve").await?,
        ["E 0 by Practitioner/eve", "E 0 Patient/a of Patient/a by Practitioner/eve",]
    );
    let refused = "E 4 Patient/a of Patient/a by Patient/b";
    assert_eq!(journal(&auditor, "agent=Patient/b").await?, [refused]);
    Ok(())
}

/// What IHE's profiles demand of each kind: types, roles of client and server and user, entities.
#[tokio::test]
async fn events_follow_the_profiles() -> Result<()> {
    let scene = Scene::set().await?;
    let client = &scene.server.client;
    client.send("DELETE", "/Observation/wb", "").await?;
    client.send("POST", "/Organization", r#"{"resourceType":"Organization","name":"O"}"#).await?;
    client.get("/Organization?name=o").await?;
    let all = events(&scene.auditor()?.get("/AuditEvent/$journal?_count=200&outcome=0").await?)?;
    let mut seen = BTreeMap::new();
    // A token is none of theirs.
    for event in all.iter().filter(|event| event["type"]["code"] == "rest") {
        let profile = event["meta"]["profile"][0].as_str().context("a profile")?;
        let profile = profile.strip_prefix(BALP).context("of BALP")?.to_owned();
        check(&profile, event)?;
        *seen.entry(profile).or_insert(0) += 1;
        // And this server takes it as an AuditEvent.
        let mut posted = event.clone();
        posted.as_object_mut().context("an object")?.remove("id");
        let answer = client.send("POST", "/AuditEvent", &posted.to_string()).await?;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    let seen: Vec<String> = seen.iter().map(|(profile, n)| format!("{profile} {n}")).collect();
    assert_eq!(
        seen,
        [
            "Create 1",
            "PatientDelete 1",
            "PatientQuery 2",
            "PatientRead 3",
            "PatientUpdate 4",
            "Query 1",
        ]
    );
    Ok(())
}

fn check(profile: &str, event: &Value) -> Result<()> {
    let kind = profile.trim_start_matches("Patient");
    let (action, subtypes, client, server, user) = match kind {
        "Create" => ("C", vec!["create"], "110153", "110152", "AUT"),
        "Update" => ("U", vec!["update", "patch"], "110153", "110152", "AUT"),
        "Delete" => ("D", vec!["delete"], "110150", "custodian", "CST"),
        "Read" => ("R", vec!["read", "vread"], "110152", "110153", "IRCP"),
        "Query" => {
            ("E", vec!["search", "search-type", "search-system"], "110153", "110152", "IRCP")
        }
        other => anyhow::bail!("{other} is no profile that is expected"),
    };
    assert_eq!(
        (event["type"]["code"].as_str(), event["action"].as_str()),
        (Some("rest"), Some(action))
    );
    let own = event["subtype"].as_array().context("subtypes")?;
    let known = |it: &&Value| it["code"].as_str().is_some_and(|code| subtypes.contains(&code));
    assert_eq!(own.iter().filter(known).count(), 1, "{event}");
    let agents = event["agent"].as_array().context("agents")?;
    let agent = |code: &str| {
        agents.iter().find(|agent| agent["type"]["coding"][0]["code"] == code).cloned()
    };
    for role in [client, server] {
        let agent = agent(role).with_context(|| format!("{profile} has no {role}: {event}"))?;
        assert!(agent["network"]["address"].is_string() && agent["who"].is_object(), "{agent}");
    }
    assert_eq!(agents.iter().filter(|agent| agent["requestor"] == true).count(), 1, "{event}");
    if let Some(person) = agents.iter().find(|agent| agent["who"]["reference"].is_string()) {
        assert_eq!(person["type"]["coding"][0]["code"], user);
        let policy = person["policy"][0].as_str().context("which token")?;
        assert!(policy.starts_with("urn:ietf:params:oauth:jti:"), "{policy}");
        assert!(person["network"].is_null());
    }
    let entities = event["entity"].as_array().context("entities")?;
    let of_role = |role: &str| entities.iter().filter(|it| it["role"]["code"] == role).count();
    let patients = usize::from(profile.starts_with("Patient"));
    assert_eq!(of_role("1"), patients, "{event}");
    let query = usize::from(kind == "Query");
    assert_eq!((of_role("24"), of_role("4")), (query, 1 - query), "{event}");
    assert_eq!(entities.iter().filter(|it| it["type"]["code"] == "XrequestId").count(), 1);
    assert!(event["recorded"].is_string() && event["source"]["observer"].is_object());
    Ok(())
}
