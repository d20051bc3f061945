//! Hooks: one place where a rule refuses a write, whatever interaction it comes by.

use anyhow::Result;
use canonical_model::{Error, Value};
use domain::{Hook, Hooks, Proposal};
use it::Fixture;
use store::Method;

/// A legal hold: what is marked may neither change nor go.
struct Hold;

impl Hook for Hold {
    fn name(&self) -> &'static str {
        "hold"
    }

    fn check(&self, proposal: &Proposal<'_>) -> canonical_model::Result<()> {
        let marked = proposal.resource.members().get("active").and_then(Value::as_bool);
        match (marked, proposal.method) {
            (Some(false), Method::Update | Method::Delete) => {
                Err(Error::unprocessable("The record is on hold."))
            }
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_hook_refuses_a_write_by_every_way() -> Result<()> {
    let server = Fixture::start_with(|settings| {
        settings.hooks = Hooks::default().with(Hold);
    })
    .await?;
    let held = r#"{"resourceType":"Patient","active":false,"identifier":[{"system":"urn:h","value":"1"}]}"#;
    let created = server.client.send("POST", "/Patient", held).await?;
    assert_eq!(created.status, 201, "{}", created.text);
    let id = created.id();
    let entry = |method: &str, url: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"request":{{"method":"{method}","url":"{url}"}}}}]}}"#
        )
    };
    let put = format!(r#"{{"resourceType":"Patient","id":"{id}","active":false}}"#);
    for (method, path, body) in [
        ("DELETE", format!("/Patient/{id}"), String::new()),
        ("DELETE", "/Patient?identifier=urn:h|1".to_owned(), String::new()),
        ("POST", String::new(), entry("DELETE", &format!("Patient/{id}"))),
        ("POST", String::new(), entry("DELETE", "Patient?identifier=urn:h|1")),
        ("PUT", format!("/Patient/{id}"), put),
    ] {
        let refused = server.client.send(method, &path, &body).await?;
        assert_eq!(refused.status, 422, "{method} {path} {body}: {}", refused.text);
        assert!(refused.text.contains("on hold"), "{method} {path}: {}", refused.text);
    }
    assert_eq!(server.client.get(&format!("/Patient/{id}")).await?.version(), 1);
    let free = r#"{"resourceType":"Patient","id":"free","active":true}"#;
    assert_eq!(server.client.send("PUT", "/Patient/free", free).await?.status, 201);
    assert_eq!(server.client.send("DELETE", "/Patient/free", "").await?.status, 204);
    Ok(())
}
