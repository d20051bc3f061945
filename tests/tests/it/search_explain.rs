//! `_explain` tells an operator how a search is answered, and nobody else.

use anyhow::Result;
use auth::{ClientConfig, Secret, SecretHash};
use it::ledger::binary;
use it::{Answer, Client, Fixture};
use tokio::process::Command;

use crate::search_values::holding;

/// Each parameter of the answer of this name.
fn told(answer: &Answer, name: &str) -> Vec<String> {
    let text = |parameter: &canonical_model::Value, part: &str| {
        parameter.get(part).and_then(|text| text.as_str()).unwrap_or_default().to_owned()
    };
    let all = answer.at("parameter").map(|all| all.items().to_vec()).unwrap_or_default();
    all.iter().filter(|it| text(it, "name") == name).map(|it| text(it, "valueString")).collect()
}

#[tokio::test]
async fn an_operator_is_told() -> Result<()> {
    let server = holding(&[
        r#"{"resourceType":"Patient","id":"p","name":[{"family":"Geheim"}],"gender":"male"}"#,
        r#"{"resourceType":"Patient","id":"q","name":[{"family":"Other"}],"gender":"male"}"#,
    ])
    .await?;
    let client = &server.client;
    for path in ["/Patient?gender=male&_explain=true", "?_type=Patient,Group&_tag=x&_explain=true"]
    {
        let answer = client.get(path).await?;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.text_at("resourceType"), "Parameters");
        for name in ["expression", "driver", "sql", "account"] {
            assert!(!told(&answer, name).is_empty(), "{path} {name}: {}", answer.text);
        }
        assert!(told(&answer, "account").iter().any(|line| line.contains("Execution Time")));
        assert!(told(&answer, "sql").iter().all(|sql| sql.contains("$1")), "{}", answer.text);
        assert!(!answer.text.contains("Geheim") && !answer.text.to_lowercase().contains("geheim"));
    }
    let plain = client.get("/Patient?gender=male&_explain=false").await?;
    assert_eq!(plain.text_at("resourceType"), "Bundle", "{}", plain.text);
    for (method, path, status) in [
        ("GET", "/Patient?gender=male&_explain=perhaps", 400),
        ("GET", "/Patient?birthdate=x&_explain=true", 400),
        // Not a search: nothing is deleted because an explanation was asked for.
        ("DELETE", "/Patient?gender=male&_explain=true", 400),
    ] {
        let answer = client.send(method, path, "").await?;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
    }
    assert_eq!(client.get("/Patient?gender=male").await?.entries().len(), 2);
    let batch = r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient?gender=male&_explain=true"}}]}"#;
    let answer = client.send("POST", "", batch).await?;
    assert_eq!(answer.text_at("entry.0.resource.resourceType"), "Parameters", "{}", answer.text);
    Ok(())
}

#[tokio::test]
async fn nobody_else_is() -> Result<()> {
    const SCOPES: [&str; 3] = [
        "system/*.rs",
        "system/Patient.cruds system/Observation.cruds",
        "system/Patient.cruds?gender=male",
    ];
    let server = Fixture::start_with(|settings| {
        settings.clients.extend(SCOPES.iter().enumerate().map(|(n, scope)| ClientConfig {
            id: format!("client-{n}"),
            secret: Some(SecretHash::of(&Secret::new("s3cret".to_owned())).expect("random")),
            scope: (*scope).to_owned(),
            ..ClientConfig::default()
        }));
    })
    .await?;
    for (n, scope) in SCOPES.iter().enumerate() {
        let client = Client::connect(server.origin()?, &format!("client-{n}"), "s3cret").await?;
        let answer = client.get("/Patient?gender=male&_explain=true").await?;
        assert_eq!(answer.status, 403, "{scope}: {}", answer.text);
        assert!(!answer.text.contains("select"), "{}", answer.text);
    }
    Ok(())
}

/// On the command line a search may be written as it stands in a log or an address bar.
#[tokio::test]
async fn an_operator_asks_on_the_command_line() -> Result<()> {
    let server =
        holding(&[r#"{"resourceType":"Patient","id":"p","name":[{"family":"A"}]}"#]).await?;
    let explain = async |search: &str| -> Result<(bool, String)> {
        let mut command = Command::new(binary()?);
        command.args(["admin", "explain", search]);
        command.env("CAREBRIDGE_DATABASE_URL", &server.database.url);
        let output = command.output().await?;
        let told = [output.stdout, output.stderr].concat();
        Ok((output.status.success(), String::from_utf8(told)?))
    };
    for search in [
        "Patient?family=a",
        "/fhir/Patient?family=a&_explain=true",
        "https://fhir.example.org/fhir/Patient?family=a",
        "Patient/_search?family=a",
        "/fhir/Patient/p/Observation?subject.family=a",
    ] {
        let (good, told) = explain(search).await?;
        assert!(good && told.contains("Patient.family"), "{search}: {told}");
        assert!(told.contains("Patient.family (string) begins with \"a\""), "{search}: {told}");
        let printed = told.split("SQL\n").next().unwrap_or_default();
        for debug in ["Param(", "And(", "Text(", "Lead {", "Set {"] {
            assert!(!printed.contains(debug), "{search}: {told}");
        }
    }
    for (search, said) in [
        ("Nosuch?family=a", "`Nosuch` is no resource type"),
        ("?_type=Patient", "Name a search of one type"),
        ("https://fhir.example.org/fhir/Patient?_page=abc", "explain the search itself"),
    ] {
        let (good, told) = explain(search).await?;
        assert!(!good && told.contains(said), "{search}: {told}");
    }
    Ok(())
}
