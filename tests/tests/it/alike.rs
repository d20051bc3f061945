//! Two servers, of which one has nothing but what a caller may see: whatever the caller asks, both answer alike.

use access::Treatment;
use anyhow::{Context, Result, ensure};
use canonical_model::Value;
use it::{Answer, Client, Fixture, Signer};
use serde_json::json;

/// What is on both servers; of Observations what meets the constraint. In the order in which it is written.
pub(crate) const SEEN: [&str; 6] = [
    r#"{"resourceType":"Patient","id":"p","name":[{"family":"P"}]}"#,
    r#"{"resourceType":"Patient","id":"q","name":[{"family":"Q"}]}"#,
    r#"{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/p"}}"#,
    r#"{"resourceType":"Observation","id":"o1","status":"final","category":[{"coding":[{"system":"urn:c","code":"lab"}]}],"code":{"coding":[{"code":"a"}]},"subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e"},"derivedFrom":[{"reference":"Observation/x1"},{"reference":"Observation/x2"}],"effectiveDateTime":"2024-01-01"}"#,
    r#"{"resourceType":"Observation","id":"o2","status":"final","category":[{"coding":[{"system":"urn:c","code":"lab"}]}],"code":{"coding":[{"code":"b"}]},"subject":{"reference":"Patient/q"},"derivedFrom":[{"reference":"Observation/o1"}],"effectiveDateTime":"2024-01-02"}"#,
    r#"{"resourceType":"List","id":"l1","status":"current","mode":"working","code":{"coding":[{"code":"open"}]},"entry":[{"item":{"reference":"Observation/o1"}},{"item":{"reference":"Observation/x1"}}]}"#,
];

/// What only one has: a value of every kind that searches go by is theirs alone.
pub(crate) const UNSEEN: [&str; 4] = [
    r#"{"resourceType":"Observation","id":"x1","status":"final","identifier":[{"system":"urn:i","value":"canary"}],"category":[{"coding":[{"system":"urn:c","code":"vital"}]}],"code":{"coding":[{"code":"a"}]},"subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e"},"derivedFrom":[{"reference":"Observation/o1"}],"effectiveDateTime":"2024-01-03"}"#,
    r#"{"resourceType":"Observation","id":"x2","status":"amended","code":{"coding":[{"code":"canary"}],"text":"canary"},"subject":{"reference":"Patient/q"},"hasMember":[{"reference":"Observation/o1"}],"effectiveDateTime":"2023-12-31"}"#,
    r#"{"resourceType":"Observation","id":"x3","status":"final","category":[{"coding":[{"system":"urn:other","code":"lab"}]}],"code":{"coding":[{"code":"b"}]},"subject":{"reference":"Patient/p"}}"#,
    r#"{"resourceType":"List","id":"l2","status":"current","mode":"working","code":{"coding":[{"code":"shut"}]},"entry":[{"item":{"reference":"Observation/o1"}},{"item":{"reference":"Observation/o2"}}]}"#,
];

/// A server, with a client that has this scope.
pub(crate) struct Side {
    pub(crate) server: Fixture,
    pub(crate) signer: Signer,
    pub(crate) limited: Client,
}

impl Side {
    /// A client for itself.
    pub(crate) async fn holding(all: &[&str], scope: &str) -> Result<Self> {
        Self::of(all, &itself(scope)).await
    }

    /// A client whose token has these claims, where those who work here reach every patient.
    pub(crate) async fn of(all: &[&str], claims: &serde_json::Value) -> Result<Self> {
        let signer = Signer::create()?;
        let file = signer.file.clone();
        let server = Fixture::start_with(|settings| {
            settings.auth.signing_key = Some(file);
            settings.policy.treatment = Treatment::Open;
        })
        .await?;
        for text in all {
            put(&server.client, text).await?;
        }
        let limited = server.client.bearing(signer.token(server.origin()?, claims)?);
        Ok(Self { server, signer, limited })
    }

    /// The same server for others.
    pub(crate) fn bearing(&self, claims: &serde_json::Value) -> Result<Client> {
        Ok(self.server.client.bearing(self.signer.token(self.server.origin()?, claims)?))
    }
}

/// What the token of a client for itself says.
pub(crate) fn itself(scope: &str) -> serde_json::Value {
    json!({ "sub": "dev-backend", "scope": scope })
}

pub(crate) async fn put(client: &Client, text: &str) -> Result<()> {
    let value: serde_json::Value = serde_json::from_str(text)?;
    let part = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let path = format!("/{}/{}", part("resourceType"), part("id"));
    let answer = client.send("PUT", &path, text).await?;
    ensure!(matches!(answer.status, 200 | 201), "{path}: {}", answer.text);
    Ok(())
}

