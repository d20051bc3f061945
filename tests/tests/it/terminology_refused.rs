//! Who may ask for operations on codes, what is recorded of them, and that bundles and the CapabilityStatement say the
//! same as plain requests.

use anyhow::{Context, Result};
use auth::{ClientConfig, Secret, SecretHash};
use canonical_model::Value;
use it::{Client, Fixture};

use crate::audit::Journal;
use crate::terminology::{ANIMALS, expect, told, zoo};

/// A server on which these clients may do just what their scopes say, by their ids.
async fn with_clients(scopes: &[(&str, &str)]) -> Result<(Fixture, Vec<Client>)> {
    let config = |id: &str, scope: &str| ClientConfig {
        id: id.to_owned(),
        secret: SecretHash::of(&Secret::new("s3cret".to_owned())).ok(),
        scope: scope.to_owned(),
        ..ClientConfig::default()
    };
    let configs: Vec<ClientConfig> = scopes.iter().map(|(id, scope)| config(id, scope)).collect();
    let server = Fixture::start_with(|settings| settings.clients.extend(configs)).await?;
    let mut clients = Vec::new();
    for (id, _) in scopes {
        clients.push(Client::connect(server.origin()?, id, "s3cret").await?);
    }
    Ok((server, clients))
}

const LISTED: &str = r#"{"resourceType":"ValueSet","id":"listed","status":"active","url":"http://a.example/vs/listed",
    "compose":{"include":[{"system":"http://a.example/animals"}]}}"#;

