//! Plays what failed once: searches with what they find, on a server of their own each.

use anyhow::Result;
use canonical_model::Value;
use canonical_model::json::parse;

use super::judge::{Page, Server};
use super::shrink::kept;
use super::world::{World, part};

pub(super) async fn replay() -> Result<()> {
    let cases = match std::fs::read_to_string(kept()) {
        Ok(cases) => cases,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error.into()),
    };
    let mut wrong = Vec::new();
    for case in cases.lines().filter(|line| !line.trim().is_empty()) {
        wrong.extend(fault(&parse(case.as_bytes())?).await?);
    }
    assert!(wrong.is_empty(), "cases that failed before:\n{}", wrong.join("\n"));
    Ok(())
}

async fn fault(case: &Value) -> Result<Option<String>> {
    let list = |name: &str| case.get(name).and_then(Value::as_array).unwrap_or_default().to_vec();
    let names = |name: &str| -> Vec<String> {
        list(name).iter().filter_map(|it| it.as_str().map(str::to_owned)).collect()
    };
    let server = Server::holding(&World { now: list("resources"), past: list("past") }).await?;
    let url = part(case, "search").replace("BASE", server.base());
    let app = (part(case, "patient"), part(case, "scope"));
    let client = server.client((!app.0.is_empty()).then_some(app))?;
    let answer = client.get(&format!("{url}&_count=1000")).await?;
    let mut page = Page::of(&answer.text);
    page.found.sort();
    page.included.sort();
    let expected = Page { found: names("expected"), included: names("included") };
    let status = if case.get("forbidden").is_some() { 403 } else { 200 };
    let fault = || format!("{url}: {} {page:?}, not {status} {expected:?}", answer.status);
    Ok((answer.status != status || page != expected).then(fault))
}
