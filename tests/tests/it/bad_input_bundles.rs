//! Bundles and patches that are wrong or unfold. See `bad_input`.

use anyhow::Result;
use it::{Answer, Fixture};

use crate::bad_input::{alive, json, refused};

fn bundle(kind: &str, entries: &str) -> String {
    format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{entries}]}}"#)
}

fn entry(method: &str, url: &str) -> String {
    let resource = r#"{"resourceType":"Patient","id":"a"}"#;
    format!(r#"{{"request":{{"method":"{method}","url":"{url}"}},"resource":{resource}}}"#)
}

#[tokio::test]
async fn bundles_that_are_none() -> Result<()> {
    let server = Fixture::start().await?;
    let reads = vec![r#"{"request":{"method":"GET","url":"Basic/alive"}}"#; 5_001].join(",");
    let creates = vec![entry("POST", "Patient"); 5_001].join(",");
    let transaction = |entries: &str| bundle("transaction", entries);
    let foreign = entry("PUT", "http://zq7canary.example/Patient/a");
    let twice = format!("{0},{0}", entry("PUT", "Patient/a"));
    let no_body = r#"{"request":{"method":"POST","url":"Patient"}}"#;
    for (name, body, status) in [
        ("a batch of 5,001", bundle("batch", &reads), 413),
        ("a transaction of 5,001 reads", transaction(&reads), 413),
        ("a transaction of 5,001 writes", transaction(&creates), 413),
        ("another type of bundle", bundle("zq7canary", ""), 400),
        ("a patient", r#"{"resourceType":"Patient"}"#.to_owned(), 400),
        ("an entry that is no object", transaction("7"), 400),
        ("no request", transaction(r#"{"resource":{"resourceType":"Patient"}}"#), 400),
        ("a method that is none", transaction(&entry("ZQ7CANARY", "Patient")), 400),
        ("a path that is none", transaction(&entry("PUT", "../zq7canary")), 404),
        ("an absolute URL elsewhere", transaction(&foreign), 404),
        ("one resource twice", transaction(&twice), 400),
        ("no resource", transaction(no_body), 400),
        ("a body of another type", transaction(&entry("POST", "Basic")), 400),
    ] {
        refused(&server, name, json(&server.client, "POST", "", body), status).await;
    }
    let stored = server.client.get("/Patient?_summary=count").await?;
    assert_eq!(stored.at("total").map(|n| n.to_text()).as_deref(), Some("0"), "{}", stored.text);
    Ok(())
}

fn at_path(path: &str) -> String {
    format!(
        r#"{{"resourceType":"Parameters","parameter":[{{"name":"operation","part":[{{"name":"type","valueCode":"delete"}},{{"name":"path","valueString":"{path}"}}]}}]}}"#
    )
}

#[tokio::test]
async fn patches_by_path_that_unfold() -> Result<()> {
    let server = Fixture::start().await?;
    alive(&server).await;
    for (name, path, status) in [
        ("5,000 terms", format!("Basic.code{}", ".first()".repeat(5_000)), 400),
        ("1,500 terms", format!("Basic.code{}", ".first()".repeat(1_500)), 400),
        ("10,000 brackets", "(".repeat(10_000), 400),
        ("a union of 1,200", ["Basic.code"; 1_200].join("|"), 400),
        ("no path", String::new(), 400),
        ("no expression", "Basic.zq7canary(".to_owned(), 400),
        ("a function that is none", "Basic.nothing()".to_owned(), 400),
    ] {
        let request = json(&server.client, "PATCH", "/Basic/alive", at_path(&path));
        refused(&server, name, request, status).await;
    }
    Ok(())
}

#[tokio::test]
async fn patches_by_pointer_that_unfold() -> Result<()> {
    let server = Fixture::start().await?;
    alive(&server).await;
    let test = r#"{"op":"test","path":"/id","value":"alive"}"#;
    let long = format!(r#"{{"op":"remove","path":"{}"}}"#, "/a".repeat(100_000));
    let mut doubling = vec![format!(r#"{{"op":"add","path":"/x","value":"{}"}}"#, "a".repeat(64))];
    doubling.extend((0..40).map(|n| format!(r#"{{"op":"copy","from":"","path":"/c{n}"}}"#)));
    for (name, operations, status) in [
        ("1,001 operations", [test; 1_001].join(","), 413),
        ("copies of copies", doubling.join(","), 413),
        ("a long pointer", long, 422),
        ("nothing there", r#"{"op":"remove","path":"/a/7"}"#.to_owned(), 422),
        ("another value", test.replace("alive", "zq7canary"), 422),
        ("no operation", test.replace("test", "zq7canary"), 400),
        (
            "a place past the end",
            r#"{"op":"add","path":"/code/coding/9","value":{}}"#.to_owned(),
            422,
        ),
        ("another id", test.replace("test", "replace").replace("alive", "zq7canary"), 422),
    ] {
        let request = server
            .client
            .request("PATCH", "/Basic/alive")
            .header("content-type", "application/json-patch+json")
            .body(format!("[{operations}]"));
        refused(&server, name, request, status).await;
    }
    Ok(())
}

/// An entry of a few bytes may ask for a page of 800 KB: all answers together have their bound.
#[tokio::test]
async fn a_batch_reads_no_more_than_fits() -> Result<()> {
    let server = Fixture::start().await?;
    let reads = vec![r#"{"request":{"method":"GET","url":"metadata"}}"#; 400].join(",");
    let post = async |body: String| Answer::of(json(&server.client, "POST", "", body)).await;
    let answer = post(bundle("batch", &reads)).await?;
    assert_eq!(answer.status, 200);
    assert!(answer.text.len() < 33 << 20, "{}", answer.text.len());
    let refused = answer.text.matches(r#""status":"413"#).count();
    assert!(refused > 0 && refused < 400, "{refused}");
    // What writes is small, and is done wherever it stands.
    let write = r#"{"request":{"method":"PUT","url":"Patient/last"},"resource":{"resourceType":"Patient","id":"last"}}"#;
    let both = bundle("batch", &format!("{reads},{write}"));
    assert_eq!(post(both).await?.status, 200);
    assert_eq!(server.client.get("/Patient/last").await?.status, 200);
    alive(&server).await;
    Ok(())
}

/// An entry of a few bytes may find or patch a resource of megabytes: what is told of it has the same bound.
#[tokio::test]
async fn a_bundle_tells_no_more_than_fits() -> Result<()> {
    let server = Fixture::start().await?;
    let text = "a".repeat(1 << 20);
    let names: Vec<String> = (0..3).map(|_| format!(r#"{{"text":"{text}"}}"#)).collect();
    let large = format!(
        r#"{{"resourceType":"Patient","id":"p","identifier":[{{"system":"urn:x","value":"1"}}],"name":[{}]}}"#,
        names.join(",")
    );
    assert_eq!(server.client.send("PUT", "/Patient/p", &large).await?.status, 201);
    let find = r#"{"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:x|1"},"resource":{"resourceType":"Patient"}}"#;
    for kind in ["batch", "transaction"] {
        let body = bundle(kind, &vec![find; 30].join(","));
        let answer = Answer::of(json(&server.client, "POST", "", body)).await?;
        assert_eq!(answer.status, 200, "{kind}");
        assert!(answer.text.len() < 33 << 20, "{kind}: {}", answer.text.len());
        let told = answer.text.matches(r#""status":"200 OK""#).count();
        let placed = answer.text.matches("/Patient/p/_history/1").count();
        assert_eq!((told, placed), (30, 30), "{kind}");
    }
    alive(&server).await;
    Ok(())
}
