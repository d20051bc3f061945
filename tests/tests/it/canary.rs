//! A patient's app tries every way that there is to learn something of another patient: every route of the server,
//! every search parameter of every type that patients have resources of, includes, chains and `_has`. Two servers answer
//! alike, of which one has nothing of the other patient.
//!
//! Routes come from the server's own list, parameters from the definitions: a new one joins by itself.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use auth::Listed;
use canonical_model::ResourceType;
use conformance::{Registry, SearchParamKind};
use it::Client;
use serde_json::{Value, json};

use crate::alike::{Side, same};
use crate::canary_world::World;

/// Words of the other patient's, in whatever is free text.
const CANARY: &str = "kanari";

/// A resource of each type that patients have resources of, with a value in every element, all of this patient.
fn examples(patient: &'static str) -> BTreeMap<String, Value> {
    let word = if patient == "b" { CANARY } else { "own" };
    let world = World { id: patient, word, date: "1957-03-04", number: 4242 };
    let owned = |kind: &ResourceType| {
        // A Consent would act.
        let acts = kind.name() == "Consent";
        let has = !Registry::r4().patient_compartment(*kind).is_empty();
        !acts && (*kind == ResourceType::PATIENT || has)
    };
    let of = |kind: ResourceType| {
        let value = serde_json::from_str(&world.resource(kind)?).ok()?;
        Some((kind.name().to_owned(), value))
    };
    ResourceType::all().filter(owned).filter_map(of).collect()
}

async fn stored(client: &Client, value: &Value) -> Result<bool> {
    let part = |name: &str| value[name].as_str().unwrap_or_default();
    let path = format!("/{}/{}", part("resourceType"), part("id"));
    Ok(client.send("PUT", &path, &value.to_string()).await?.status < 300)
}

/// Two servers, the first with the other patient's record besides, and the types that this has resources of.
async fn sides() -> Result<([Side; 2], BTreeMap<String, String>)> {
    let (own, others) = (examples("a"), examples("b"));
    let claims = json!({ "scope": "patient/*.cruds", "patient": "a", "fhirUser": "Patient/a", "roles": ["patient"] });
    let sides = [Side::of(&[], &claims).await?, Side::of(&[], &claims).await?];
    let mut ids = BTreeMap::new();
    for (name, value) in &others {
        if stored(&sides[0].server.client, value).await? {
            ids.insert(name.clone(), value["id"].as_str().unwrap_or_default().to_owned());
        }
        if let Some(own) = own.get(name) {
            for side in &sides {
                stored(&side.server.client, own).await?;
            }
        }
    }
    ensure!(ids.len() > 60 && ids.contains_key("Patient"), "only {} types", ids.len());
    Ok((sides, ids))
}

/// What is asked by a parameter: what the other's resources have of it, and what it leads to.
fn by_parameter(kind: &str, id: &str) -> Result<Vec<String>> {
    let of = ResourceType::find(kind).context("a type")?;
    let owners = Registry::r4().patient_compartment(of);
    let mut paths = Vec::new();
    for param in Registry::r4().search_params(of) {
        let code = &*param.code;
        let value = match param.kind {
            SearchParamKind::Token if code == "_id" => id.to_owned(),
            SearchParamKind::Token => format!("urn:kanari|{CANARY},{CANARY}"),
            SearchParamKind::String => CANARY.to_owned(),
            SearchParamKind::Reference => "Patient/b".to_owned(),
            SearchParamKind::Date => "ge1900".to_owned(),
            SearchParamKind::Number | SearchParamKind::Quantity => "ge0".to_owned(),
            SearchParamKind::Uri => format!("http://{CANARY}.example"),
            SearchParamKind::Composite => continue,
            SearchParamKind::Special => CANARY.to_owned(),
        };
        paths.push(format!("/{kind}?{code}={value}&_total=accurate"));
        if owners.contains(&code) {
            paths.push(format!("/{kind}?{code}:missing=false&_summary=count"));
        }
        if param.kind == SearchParamKind::Reference {
            paths.push(format!("/{kind}?_include={kind}:{code}&_sort=_id"));
            if param.targets.is_empty() || param.targets.contains(&ResourceType::PATIENT) {
                paths.push(format!("/{kind}?{code}:Patient.family={CANARY}&_total=accurate"));
            }
        }
        if owners.contains(&code) {
            paths.push(format!("/Patient?_revinclude={kind}:{code}&_sort=_id"));
            paths.push(format!("/Patient?_has:{kind}:{code}:_id={id}&_total=accurate"));
        }
    }
    Ok(paths)
}

