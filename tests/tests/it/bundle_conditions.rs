//! A condition that is wrong is named as the member of the entry that holds it, and as the header of a plain
//! request. <https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.request>

use anyhow::Result;
use it::{Answer, Fixture};

/// A method, a URL, a condition as a member and as a header, its value, and the status.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str, u16);

const EXIST: (&str, &str) = ("ifNoneExist", "If-None-Exist");
const MATCH: (&str, &str) = ("ifMatch", "If-Match");
const NONE_MATCH: (&str, &str) = ("ifNoneMatch", "If-None-Match");

const fn case(
    (method, url): (&'static str, &'static str),
    (member, header): (&'static str, &'static str),
    value: &'static str,
    status: u16,
) -> Case {
    (method, url, member, header, value, status)
}

const CASES: [Case; 15] = [
    case(("POST", "Patient"), EXIST, "famly=x", 400),
    case(("POST", "Patient"), EXIST, "family:nonsense=x", 400),
    case(("POST", "Patient"), EXIST, "family=%zz", 400),
    case(("POST", "Patient"), EXIST, "_count=1", 412),
    case(("POST", "Patient"), EXIST, "gender=female", 412),
    case(("PUT", "Patient/a"), MATCH, "nonsense", 400),
    case(("PUT", "Patient/a"), MATCH, "W/\"9\"", 412),
    case(("PUT", "Patient?_id=a"), MATCH, "W/\"9\"", 412),
    case(("DELETE", "Patient/a"), MATCH, "W/\"9\"", 412),
    case(("DELETE", "Patient/a"), MATCH, "nonsense", 400),
    case(("PUT", "Patient/a"), NONE_MATCH, "W/\"1\"", 400),
    case(("PUT", "Patient/a"), NONE_MATCH, "*", 412),
    // Conditions that this method has no use for: it must not be done without them.
    case(("POST", "Patient"), MATCH, "W/\"1\"", 400),
    case(("PUT", "Patient/a"), EXIST, "identifier=x", 400),
    case(("DELETE", "Patient/a"), EXIST, "identifier=x", 400),
];

fn body(url: &str) -> &'static str {
    if url == "Patient" {
        r#"{"resourceType":"Patient"}"#
    } else {
        r#"{"resourceType":"Patient","id":"a"}"#
    }
}

fn bundle(kind: &str, (method, url, member, _, value, _): &Case) -> String {
    let value = value.replace('"', "\\\"");
    let resource = match *method {
        "DELETE" => String::new(),
        _ => format!(r#","resource":{}"#, body(url)),
    };
    format!(
        r#"{{"resourceType":"Bundle","type":"{kind}","entry":[
            {{"request":{{"method":"PUT","url":"Patient/other"}},"resource":{{"resourceType":"Patient","id":"other"}}}},
            {{"request":{{"method":"{method}","url":"{url}","{member}":"{value}"}}{resource}}}]}}"#
    )
}

#[tokio::test]
async fn the_member_is_named_or_the_header() -> Result<()> {
    let server = Fixture::start().await?;
    for id in ["a", "b"] {
        let woman = format!(r#"{{"resourceType":"Patient","id":"{id}","gender":"female"}}"#);
        let made = server.client.send("PUT", &format!("/Patient/{id}"), &woman).await?;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    for case in &CASES {
        let (method, url, member, header, value, status) = *case;
        let name = format!("{method} {url} {member}={value}");
        let place = format!("Bundle.entry[1].request.{member}");
        let whole = server.client.send("POST", "/", &bundle("transaction", case)).await?;
        assert_eq!(whole.status, status, "{name}: {}", whole.text);
        assert_eq!(whole.text_at("issue.0.expression.0"), place, "{name}: {}", whole.text);
        let each = server.client.send("POST", "/", &bundle("batch", case)).await?;
        let outcome = "entry.1.response.outcome.issue.0.expression.0";
        assert_eq!(each.text_at(outcome), place, "{name}: {}", each.text);
        let plain = server.client.request(method, &format!("/{url}")).header(header, value);
        let plain = plain.header("content-type", "application/fhir+json");
        let plain = if method == "DELETE" { plain } else { plain.body(body(url)) };
        let plain = Answer::of(plain).await?;
        assert_eq!(plain.status, status, "{name}: {}", plain.text);
        let at = plain.text_at("issue.0.expression.0");
        assert_eq!(at, format!("http.{header}"), "{name}: {}", plain.text);
    }
    // What is wrong with the URL is still named so.
    let wrong = r#"{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"PUT","url":"Patient?famly=x"},"resource":{"resourceType":"Patient"}}]}"#;
    let wrong = server.client.send("POST", "/", wrong).await?;
    assert_eq!(wrong.text_at("issue.0.expression.0"), "Bundle.entry[0].request.url");
    Ok(())
}
