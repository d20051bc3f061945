//! The CapabilityStatement: every search parameter of every type, with its definition.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use canonical_model::{ResourceType, Value};
use conformance::Registry;
use it::Fixture;

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).map(Value::items).unwrap_or_default()
}

fn texts<'a>(value: &'a Value, key: &str) -> Vec<&'a str> {
    list(value, key).iter().filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn every_search_parameter_has_its_definition() -> Result<()> {
    let server = Fixture::start().await?;
    let answer = server.client.get("/metadata").await?;
    let statement = answer.json()?;
    let rest = list(&statement, "rest").first().context("no rest")?;
    let by_type: BTreeMap<&str, &Value> =
        list(rest, "resource").iter().map(|one| (text(one, "type"), one)).collect();
    let mut listed = 0;
    for kind in ResourceType::all() {
        let one = by_type.get(kind.name()).with_context(|| format!("{kind} is not listed"))?;
        let params: BTreeMap<&str, &Value> =
            list(one, "searchParam").iter().map(|param| (text(param, "name"), param)).collect();
        assert_eq!(params.len(), list(one, "searchParam").len(), "{kind}: a name twice");
        for defined in Registry::r4().search_params(kind) {
            let name = &*defined.code;
            if name == "_query" {
                assert!(!params.contains_key(name), "{kind}: named queries are not answered");
                continue;
            }
            let param = params.get(name).with_context(|| format!("{kind}.{name} is not listed"))?;
            assert_eq!(text(param, "definition"), defined.url, "{kind}.{name}");
            assert_eq!(text(param, "type"), defined.kind.as_str(), "{kind}.{name}");
            assert!(!text(param, "documentation").is_empty(), "{kind}.{name}");
            listed += 1;
        }
        assert!(params.contains_key("_has") && params.contains_key("_list"), "{kind}");
    }
    assert!(listed > 2_500, "{listed}");
    let whole: Vec<&str> = list(rest, "searchParam").iter().map(|it| text(it, "name")).collect();
    for name in ["_content", "_filter", "_has", "_id", "_lastUpdated", "_list", "_profile"] {
        assert!(whole.contains(&name), "{name}: {whole:?}");
    }
    for name in ["_security", "_source", "_tag", "_type"] {
        assert!(whole.contains(&name), "{name}: {whole:?}");
    }
    assert_eq!(server.client.get("/metadata").await?.text, answer.text);
    Ok(())
}

#[tokio::test]
async fn says_what_can_be_included() -> Result<()> {
    let server = Fixture::start().await?;
    let statement = server.client.get("/metadata").await?.json()?;
    let rest = list(&statement, "rest").first().context("no rest")?;
    let of = |kind: &str| list(rest, "resource").iter().find(|one| text(one, "type") == kind);
    let (patient, observation) = (of("Patient").context("Patient")?, of("Observation"));
    let observation = observation.context("Observation")?;
    let includes = texts(observation, "searchInclude");
    let back = texts(patient, "searchRevInclude");
    for name in ["*", "Observation:subject", "Observation:patient", "Observation:encounter"] {
        assert!(includes.contains(&name), "{name}: {includes:?}");
    }
    for name in ["*", "Observation:subject", "Observation:patient", "Encounter:subject"] {
        assert!(back.contains(&name), "{name}: {back:?}");
    }
    assert!(!includes.contains(&"Observation:code"), "no reference");
    assert!(!back.contains(&"Observation:encounter"), "leads elsewhere");
    // What is listed is answered.
    for (kind, parameter, names) in
        [("Observation", "_include", &includes), ("Patient", "_revinclude", &back)]
    {
        for name in names {
            let path = format!("/{kind}?{parameter}={name}&_id=none");
            let answer = server.client.get(&path).await?;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        }
    }
    let patients = list(patient, "searchParam").iter().find(|it| text(it, "name") == "name");
    let said = text(patients.context("name")?, "documentation");
    assert!(said.contains("string fields in the HumanName"), "{said}");
    let birthdate = list(patient, "searchParam").iter().find(|it| text(it, "name") == "birthdate");
    assert_eq!(
        text(birthdate.context("birthdate")?, "documentation"),
        "The patient's date of birth"
    );
    Ok(())
}