/// Both servers: one with what is not to be seen in between, one without.
pub(crate) async fn sides(claims: &serde_json::Value, unseen: &[String]) -> Result<[Side; 2]> {
    let mut both = Vec::new();
    for n in 0..SEEN.len() {
        both.extend(unseen.get(n).map(String::as_str));
        both.extend(SEEN.get(n));
    }
    Ok([Side::of(&both, claims).await?, Side::of(&SEEN, claims).await?])
}

/// An answer without what differs from server to server: its address, times, new ids and page links.
fn shown(side: &Side, answer: &Answer) -> Result<String> {
    let base = &side.server.client.base;
    let text = answer.text.replace(base, "[base]");
    let headers = ["etag", "content-type", "location", "content-location", "retry-after"];
    let headers: Vec<String> =
        headers.iter().map(|name| masked(&answer.header(name).replace(base, "[base]"))).collect();
    let body = match canonical_model::json::parse(text.as_bytes()) {
        Ok(value) => blank(&value, "").to_text(),
        Err(_) => text,
    };
    Ok(format!("{} {headers:?} {body}", answer.status))
}

fn blank(value: &Value, key: &str) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(|item| blank(item, "")).collect()),
        Value::Object(object) => {
            let mut object = object.clone();
            for (key, member) in object.iter_mut() {
                let key = key.to_string();
                *member = blank(member, &key);
            }
            Value::Object(object)
        }
        Value::String(_) if ["lastUpdated", "lastModified", "timestamp"].contains(&key) => {
            Value::String("[time]".into())
        }
        Value::String(text) => Value::String(masked(text).into()),
        other => other.clone(),
    }
}

/// Without the ids that a server gives, and what only it can read.
fn masked(text: &str) -> String {
    let text = match text.split_once("_page=") {
        Some((before, rest)) => {
            let rest = rest.split_once('&').map_or("", |(_, rest)| rest);
            format!("{before}_page=[page]&{rest}")
        }
        None => text.to_owned(),
    };
    let is_given = |part: &&str| part.len() == 36 && part.split('-').count() == 5;
    let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
    let given: Vec<String> = text.split(ends).filter(is_given).map(str::to_owned).collect();
    given.iter().fold(text, |text, id| text.replace(id.as_str(), "[id]"))
}

pub(crate) async fn same(
    sides: &[Side; 2],
    method: &str,
    path: &str,
    body: &str,
) -> Result<Answer> {
    let mut answers = Vec::new();
    for side in sides {
        let request = side.limited.request(method, path).header("accept", "application/fhir+json");
        let request = match (body, path.contains("_search")) {
            ("", _) => request,
            (form, true) => request
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.to_owned()),
            (body, false) if body.starts_with('[') => {
                request.header("content-type", "application/json-patch+json").body(body.to_owned())
            }
            (body, false) => {
                request.header("content-type", "application/fhir+json").body(body.to_owned())
            }
        };
        answers.push(Answer::of(request).await?);
    }
    let shown: Vec<_> = sides
        .iter()
        .zip(&answers)
        .map(|(side, answer)| shown(side, answer))
        .collect::<Result<_>>()?;
    assert_eq!(shown[0], shown[1], "{method} {path} {body}");
    answers.into_iter().next().context("an answer")
}

pub(crate) const LAB: &str = r#""category":[{"coding":[{"system":"urn:c","code":"lab"}]}]"#;

