//! Input that is wrong, hostile or too large: a 4xx with an OperationOutcome that repeats none of
//! it, and the same process goes on. This file: resources. Others: queries, the wire, bombs.

use anyhow::Result;
use it::{Answer, Client, Fixture};
use reqwest::RequestBuilder;

/// Stands for what must not come back: a value of the sender's.
pub(crate) const CANARY: &str = "zq7canary";

/// Sends a request that must be refused, then one that must not.
pub(crate) async fn refused(server: &Fixture, name: &str, request: RequestBuilder, status: u16) {
    let answer = Answer::of(request).await;
    let answer = answer.unwrap_or_else(|fault| panic!("{name}: no answer: {fault:#}"));
    assert_eq!(answer.status, status, "{name}: {}", answer.text);
    check_outcome(name, &answer.text);
    alive(server).await;
}

pub(crate) fn check_outcome(name: &str, body: &str) {
    assert!(body.starts_with(r#"{"resourceType":"OperationOutcome""#), "{name}: {body}");
    assert!(body.contains(r#""diagnostics":""#), "{name}: {body}");
    assert!(!body.to_ascii_lowercase().contains(CANARY), "{name}: an echo in {body}");
    for leak in ["select ", "postgres", "sqlx", ".rs:", "panicked"] {
        assert!(!body.contains(leak), "{name}: `{leak}` in {body}");
    }
}

/// The server still does its work.
pub(crate) async fn alive(server: &Fixture) {
    let text = r#"{"resourceType":"Basic","id":"alive","code":{"text":"x"}}"#;
    let put = server.client.send("PUT", "/Basic/alive", text).await.expect("an answer");
    assert!(matches!(put.status, 200 | 201), "{}", put.text);
    let read = server.client.get("/Basic/alive").await.expect("an answer");
    assert_eq!(read.status, 200, "{}", read.text);
}

pub(crate) fn json(
    client: &Client,
    method: &str,
    path: &str,
    body: impl Into<Vec<u8>>,
) -> RequestBuilder {
    client.request(method, path).header("content-type", "application/fhir+json").body(body.into())
}

/// What it is, the body of a create, and the status of the refusal.
type Case = (&'static str, Vec<u8>, u16);

fn patient(member: &str) -> Vec<u8> {
    format!(r#"{{"resourceType":"Patient",{member}}}"#).into_bytes()
}

/// A string member around raw bytes.
fn raw(bytes: &[u8]) -> Vec<u8> {
    [br#"{"resourceType":"Patient","language":"zq7canary"#, bytes, br#""}"#].concat()
}

fn whole(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn depths() -> Vec<Case> {
    let nest = |open: &str, n: usize| patient(&format!(r#""extension":{}"#, open.repeat(n)));
    let closed = format!(r#""x":{}{}"#, "[".repeat(1000), "]".repeat(1000));
    let contained = r#"[{"resourceType":"Patient","contained":"#;
    let members: String = (0..2_000).map(|n| format!(r#","m{n}":"{CANARY}""#)).collect();
    vec![
        ("arrays 100,000 deep", nest("[", 100_000), 400),
        ("objects 100,000 deep", nest(r#"{"extension":"#, 100_000), 400),
        ("closed arrays 1,000 deep", patient(&closed), 400),
        ("contained 70 deep", nest(contained, 70), 400),
        ("2,000 members", patient(members.trim_start_matches(',')), 400),
    ]
}

fn numbers() -> Vec<Case> {
    let number = |text: &str| patient(&format!(r#""multipleBirthInteger":{text}"#));
    vec![
        ("400 digits", number(&"9".repeat(400)), 400),
        ("an exponent of 99999", number("1e99999"), 400),
        ("an exponent that overflows", number("1e-99999999999999999999"), 400),
        ("no number", number("NaN"), 400),
        ("another language's number", number("0x10"), 400),
        ("a leading zero", number("01"), 400),
        ("a bare point", number("1."), 400),
        ("a plus", number("+1"), 400),
        ("a decimal for an integer", number("1.5"), 422),
        ("an integer out of range", number("2147483648"), 422),
    ]
}

fn texts() -> Vec<Case> {
    let utf16 = r#"{"resourceType":"Patient"}"#.encode_utf16().flat_map(u16::to_le_bytes);
    vec![
        ("a raw NUL", raw(b"\0"), 400),
        ("an escaped NUL", raw(b"\\u0000"), 400),
        ("a NUL in a name", patient(r#""a\u0000":1"#), 400),
        ("a raw control character", raw(b"\x1b"), 400),
        ("a lone high surrogate", raw(b"\\ud800"), 400),
        ("a lone low surrogate", raw(b"\\udc00x"), 400),
        ("surrogates the wrong way round", raw(b"\\udc00\\ud800"), 400),
        ("a surrogate in UTF-8", raw(b"\xed\xa0\x80"), 400),
        ("invalid UTF-8", raw(b"\xff\xfe"), 400),
        ("an overlong encoding", raw(b"\xc0\xaf"), 400),
        ("cut UTF-8", raw(b"\xe2\x82"), 400),
        ("UTF-16", utf16.collect(), 400),
        ("an unknown escape", raw(b"\\x"), 400),
    ]
}

fn shapes() -> Vec<Case> {
    vec![
        ("a member twice", patient(r#""language":"zq7canary","language":"en""#), 400),
        ("a member twice, escaped", patient(r#""gender":"male","g\u0065nder":"female""#), 400),
        ("the type twice", patient(r#""resourceType":"Patient""#), 400),
        ("two values", whole(r#"{"resourceType":"Patient"} {}"#), 400),
        ("cut off", whole(r#"{"resourceType":"Patient""#), 400),
        ("a comment", whole(r#"{"resourceType":"Patient" /* zq7canary */}"#), 400),
        ("a trailing comma", whole(r#"{"resourceType":"Patient",}"#), 400),
        ("nothing", Vec::new(), 400),
        ("white space", whole(" \n "), 400),
        ("an array", whole("[]"), 400),
        ("a string", whole(r#""zq7canary""#), 400),
        ("no type", whole(r#"{"id":"zq7canary"}"#), 400),
        ("a type that is no string", whole(r#"{"resourceType":7}"#), 400),
        ("an unknown type", whole(r#"{"resourceType":"Zq7canary"}"#), 400),
        ("another type", whole(r#"{"resourceType":"Basic","code":{"text":"x"}}"#), 400),
        ("an id that is no string", patient(r#""id":7"#), 400),
        ("an illegal id", patient(r#""id":"zq7canary/../x""#), 400),
        ("an id of 65 characters", patient(&format!(r#""id":"{}""#, "a".repeat(65))), 400),
    ]
}

fn contents() -> Vec<Case> {
    let narrative = |inner: &str| {
        let div = r#"<div xmlns=\"http://www.w3.org/1999/xhtml\">"#;
        patient(&format!(r#""text":{{"status":"generated","div":"{div}{inner}</div>"}}"#))
    };
    let external = r#""text":{"status":"generated","div":"<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><div xmlns=\"http://www.w3.org/1999/xhtml\">&a;</div>"}"#;
    let reference = r#""generalPractitioner":[{"reference":"Zq7/zq7canary x"}]"#;
    vec![
        ("an unknown element", patient(r#""zq7":"zq7canary""#), 422),
        ("a wrong code", patient(r#""gender":"zq7canary""#), 422),
        ("a wrong date", patient(r#""birthDate":"zq7canary""#), 422),
        ("the 30th of February", patient(r#""birthDate":"2024-02-30""#), 422),
        ("a wrong reference", patient(reference), 422),
        ("a script in the narrative", narrative("<script>zq7canary</script>"), 422),
        ("an event in the narrative", narrative(r#"<b onclick=\"zq7canary\">x</b>"#), 422),
        ("a link that runs", narrative(r#"<a href=\"\u0001javascript:alert(1)\">x</a>"#), 422),
        ("an external entity", patient(external), 422),
        ("elements 100,000 deep", narrative(&"<b>".repeat(100_000)), 422),
    ]
}

#[tokio::test]
async fn resources_that_cannot_be_stored() -> Result<()> {
    let server = Fixture::start().await?;
    let cases = [depths(), numbers(), texts(), shapes(), contents()];
    for (name, body, status) in cases.into_iter().flatten() {
        refused(&server, name, json(&server.client, "POST", "/Patient", body), status).await;
    }
    let stored = server.client.get("/Patient?_summary=count").await?;
    assert_eq!(stored.at("total").map(|n| n.to_text()).as_deref(), Some("0"), "{}", stored.text);
    Ok(())
}

#[tokio::test]
async fn requests_that_contradict_themselves() -> Result<()> {
    let server = Fixture::start().await?;
    let plain = r#"{"resourceType":"Patient"}"#;
    let own = r#"{"resourceType":"Patient","id":"a"}"#;
    let client = &server.client;
    let post =
        |name: &str, value: &str| json(client, "POST", "/Patient", plain).header(name, value);
    let put = |name: &str, value: &str| json(client, "PUT", "/Patient/a", own).header(name, value);
    let bare = || client.request("POST", "/Patient").body(plain);
    let media = |media: &str| bare().header("content-type", media);
    let merge = client.request("PATCH", "/Basic/alive").body("{}");
    let xml = media("application/fhir+xml").header("accept", "application/fhir+json");
    let html = client.request("GET", "/Patient").header("accept", "text/html");
    for (name, request, status) in [
        ("another id", json(client, "PUT", "/Patient/zq7canary", own), 400),
        ("no id", json(client, "PUT", "/Patient/a", plain), 400),
        ("a type that is unknown", json(client, "PUT", "/Zq7canary/a", own), 404),
        ("a type in lower case", json(client, "POST", "/patient", plain), 404),
        ("an id with a space", json(client, "PUT", "/Patient/a%20b", own), 400),
        ("a method that is none", json(client, "ZQ7CANARY", "/Patient", plain), 405),
        ("If-Match without quotes", put("if-match", "zq7canary"), 400),
        ("If-Match of what is not there", put("if-match", "W/\"7\""), 412),
        ("If-None-Exist that is no query", post("if-none-exist", "zq7%zz"), 400),
        ("If-None-Exist of everything", post("if-none-exist", ""), 412),
        ("text", media("text/plain"), 415),
        ("JSON as XML", xml, 400),
        ("a form", media("application/x-www-form-urlencoded"), 415),
        ("another alphabet", media("application/fhir+json; charset=utf-16"), 415),
        ("no content type", bare(), 415),
        (
            "another kind of patch",
            merge.header("content-type", "application/merge-patch+json"),
            415,
        ),
        ("HTML wanted", html, 406),
        ("another encoding", post("content-encoding", "br"), 415),
        ("not what the encoding says", post("content-encoding", "gzip"), 400),
        ("two encodings", post("content-encoding", "gzip, gzip"), 415),
    ] {
        refused(&server, name, request, status).await;
    }
    Ok(())
}