#[tokio::test]
async fn each_operation_needs_the_right_to_its_type() -> Result<()> {
    let scopes = [
        ("reads", "system/CodeSystem.r system/ValueSet.r system/ConceptMap.r"),
        ("sets", "system/ValueSet.s"),
        ("both", "system/ValueSet.s system/CodeSystem.s system/ConceptMap.s"),
        ("none", "system/Observation.cruds"),
    ];
    let (server, clients) = with_clients(&scopes).await?;
    for (path, body) in [("/CodeSystem/animals", ANIMALS), ("/ValueSet/listed", LISTED)] {
        let answer = server.client.send("PUT", path, body).await?;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    let [reads, sets, both, none] = clients.as_slice() else { anyhow::bail!("four clients") };
    let lookup = "/CodeSystem/$lookup?code=dog&system=http://a.example/animals&property=legs";
    let validate = "/CodeSystem/animals/$validate-code?code=dog";
    let subsumes = "/CodeSystem/$subsumes?codeA=dog&codeB=pug&system=http://a.example/animals";
    let expand = "/ValueSet/$expand?url=http://a.example/vs/listed&count=1";
    let published =
        "/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender&count=1";
    let translate =
        "/ConceptMap/$translate?code=dog&system=http://a.example/animals&target=http://x";
    for (path, statuses) in [
        (lookup, [403, 403, 200, 403]),
        (validate, [200, 403, 403, 403]),
        (subsumes, [403, 403, 200, 403]),
        // The value set may be searched; the code system, of which it is made, may not.
        (expand, [403, 403, 200, 403]),
        (published, [403, 200, 200, 403]),
        (translate, [403, 403, 200, 403]),
        ("/ValueSet/listed/$expand?count=1", [403, 403, 403, 403]),
        (
            "/ValueSet/$validate-code?url=http://a.example/vs/listed&code=dog&system=http://a.example/animals",
            [403, 422, 200, 403],
        ),
    ] {
        for (client, status) in [reads, sets, both, none].into_iter().zip(statuses) {
            let answer = client.get(path).await?;
            assert_eq!(answer.status, status, "{path}: {}", answer.text);
            let post = client.send("POST", path, r#"{"resourceType":"Parameters"}"#).await?;
            assert_eq!(post.status, status, "POST {path}: {}", post.text);
        }
        let nobody = server.client.anonymous().get(path).await?;
        assert_eq!(nobody.status, 401, "{path}");
    }
    // What is there and may not be searched looks as what is not there.
    let mut answers = Vec::new();
    for system in ["http://a.example/animals", "http://nowhere.example"] {
        let body = format!(
            r#"{{"resourceType":"Parameters","parameter":[{{"name":"valueSet","resource":{{"resourceType":"ValueSet","compose":{{"include":[{{"system":"{system}"}}]}}}}}}]}}"#
        );
        answers.push(told(&sets.send("POST", "/ValueSet/$expand", &body).await?));
    }
    assert_eq!(answers.first(), answers.last());
    Ok(())
}

#[tokio::test]
async fn bad_bodies_are_refused() -> Result<()> {
    let server = zoo().await?;
    for (body, expected) in [
        (
            r#"{"resourceType":"ValueSet","status":"draft"}"#,
            "400 Send the operation's parameters as a Parameters resource.",
        ),
        (
            r#"{"resourceType":"Parameters","parameter":[{"name":"url"}]}"#,
            "400 url: expected a text…",
        ),
        (
            r#"{"resourceType":"Parameters","parameter":[{"name":"valueSet","resource":{"resourceType":"Patient"}}]}"#,
            "400 valueSet: expected a ValueSet",
        ),
        (
            r#"{"resourceType":"Parameters","parameter":[{"name":"context","valueUri":"x"}]}"#,
            "400 context: it is not supported…",
        ),
        (
            r#"{"resourceType":"Parameters","parameter":[{"name":"count","valueString":"9"}]}"#,
            "400 count: expected valueInteger",
        ),
        ("[]", "400…"),
        ("{", "400…"),
    ] {
        let answer = server.client.send("POST", "/ValueSet/$expand", body).await?;
        expect(&answer, body, expected);
    }
    let form = server.client.request("POST", "/ValueSet/$expand").body("url=x");
    let answer = it::Answer::of(form.header("content-type", "application/x-www-form-urlencoded"));
    assert_eq!(answer.await?.status, 415);
    for method in ["PUT", "DELETE", "PATCH"] {
        let request = server.client.request(method, "/ValueSet/$expand");
        assert_eq!(it::Answer::of(request).await?.status, 405, "{method}");
    }
    Ok(())
}

/// A regular expression that takes others hours, and value sets that are made of each other many times over.
#[tokio::test]
async fn bombs_end_soon() -> Result<()> {
    let server = zoo().await?;
    let filter = |pattern: &str| {
        format!(
            r#"{{"resourceType":"Parameters","parameter":[{{"name":"valueSet","resource":{{"resourceType":"ValueSet","compose":{{"include":[{{"system":"http://a.example/animals","filter":[{{"property":"code","op":"regex","value":"{pattern}"}}]}}]}}}}}}]}}"#
        )
    };
    let begun = std::time::Instant::now();
    let answer = server.client.send("POST", "/ValueSet/$expand", &filter("(a*)*b|(.+)+x")).await?;
    expect(&answer, "regex", "0: ");
    let large = filter("((((.{99}){99}){99}){99})");
    expect(&server.client.send("POST", "/ValueSet/$expand", &large).await?, "regex", "422…");
    for level in 0..8 {
        let include = match level {
            0 => r#"{"system":"http://a.example/animals"}"#.to_owned(),
            _ => vec![format!(r#"{{"valueSet":["http://a.example/vs/level-{}"]}}"#, level - 1); 8]
                .join(","),
        };
        let body = format!(
            r#"{{"resourceType":"ValueSet","id":"level-{level}","status":"active","url":"http://a.example/vs/level-{level}","compose":{{"include":[{include}]}}}}"#
        );
        let put = server.client.send("PUT", &format!("/ValueSet/level-{level}"), &body).await?;
        assert_eq!(put.status, 201, "{}", put.text);
    }
    let answer = server.client.get("/ValueSet/level-7/$expand?count=1").await?;
    expect(&answer, "level-7", "8: animal");
    let path = "/ValueSet/level-7/$validate-code?code=cow&system=http://a.example/animals";
    expect(&server.client.get(path).await?, path, "422 the code was not checked…");
    assert!(begun.elapsed().as_secs() < 30, "{:?}", begun.elapsed());
    Ok(())
}

#[tokio::test]
async fn bundles_and_the_statement_have_them_too() -> Result<()> {
    let server = zoo().await?;
    let bundle = |kind: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"{kind}","entry":[
            {{"request":{{"method":"GET","url":"ValueSet/dogs/$expand?count=1"}}}},
            {{"request":{{"method":"POST","url":"CodeSystem/$subsumes"}},"resource":{{"resourceType":"Parameters","parameter":[
                {{"name":"codeA","valueCode":"dog"}},{{"name":"codeB","valueCode":"pug"}},{{"name":"system","valueUri":"http://a.example/animals"}}]}}}}]}}"#
        )
    };
    for kind in ["batch", "transaction"] {
        let answer = server.client.send("POST", "", &bundle(kind)).await?;
        let at = |path: &str| answer.text_at(path);
        assert_eq!(at("entry.0.resource.expansion.contains.0.code"), "dog", "{}", answer.text);
        assert_eq!(at("entry.1.resource.parameter.0.valueCode"), "subsumes", "{}", answer.text);
    }
    let statement = server.client.get("/metadata").await?.json()?;
    let rest = statement.get("rest").map(Value::items).unwrap_or_default();
    let types = rest.first().and_then(|it| it.get("resource")).context("no types")?.items();
    let mut listed = Vec::new();
    for kind in types {
        let name = kind.get("type").and_then(Value::as_str).unwrap_or_default();
        for operation in kind.get("operation").map(Value::items).unwrap_or_default() {
            let part = |name| operation.get(name).and_then(Value::as_str).unwrap_or_default();
            // Every type has this one.
            let on = if part("name") == "validate" { "Resource" } else { name };
            let ends = part("definition").ends_with(&format!("{on}-{}", part("name")));
            assert!(ends, "{name} {}", operation.to_text());
            listed.push(format!("{name}/${}", part("name")));
        }
    }
    for operation in [
        "CodeSystem/$lookup",
        "CodeSystem/$subsumes",
        "CodeSystem/$validate-code",
        "ConceptMap/$translate",
        "ValueSet/$expand",
        "ValueSet/$validate-code",
    ] {
        assert!(listed.iter().any(|it| it == operation), "{operation}: {listed:?}");
        // What is listed is answered, with what is wrong with a request that names nothing.
        let answer = server.client.get(&format!("/{operation}")).await?;
        assert_eq!(answer.status, 400, "{operation}: {}", answer.text);
    }
    Ok(())
}

#[tokio::test]
async fn each_is_recorded() -> Result<()> {
    let server = zoo().await?;
    let mut journal = Journal::open(&server).await?;
    journal.news("dev-backend").await?;
    let body = r#"{"resourceType":"Parameters","parameter":[{"name":"code","valueCode":"dog"}]}"#;
    server.client.get("/ValueSet/dogs/$expand?count=1").await?;
    server.client.get("/ValueSet/$expand?url=http://a.example/vs/none").await?;
    server.client.send("POST", "/CodeSystem/animals/$validate-code", body).await?;
    let news = journal.news("dev-backend").await?;
    assert_eq!(
        news,
        [
            "operation 200 ValueSet/dogs ?count=1",
            "operation 404 ValueSet ?url=http://a.example/vs/none",
            "operation 200 CodeSystem/animals",
        ]
    );
    Ok(())
}