/// A route's paths: of each type with the other's id, and of that patient's compartment.
fn by_route(path: &str, ids: &BTreeMap<String, String>) -> Vec<String> {
    let fill = |kind: &str, id: &str| {
        [
            ("{type}", kind),
            ("{id}", id),
            ("{version}", "1"),
            ("{member}", "*"),
            ("{event}", "j-1-1-0"),
        ]
        .iter()
        .fold(path.to_owned(), |path, (name, value)| path.replace(name, value))
    };
    let mut paths: BTreeSet<String> = ids.iter().map(|(kind, id)| fill(kind, id)).collect();
    if path.contains("{member}") {
        let member = path.replace("{type}", "Patient").replace("{id}", "b");
        paths.extend(ids.keys().map(|kind| member.replace("{member}", kind)));
    }
    paths.into_iter().map(|path| path.replace("/fhir", "")).collect()
}

/// Asks both servers, and how often that was, and how often answered.
struct Asking {
    sides: [Side; 2],
    ids: BTreeMap<String, String>,
    asked: usize,
    answered: usize,
}

impl Asking {
    async fn begin() -> Result<Self> {
        let (sides, ids) = sides().await?;
        // The other's record is there.
        let there = sides[0].server.client.get(&format!("/Patient?family={CANARY}")).await?;
        ensure!(there.text.contains(CANARY), "{}", there.text);
        Ok(Self { sides, ids, asked: 0, answered: 0 })
    }

    async fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<()> {
        let answer = same(&self.sides, method, path, body).await?;
        self.asked += 1;
        self.answered += usize::from(answer.status == 200);
        Ok(())
    }

    /// The same of the record of accesses, which no two servers have alike: neither has anything of the other patient.
    async fn ask_record(&mut self, path: &str) -> Result<()> {
        let mut statuses = Vec::new();
        for side in &self.sides {
            let answer = side.limited.get(path).await?;
            let tells = answer.text.contains(CANARY) || answer.text.contains("\"Patient/b\"");
            ensure!(!tells, "{path}: {}", answer.text);
            statuses.push(answer.status);
        }
        assert_eq!(statuses[0], statuses[1], "{path}");
        self.asked += 1;
        Ok(())
    }

    /// That enough was asked to tell something, and that the other's record is as it was.
    async fn end(self, least: usize) -> Result<()> {
        let Self { sides, ids, asked, answered } = self;
        ensure!(asked > least && answered > asked / 4, "{answered} of {asked} were answered");
        for (kind, id) in &ids {
            let kept = sides[0].server.client.get(&format!("/{kind}/{id}")).await?;
            ensure!(kept.status == 200 && kept.version() == 1, "{kind}/{id}: {}", kept.text);
        }
        Ok(())
    }
}

#[tokio::test]
async fn no_parameter_tells_anything_of_another_patient() -> Result<()> {
    let mut asking = Asking::begin().await?;
    for (kind, id) in asking.ids.clone() {
        for path in by_parameter(&kind, &id)? {
            asking.ask("GET", &path, "").await?;
        }
    }
    asking.end(1_000).await
}

