//! What hashes of 32 bits could not tell apart: chance finds nothing that was not asked for.

use std::collections::HashMap;

use anyhow::{Context, Result};
use canonical_model::ResourceType;
use it::{Answer, Fixture};
use search::Hasher;
use search::keys::{Aspect, Mark};

use crate::search::check;

/// Two texts whose marks begin alike: among some hundred thousand there are some.
fn twins(mark: impl Fn(&str) -> Mark) -> (String, String) {
    let mut seen: HashMap<i32, String> = HashMap::new();
    for n in 0.. {
        let text = format!("http://chance.example/{n}");
        let [first, _] = mark(&text);
        if let Some(other) = seen.insert(first, text.clone()) {
            return (other, text);
        }
    }
    unreachable!("numbers do not end")
}

/// The hash of a server's database.
async fn hasher(server: &Fixture) -> Result<Hasher> {
    let mut owner = server.database.connect().await?;
    let key: Vec<u8> = sqlx::query_scalar("select value from setting where name = 'hash_key'")
        .fetch_one(&mut owner)
        .await?;
    Ok(Hasher::new(key.as_slice().try_into()?))
}

async fn put(server: &Fixture, name: &str, members: &str) -> Result<()> {
    let (kind, id) = name.split_once('/').context("a type and an id")?;
    let body = format!(r#"{{"resourceType":"{kind}","id":"{id}",{members}}}"#);
    let answer = server.client.send("PUT", &format!("/{name}"), &body).await?;
    anyhow::ensure!(answer.status == 201, "{}", answer.text);
    Ok(())
}

#[tokio::test]
async fn what_begins_alike_is_not_the_same() -> Result<()> {
    let server = Fixture::start().await?;
    let hasher = hasher(&server).await?;
    let param = |kind: &str, code: &str| {
        ResourceType::find(kind).map(|kind| hasher.param(kind, code)).context("a type")
    };
    let code = param("Observation", "code")?;
    let (system, other_system) = twins(|text| hasher.system(code, text));
    let url = hasher.aspect(param("Questionnaire", "url")?, &Aspect::Below);
    let (above, other_above) = twins(|text| hasher.mark(url, text));
    let identifier = param("Patient", "identifier")?;
    let (place, other_place) = twins(|text| hasher.system_code(identifier, text, "7"));
    let requisition = param("ServiceRequest", "requisition")?;
    let (form, other_form) = twins(|text| hasher.system_code(requisition, text, "7"));

    let coding =
        format!(r#""status":"final","code":{{"coding":[{{"system":"{system}","code":"x"}}]}}"#);
    put(&server, "Observation/o", &coding).await?;
    put(&server, "Questionnaire/q", &format!(r#""status":"draft","url":"{above}/1""#)).await?;
    let numbered = format!(r#""identifier":[{{"system":"{place}","value":"7"}}]"#);
    put(&server, "Patient/p", &numbered).await?;
    let ordered = format!(
        r#""status":"active","intent":"order","subject":{{"reference":"Patient/p"}},"requisition":{{"system":"{form}","value":"7"}}"#
    );
    put(&server, "ServiceRequest/r", &ordered).await?;
    let cases = [
        (format!("ServiceRequest?requisition={form}%7C7"), "r"),
        (format!("ServiceRequest?requisition={other_form}%7C7"), ""),
        (format!("ServiceRequest?requisition={form}%7C"), "r"),
        (format!("Observation?code={system}%7C"), "o"),
        (format!("Observation?code={other_system}%7C"), ""),
        (format!("Questionnaire?url:below={above}"), "q"),
        (format!("Questionnaire?url:below={other_above}"), ""),
        (format!("Patient?identifier={place}%7C7"), "p"),
        (format!("Patient?identifier={other_place}%7C7"), ""),
        (format!("Patient?identifier={place}%7C"), "p"),
        (format!("Patient?identifier={other_place}%7C"), ""),
    ];
    let cases: Vec<(&str, &str)> =
        cases.iter().map(|(query, ids)| (query.as_str(), *ids)).collect();
    check(&server, &cases).await?;
    // Who is not there is made, and not taken for somebody else.
    let create = server.client.request("POST", "/Patient");
    let create = create.header("if-none-exist", format!("identifier={other_place}|7"));
    let create = create.header("content-type", "application/fhir+json");
    let made = Answer::of(create.body(r#"{"resourceType":"Patient"}"#)).await?;
    assert_eq!(made.status, 201, "{}", made.text);
    Ok(())
}

/// The identifiers of a system are looked up, and not sought among all.
#[tokio::test]
async fn a_system_of_identifiers_drives_a_search() -> Result<()> {
    let server = Fixture::start().await?;
    let number = |system: &str| format!(r#""identifier":[{{"system":"{system}","value":"7"}}]"#);
    put(&server, "Patient/p", &number("http://rare.example")).await?;
    put(&server, "Patient/q", &number("http://other.example")).await?;
    let query = "Patient?identifier=http://rare.example%7C";
    check(&server, &[(query, "p")]).await?;
    let told = server.client.get(&format!("/{query}&_explain=true")).await?;
    assert!(told.text.contains("one key of the index"), "{}", told.text);
    assert!(!told.text.contains("all of the type"), "{}", told.text);
    Ok(())
}