pub(crate) fn observation(id: &str, rest: &str) -> String {
    let id = if id.is_empty() { String::new() } else { format!(r#""id":"{id}","#) };
    format!(
        r#"{{"resourceType":"Observation",{id}"status":"final","code":{{"text":"new"}},"subject":{{"reference":"Patient/p"}},{rest}}}"#
    )
}

pub(crate) const VITAL: &str = r#""category":[{"coding":[{"system":"urn:c","code":"vital"}]}]"#;

/// Asks both sides in every way that there is to read something, page by page.
pub(crate) async fn reads_alike(sides: &[Side; 2]) -> Result<()> {
    for (path, found) in [
        ("/Observation", 2),
        ("/Observation?code=a", 1),
        ("/Observation?code=canary", 0),
        ("/Observation?code:text=canary", 0),
        ("/Observation?identifier=urn:i|canary", 0),
        ("/Observation?_id=x1,x2,o1", 1),
        ("/Observation?_total=accurate&_count=1", 1),
        ("/Observation?_total=estimate", 2),
        ("/Observation?code=a&_total=estimate", 1),
        ("/Observation?_summary=count", 0),
        ("/Observation?status=amended&_summary=count", 0),
        ("/Observation?_count=0", 0),
        ("/Observation?_sort=date&_count=1", 1),
        ("/Observation?_sort=-date", 2),
        ("/Observation?subject=Patient/p", 1),
        ("/Observation?category=vital", 0),
        ("/Observation?category=urn:c|lab", 2),
        ("/Observation?category:not=urn:c|vital", 2),
        ("/Observation?category:missing=true", 0),
        ("/Observation?_lastUpdated=ge2020", 2),
        ("/Observation?_elements=code", 2),
        ("/Observation?_content=canary", 0),
        ("/Observation?_filter=code%20eq%20a", 1),
        ("/Observation?patient.name=P", 1),
        // What others refer to, and are referred to by, decides nothing where it is not reached.
        ("/Observation?derived-from:Observation.code=a", 1),
        ("/Observation?derived-from:Observation.code=canary", 0),
        ("/Observation?derived-from:Observation.status=final", 1),
        ("/Observation?_has:Observation:derived-from:code=a", 0),
        ("/Observation?_has:Observation:derived-from:code=b", 1),
        ("/Observation?_has:Observation:has-member:status=amended", 0),
        ("/Patient?_has:Observation:subject:code=canary", 0),
        ("/Patient?_has:Observation:subject:code=a", 1),
        ("/Patient?_has:Observation:patient:category=vital", 0),
        ("/Patient?_has:Observation:patient:_id=x1", 0),
        ("/Observation?_list=l1", 1),
        ("/Observation?_list=l2", 0),
        ("/List", 1),
        ("/List?item=Observation/o2", 0),
        ("/List?item:Observation.code=canary", 0),
        ("/Observation?_id=o1&_include=Observation:derived-from", 1),
        (
            "/Observation?_id=o2&_include=Observation:derived-from&_include:iterate=Observation:derived-from",
            2,
        ),
        ("/Observation?_id=o1&_include=*", 3),
        ("/Patient?_id=p&_revinclude=Observation:subject", 2),
        ("/Patient?_revinclude=Observation:patient&_sort=_id&_count=1", 2),
        ("/Encounter?_revinclude=Observation:encounter", 2),
        ("/Observation?_id=o1&_revinclude=Observation:derived-from&_revinclude=List:item", 3),
        ("/Patient/p/Observation?_sort=_id", 1),
        ("/Patient/p/*?_sort=_id", 3),
        ("/Encounter/e/Observation", 1),
        ("/?_type=Observation,Patient", 4),
        ("/?_id=x1,o1", 1),
        ("/?_type=Observation&_summary=count", 0),
        ("/_history", 6),
        ("/_history?_count=2", 2),
        ("/Observation/_history", 2),
        ("/Observation/_history?_count=1&_sort=_lastUpdated", 1),
        ("/Observation/_history?_since=2020-01-01", 2),
        ("/Observation/o1/_history", 1),
    ] {
        let answer = same(sides, "GET", path, "").await?;
        assert_eq!((answer.status, found_in(&answer)), (200, found), "{path}: {}", answer.text);
        // And what follows it.
        let mut next = [next(&sides[0], path, &answer)?, None];
        if next[0].is_some() {
            let other = sides[1].limited.get(path).await?;
            next[1] = self::next(&sides[1], path, &other)?;
        }
        for _ in 0..20 {
            let [Some(one), Some(other)] = &next else { break };
            let pages = [sides[0].limited.get(one).await?, sides[1].limited.get(other).await?];
            assert_eq!(shown(&sides[0], &pages[0])?, shown(&sides[1], &pages[1])?, "behind {path}");
            next =
                [self::next(&sides[0], path, &pages[0])?, self::next(&sides[1], path, &pages[1])?];
        }
        assert_eq!(next.iter().flatten().count(), 0, "{path} ends");
    }
    let form = same(sides, "POST", "/Observation/_search", "code=a&_total=accurate").await?;
    assert_eq!(found_in(&form), 1, "{}", form.text);
    Ok(())
}

/// The resources of an answer, without what it says of itself.
pub(crate) fn found_in(answer: &Answer) -> usize {
    let outcome = |n: &usize| answer.text_at(&format!("entry.{n}.search.mode")) == "outcome";
    let count = answer.entries().len();
    count - (0..count).filter(outcome).count()
}

fn next(side: &Side, path: &str, answer: &Answer) -> Result<Option<String>> {
    let link = answer.link("next");
    ensure!(link.as_ref().is_none_or(|link| link.starts_with(&side.server.client.base)), "{path}");
    Ok(link)
}
