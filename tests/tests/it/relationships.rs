//! Whom users reach to whom they stand in a relationship: those whom they treat, and those of their organisation.

use anyhow::Result;
use canonical_model::date::format_instant;
use it::{Answer, Client, Fixture, Signer};
use serde_json::{Value, json};
use telemetry::Clock;

use crate::alike::{LAB, found_in, observation, put};
use crate::search::ids;

struct World {
    server: Fixture,
    signer: Signer,
    clock: Clock,
}

/// A day before or after today, as a date.
fn day(days: i64) -> String {
    let at = format_instant(Clock::system().millis() + days * 86_400_000);
    at.split('T').next().unwrap_or_default().to_owned()
}

fn patient(id: &str, rest: &str) -> String {
    format!(r#"{{"resourceType":"Patient","id":"{id}"{rest}}}"#)
}

/// Who brings a user and a patient together, each named after what it is.
fn all() -> Vec<String> {
    let mut all = vec![
        r#"{"resourceType":"PractitionerRole","id":"r","active":true,"practitioner":{"reference":"Practitioner/d"}}"#.to_owned(),
        r#"{"resourceType":"PractitionerRole","id":"old","active":false,"practitioner":{"reference":"Practitioner/d"}}"#.to_owned(),
    ];
    for (id, rest) in [
        ("general", r#","generalPractitioner":[{"reference":"Practitioner/d"}]"#),
        ("role", r#","generalPractitioner":[{"reference":"PractitionerRole/r"}]"#),
        ("oldrole", r#","generalPractitioner":[{"reference":"PractitionerRole/old"}]"#),
        ("org", r#","managingOrganization":{"reference":"Organization/o"}"#),
        ("other", r#","managingOrganization":{"reference":"Organization/d"}"#),
    ] {
        all.push(patient(id, rest));
    }
    let team = |id: &str, status: &str, rest: &str| {
        format!(
            r#"{{"resourceType":"CareTeam","id":"{id}","status":"{status}","subject":{{"reference":"Patient/{id}"}},
                "participant":[{{"member":{{"reference":"Practitioner/d"}}}}]{rest}}}"#
        )
    };
    let over = format!(r#","period":{{"start":"2020-01-01","end":"{}"}}"#, day(-2));
    let going_on = r#","period":{"start":"2020-01-01"}"#;
    for (id, status, rest) in [
        ("team", "active", ""),
        ("teamnow", "active", going_on),
        ("teamover", "active", &over),
        ("teamout", "inactive", ""),
    ] {
        all.extend([patient(id, ""), team(id, status, rest)]);
    }
    let encounter = |id: &str, status: &str, end: Option<i64>| {
        let end = end.map(|end| format!(r#","end":"{}""#, day(end))).unwrap_or_default();
        format!(
            r#"{{"resourceType":"Encounter","id":"{id}","status":"{status}","class":{{"code":"AMB"}},
                "subject":{{"reference":"Patient/{id}"}},"period":{{"start":"2020-01-01"{end}}},
                "participant":[{{"individual":{{"reference":"Practitioner/d"}}}}]}}"#
        )
    };
    for (id, status, end) in [
        ("visit", "in-progress", None),
        ("seen", "finished", Some(-9)),
        ("seenlong", "finished", Some(-90)),
        ("never", "cancelled", None),
    ] {
        all.extend([patient(id, ""), encounter(id, status, end)]);
    }
    let appointment = |id: &str, status: &str, days: i64| {
        let at = format!("{}T10:00:00Z", day(days));
        format!(
            r#"{{"resourceType":"Appointment","id":"{id}","status":"{status}","start":"{at}","end":"{at}","participant":[
                {{"actor":{{"reference":"Patient/{id}"}},"status":"accepted"}},
                {{"actor":{{"reference":"Practitioner/d"}},"status":"accepted"}}]}}"#
        )
    };
    for (id, status, days) in
        [("soon", "booked", 3), ("far", "booked", 300), ("off", "cancelled", 3)]
    {
        all.extend([patient(id, ""), appointment(id, status, days)]);
    }
    all
}

/// Those whom Practitioner/d treats.
const TREATED: &str = "general,role,seen,soon,team,teamnow,visit";
const NOT: [&str; 9] =
    ["far", "never", "off", "oldrole", "org", "other", "seenlong", "teamout", "teamover"];

impl World {
    async fn made() -> Result<Self> {
        let (signer, clock) = (Signer::create()?, Clock::manual(Clock::system().now()));
        let file = signer.file.clone();
        let of_server = clock.clone();
        let server = Fixture::start_with(|settings| {
            settings.auth.signing_key = Some(file);
            settings.clock = of_server;
        })
        .await?;
        for text in all() {
            put(&server.client, &text).await?;
        }
        for id in TREATED.split(',').chain(NOT) {
            let text =
                observation(&format!("o-{id}"), LAB).replace("Patient/p", &format!("Patient/{id}"));
            put(&server.client, &text).await?;
        }
        Ok(Self { server, signer, clock })
    }

    fn user(&self, role: &str, orgs: &[&str]) -> Result<Client> {
        self.bearing(&json!({ "scope": "user/*.cruds", "fhirUser": "Practitioner/d", "roles": [role], "orgs": orgs }))
    }

    fn bearing(&self, claims: &Value) -> Result<Client> {
        Ok(self.server.client.bearing(self.signer.token(self.server.origin()?, claims)?))
    }
}

#[tokio::test]
async fn a_clinician_reaches_whom_they_treat() -> Result<()> {
    let world = World::made().await?;
    let clinician = world.user("clinician", &["o"])?;
    let found = ids(&clinician.get("/Patient?_sort=_id&_total=accurate").await?);
    assert_eq!(found, TREATED);
    let observations: Vec<String> = TREATED.split(',').map(|id| format!("o-{id}")).collect();
    let all = clinician.get("/Observation?_sort=_id&_total=accurate").await?;
    assert_eq!(
        (ids(&all), all.at("total").map(|it| it.to_text())),
        (observations.join(","), Some("7".into()))
    );
    let counted = clinician.get("/Observation?_summary=count").await?;
    assert_eq!(counted.at("total").map(|it| it.to_text()).as_deref(), Some("7"));
    let history = clinician.get("/Observation/_history?_count=100").await?;
    assert_eq!(history.entries().len(), 7, "{}", history.text);
    for id in TREATED.split(',') {
        for path in [
            format!("/Patient/{id}"),
            format!("/Observation/o-{id}"),
            format!("/Patient/{id}/_history"),
        ] {
            assert_eq!(clinician.get(&path).await?.status, 200, "{path}");
        }
        let compartment = clinician.get(&format!("/Patient/{id}/Observation")).await?;
        assert_eq!(found_in(&compartment), 1, "{id}");
    }
    for id in NOT {
        for path in [
            format!("/Patient/{id}"),
            format!("/Observation/o-{id}"),
            format!("/Observation/o-{id}/_history"),
            format!("/Observation/o-{id}/_history/1"),
        ] {
            assert_eq!(clinician.get(&path).await?.status, 404, "{path}");
        }
        let found =
            clinician.get(&format!("/Patient?_id={id}&_revinclude=Observation:subject")).await?;
        assert_eq!(found_in(&found), 0, "{id}: {}", found.text);
        let through = clinician.get(&format!("/Observation?subject:Patient._id={id}")).await?;
        assert_eq!(found_in(&through), 0, "{id}: {}", through.text);
    }
    // An app that is launched for one patient reaches that one, if they are treated.
    for (id, status) in [("team", 200), ("general", 200), ("teamout", 404), ("org", 404)] {
        let app = world.bearing(
            &json!({ "scope": "patient/*.rs", "patient": id, "fhirUser": "Practitioner/d",
            "roles": ["clinician"] }),
        )?;
        assert_eq!(app.get(&format!("/Patient/{id}")).await?.status, status, "{id}");
        assert_eq!(app.get("/Patient/visit").await?.status, 404, "{id}");
        let expected = if status == 200 { 1 } else { 0 };
        assert_eq!(found_in(&app.get("/Observation").await?), expected, "{id}");
    }
    Ok(())
}

async fn send(client: &Client, method: &str, path: &str, body: &str) -> Result<Answer> {
    client.send(method, path, body).await
}

#[tokio::test]
async fn nobody_gains_a_relationship_by_writing_one() -> Result<()> {
    let world = World::made().await?;
    let clinician = world.user("clinician", &["o"])?;
    let of = |id: &str, patient: &str| {
        observation(id, LAB).replace("Patient/p", &format!("Patient/{patient}"))
    };
    let team = r#"{"resourceType":"CareTeam","status":"active","subject":{"reference":"Patient/far"},"participant":[{"member":{"reference":"Practitioner/d"}}]}"#;
    let gp = patient("far", r#","generalPractitioner":[{"reference":"Practitioner/d"}]"#);
    for (method, path, body, status) in [
        ("POST", "/Observation", of("", "team"), 201),
        ("POST", "/Observation", of("", "general"), 201),
        ("POST", "/Observation", of("", "role"), 201),
        ("POST", "/Observation", of("", "far"), 403),
        ("POST", "/Observation", of("", "org"), 403),
        ("PUT", "/Observation/o-general", of("o-general", "team"), 200),
        ("PUT", "/Observation/o-team", of("o-team", "far"), 403),
        ("PUT", "/Observation/o-far", of("o-far", "team"), 403),
        ("POST", "/CareTeam", team.to_owned(), 403),
        ("PUT", "/Patient/far", gp.clone(), 403),
        // Under an id that its writer chose there may be more than they know of.
        ("PUT", "/Patient/new", gp.replace("far", "new"), 403),
        ("POST", "/Patient", gp.replace(r#""id":"far","#, ""), 201),
        ("POST", "/Patient", r#"{"resourceType":"Patient"}"#.to_owned(), 403),
        (
            "POST",
            "/Patient",
            r#"{"resourceType":"Patient","generalPractitioner":[{"reference":"Practitioner/d"}],"link":[{"type":"seealso","other":{"reference":"Patient/far"}}]}"#.to_owned(),
            403,
        ),
    ] {
        let answer = send(&clinician, method, path, &body).await?;
        assert_eq!(answer.status, status, "{method} {path} {body}: {}", answer.text);
        if answer.status == 201 && path == "/Patient" {
            assert_eq!(clinician.get(&format!("/Patient/{}", answer.id())).await?.status, 200);
        }
    }
    let entry = |patient: &str| {
        let resource: Value = serde_json::from_str(&of("", patient)).unwrap_or_default();
        json!({ "resource": resource, "request": { "method": "POST", "url": "Observation" } })
    };
    for (patients, status) in
        [(vec!["team", "general"], 200), (vec!["general", "far"], 403), (vec!["org"], 403)]
    {
        let entries: Vec<Value> = patients.iter().map(|id| entry(id)).collect();
        // Once as one statement, once with another entry that takes locks.
        for more in
            [vec![], vec![json!({ "request": { "method": "DELETE", "url": "Observation/none" } })]]
        {
            let all = [entries.clone(), more].concat();
            let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": all });
            let answer = send(&clinician, "POST", "/", &bundle.to_string()).await?;
            assert_eq!(answer.status, status, "{patients:?}: {}", answer.text);
        }
    }
    assert_eq!(clinician.get("/Patient/far").await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn the_front_desk_reaches_patients_of_its_organisation() -> Result<()> {
    let world = World::made().await?;
    for (role, orgs, found) in [
        ("front-desk", &["o"][..], "org"),
        ("front-desk", &["o", "d"], "org,other"),
        ("front-desk", &[], ""),
        ("billing", &["o"], "org"),
        ("care-coordinator", &["o"], "general,org,role,seen,soon,team,teamnow,visit"),
        ("clinician", &["o"], TREATED),
    ] {
        let user = world.user(role, orgs)?;
        assert_eq!(ids(&user.get("/Patient?_sort=_id").await?), found, "{role} {orgs:?}");
    }
    let desk = world.user("front-desk", &["o"])?;
    assert_eq!(desk.get("/Observation/o-org").await?.status, 403);
    let managed =
        r#"{"resourceType":"Patient","managingOrganization":{"reference":"Organization/o"}}"#;
    let registered = send(&desk, "POST", "/Patient", managed).await?;
    assert_eq!(registered.status, 201, "{}", registered.text);
    let path = format!("/Patient/{}", registered.id());
    assert_eq!(desk.get(&path).await?.status, 200);
    let elsewhere = managed.replace("Organization/o", "Organization/d");
    assert_eq!(send(&desk, "POST", "/Patient", &elsewhere).await?.status, 403);
    Ok(())
}

/// Who is taken from the team is shut out within seconds, and whoever joins it is let in.
#[tokio::test]
async fn a_relationship_ends_within_seconds() -> Result<()> {
    let world = World::made().await?;
    let clinician = world.user("clinician", &[])?;
    assert_eq!(clinician.get("/Patient/team").await?.status, 200);
    assert_eq!(clinician.get("/Patient/teamout").await?.status, 404);
    for text in all().iter().filter(|text| text.contains("CareTeam")) {
        let text =
            text.replace(r#""inactive""#, r#""swapped""#).replace(r#""active""#, r#""inactive""#);
        put(&world.server.client, &text.replace(r#""swapped""#, r#""active""#)).await?;
    }
    world.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(clinician.get("/Patient/team").await?.status, 404);
    assert_eq!(clinician.get("/Patient/teamout").await?.status, 200);
    Ok(())
}

/// Many are looked up in another way than few; what belongs to several of them, or to none, is told apart all the same.
#[tokio::test]
async fn many_patients_are_reached_as_few_are() -> Result<()> {
    let world = World::made().await?;
    let whole = &world.server.client;
    for n in 0..20 {
        put(whole, &patient(&format!("m{n}"), "")).await?;
        let visit = format!(
            r#"{{"resourceType":"Encounter","id":"m{n}","status":"in-progress","class":{{"code":"AMB"}},
                "subject":{{"reference":"Patient/m{n}"}},
                "participant":[{{"individual":{{"reference":"Practitioner/d"}}}}]}}"#
        );
        put(whole, &visit).await?;
    }
    let appointment = |id: &str, actors: &[&str]| {
        let actors = actors
            .iter()
            .map(|actor| format!(r#"{{"actor":{{"reference":"{actor}"}},"status":"accepted"}}"#));
        let actors: Vec<String> = actors.collect();
        let all = actors.join(",");
        format!(
            r#"{{"resourceType":"Appointment","id":"{id}","status":"proposed","participant":[{all}]}}"#
        )
    };
    for text in [
        appointment("both", &["Patient/far", "Patient/m7"]),
        appointment("known", &["Patient/m6", "Patient/m7"]),
        appointment("neither", &["Patient/far", "Patient/off"]),
        appointment("nobody", &["Location/l"]),
    ] {
        put(whole, &text).await?;
    }
    let clinician = world.user("clinician", &[])?;
    let all = clinician.get("/Patient?_summary=count").await?;
    assert_eq!(all.at("total").map(|it| it.to_text()).as_deref(), Some("27"));
    assert_eq!(ids(&clinician.get("/Appointment?_id=both,neither,nobody").await?), "both");
    for (method, path, body, status) in [
        ("GET", "/Appointment/both", String::new(), 200),
        ("GET", "/Appointment/neither", String::new(), 404),
        ("GET", "/Appointment/nobody", String::new(), 404),
        ("PUT", "/Appointment/nobody", appointment("nobody", &["Patient/m7"]), 403),
        // Of one of the two the clinician knows nothing: it is read, and not taken from them.
        ("PUT", "/Appointment/both", appointment("both", &["Patient/m7"]), 403),
        ("PUT", "/Appointment/known", appointment("known", &["Patient/m7"]), 200),
        ("PUT", "/Appointment/both", appointment("both", &["Patient/far", "Patient/m7"]), 403),
    ] {
        let answer = match method {
            "GET" => clinician.get(path).await?,
            _ => send(&clinician, method, path, &body).await?,
        };
        assert_eq!(answer.status, status, "{method} {path} {body}: {}", answer.text);
    }
    Ok(())
}