#[tokio::test]
async fn no_route_tells_anything_of_another_patient() -> Result<()> {
    let mut asking = Asking::begin().await?;
    let nothing = r#"[{"op":"test","path":"/id","value":"x"}]"#;
    // What is open says the same to everybody.
    let told = |route: &&Listed| route.path.starts_with("/fhir") && route.rule != "open";
    for route in server::routes()?.iter().filter(told) {
        let names = ["{type}", "{id}", "{member}", "{version}", "{event}"];
        let left = names.iter().fold(route.path.to_string(), |path, name| path.replace(name, ""));
        ensure!(!left.contains('{'), "{route}: say here what stands for its names");
        for path in by_route(&route.path, &asking.ids) {
            match route.method.as_str() {
                "GET" if route.rule.starts_with("record") => asking.ask_record(&path).await?,
                "GET" => asking.ask("GET", if path.is_empty() { "/" } else { &path }, "").await?,
                "POST" if path.ends_with("_search") => {
                    let form = format!("_content={CANARY}&_total=accurate");
                    asking.ask("POST", &path, &form).await?;
                    asking.ask("POST", &path, "_total=accurate&_sort=_id").await?;
                }
                "PATCH" if path.contains("/b") => asking.ask("PATCH", &path, nothing).await?,
                "DELETE" if path.contains("/b") => asking.ask("DELETE", &path, "").await?,
                // HEAD is GET without a body; creates and updates are tried by the tests of scopes.
                _ => {}
            }
        }
    }
    for (kind, id) in asking.ids.clone() {
        for path in [format!("/{kind}?identifier={CANARY}"), format!("/{kind}?_id={id}")] {
            asking.ask("DELETE", &path, "").await?;
            asking.ask("PATCH", &path, nothing).await?;
        }
        let entries = json!([
            { "request": { "method": "GET", "url": format!("{kind}/{id}") } },
            { "request": { "method": "GET", "url": format!("{kind}?_content={CANARY}") } },
            { "request": { "method": "DELETE", "url": format!("{kind}/{id}") } },
        ]);
        let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": entries });
        asking.ask("POST", "/", &bundle.to_string()).await?;
    }
    asking.end(400).await
}

/// Of each type that there is: with a rule that leads to patients it is searched, without one it is shut.
#[tokio::test]
async fn every_type_is_within_the_compartment_or_shut() -> Result<()> {
    let claims = json!({ "scope": "patient/*.cruds", "patient": "a", "fhirUser": "Patient/a", "roles": ["patient"] });
    let side = Side::of(&[r#"{"resourceType":"Patient","id":"b"}"#], &claims).await?;
    let (mut open, mut shut) = (0, 0);
    for kind in ResourceType::all() {
        let owned =
            kind == ResourceType::PATIENT || !Registry::r4().patient_compartment(kind).is_empty();
        // Roles shut some besides.
        let found = side.limited.get(&format!("/{kind}?_total=accurate")).await?;
        match (owned, found.status) {
            (false, status) => {
                assert_eq!(status, 403, "{kind}");
                shut += 1;
            }
            (true, 200) => {
                assert_eq!(
                    found.at("total").map(|it| it.to_text()).as_deref(),
                    Some("0"),
                    "{kind}"
                );
                open += 1;
            }
            (true, status) => assert_eq!(status, 403, "{kind}"),
        }
        // What no patient's is cannot be read by its name either.
        let text = format!(r#"{{"resourceType":"{kind}","id":"nobodys"}}"#);
        if kind != ResourceType::PATIENT
            && side.server.client.send("PUT", &format!("/{kind}/nobodys"), &text).await?.status
                == 201
        {
            let status = side.limited.get(&format!("/{kind}/nobodys")).await?.status;
            assert!(matches!(status, 403 | 404), "{kind}: {status}");
            assert_eq!(
                crate::alike::found_in(&side.limited.get(&format!("/{kind}")).await?),
                0,
                "{kind}"
            );
        }
    }
    ensure!(open > 40 && shut > 60, "{open} open, {shut} shut");
    Ok(())
}
