//! A random sequence of interactions with a few resources equals a simple model in memory:
//! statuses, versions, contents, order of history. Failing seeds are kept beside the crate.
//! <https://hl7.org/fhir/R4/http.html#history>

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};
use canonical_model::Value;
use it::{Answer, Client, Fixture};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner};

const CASES: u32 = 32;
const STEPS_MAX: usize = 24;
const SLOTS: usize = 3;
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/history_model.txt");

/// What `If-Match` names.
#[derive(Clone, Copy, Debug)]
enum IfMatch {
    Absent,
    Current,
    Other,
}

/// One interaction with the resource of a slot. Contents are few, so that updates repeat them.
#[derive(Clone, Copy, Debug)]
enum Step {
    Create(u8),
    Update(u8, IfMatch),
    Patch(u8),
    Delete,
    Read,
    Vread(i64),
    History { oldest_first: bool, page: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let if_match = prop_oneof![3 => Just(IfMatch::Absent), 1 => Just(IfMatch::Current), 1 => Just(IfMatch::Other)];
    prop_oneof![
        1 => (0..3_u8).prop_map(Step::Create),
        4 => (0..3_u8, if_match).prop_map(|(content, tag)| Step::Update(content, tag)),
        2 => (0..3_u8).prop_map(Step::Patch),
        2 => Just(Step::Delete),
        1 => Just(Step::Read),
        2 => (0..8_i64).prop_map(Step::Vread),
        1 => (any::<bool>(), 1..4_usize)
            .prop_map(|(oldest_first, page)| Step::History { oldest_first, page }),
    ]
}

/// A version as the model knows it; no content is a deletion.
#[derive(Clone, Debug, PartialEq)]
struct Version {
    method: &'static str,
    content: Option<u8>,
}

/// One resource.
#[derive(Debug, Default)]
struct Model {
    id: String,
    versions: Vec<Version>,
}

impl Model {
    fn current(&self) -> Option<u8> {
        self.versions.last().and_then(|version| version.content)
    }

    fn number(&self) -> i64 {
        i64::try_from(self.versions.len()).unwrap_or(i64::MAX)
    }

    /// The status of a read where nothing is alive.
    fn absent(&self) -> u16 {
        if self.versions.is_empty() { 404 } else { 410 }
    }

    /// Content under the id: the status it must have.
    fn put(&mut self, content: u8) -> u16 {
        let alive = self.current();
        if alive != Some(content) {
            self.versions.push(Version { method: "PUT", content: Some(content) });
        }
        if alive.is_some() { 200 } else { 201 }
    }
}

fn body(id: &str, content: u8) -> String {
    let id = if id.is_empty() { String::new() } else { format!(r#""id":"{id}","#) };
    format!(r#"{{"resourceType":"Patient",{id}"name":[{{"family":"f{content}"}}]}}"#)
}

/// Takes one step on both sides.
async fn take(client: &Client, model: &mut Model, step: Step) -> Result<()> {
    let path = format!("/Patient/{}", model.id);
    match step {
        Step::Create(content) => {
            if !model.versions.is_empty() {
                return Ok(()); // A create makes another resource: nothing to compare here.
            }
            let answer = client.send("POST", "/Patient", &body("", content)).await?;
            model.id = answer.id();
            model.versions.push(Version { method: "POST", content: Some(content) });
            same(&answer, 201, model)
        }
        Step::Update(content, tag) => update(client, model, content, tag).await,
        Step::Patch(content) => {
            let expected = match model.current() {
                Some(_) => model.put(content),
                None => model.absent(),
            };
            let patch =
                format!(r#"[{{"op":"replace","path":"/name/0/family","value":"f{content}"}}]"#);
            let request = client
                .request("PATCH", &path)
                .header("content-type", "application/json-patch+json");
            same(&Answer::of(request.body(patch)).await?, expected, model)
        }
        Step::Delete => {
            if model.current().is_some() {
                model.versions.push(Version { method: "DELETE", content: None });
            }
            let answer = client.send("DELETE", &path, "").await?;
            ensure!(answer.status == 204, "{} {}", answer.status, answer.text);
            Ok(())
        }
        Step::Read => {
            let expected = model.current().map_or_else(|| model.absent(), |_| 200);
            same(&client.get(&path).await?, expected, model)
        }
        Step::Vread(number) => vread(client, model, number).await,
        Step::History { oldest_first, page } => history(client, model, oldest_first, page).await,
    }
}

/// The answer has the status, and, where it gives content, the model's current one.
fn same(answer: &Answer, expected: u16, model: &Model) -> Result<()> {
    ensure!(answer.status == expected, "{} not {expected}: {}", answer.status, answer.text);
    if expected < 300 {
        let content = model.current().context("a content")?;
        ensure!(answer.version() == model.number(), "version {}", answer.version());
        ensure!(answer.text_at("meta.versionId") == model.number().to_string(), "{}", answer.text);
        ensure!(answer.text_at("name.0.family") == format!("f{content}"), "{}", answer.text);
    }
    Ok(())
}

async fn update(client: &Client, model: &mut Model, content: u8, tag: IfMatch) -> Result<()> {
    let mut request = client
        .request("PUT", &format!("/Patient/{}", model.id))
        .header("content-type", "application/fhir+json");
    let named = match tag {
        IfMatch::Absent => None,
        IfMatch::Current => Some(model.number().max(1)),
        IfMatch::Other => Some(model.number() + 1),
    };
    if let Some(number) = named {
        request = request.header("if-match", format!("W/\"{number}\""));
    }
    let allowed = named.is_none_or(|number| model.current().is_some() && number == model.number());
    let expected = if allowed { model.put(content) } else { 412 };
    same(&Answer::of(request.body(body(&model.id, content))).await?, expected, model)
}

async fn vread(client: &Client, model: &Model, number: i64) -> Result<()> {
    let answer = client.get(&format!("/Patient/{}/_history/{number}", model.id)).await?;
    let index = usize::try_from(number - 1).ok();
    let version = index.and_then(|index| model.versions.get(index));
    let expected = match version {
        None => 404,
        Some(Version { content: None, .. }) => 410,
        Some(_) => 200,
    };
    ensure!(answer.status == expected, "{} not {expected}: {}", answer.status, answer.text);
    if let Some(Version { content: Some(content), .. }) = version {
        ensure!(answer.version() == number, "version {}", answer.version());
        ensure!(answer.text_at("name.0.family") == format!("f{content}"), "{}", answer.text);
    }
    Ok(())
}

/// Walks all pages.
async fn history(client: &Client, model: &Model, oldest_first: bool, page: usize) -> Result<()> {
    let sort = if oldest_first { "_lastUpdated" } else { "-_lastUpdated" };
    let mut url = format!("/Patient/{}/_history?_sort={sort}&_count={page}", model.id);
    let mut found: Vec<(i64, Version)> = Vec::new();
    let mut instants: Vec<String> = Vec::new();
    loop {
        let answer = client.get(&url).await?;
        if model.versions.is_empty() {
            ensure!(answer.status == 404, "{} {}", answer.status, answer.text);
            return Ok(());
        }
        ensure!(answer.status == 200, "{} {}", answer.status, answer.text);
        let entries = answer.entries();
        ensure!(entries.len() <= page, "{} on a page of {page}", entries.len());
        for entry in &entries {
            let (number, instant, version) = read(entry)?;
            found.push((number, version));
            instants.push(instant);
        }
        match answer.link("next") {
            Some(next) => url = next,
            None => break,
        }
    }
    let mut expected: Vec<(i64, Version)> = (1..).zip(model.versions.iter().cloned()).collect();
    if !oldest_first {
        expected.reverse();
        instants.reverse();
    }
    ensure!(found == expected, "{found:?} not {expected:?}");
    ensure!(instants.is_sorted_by(|one, next| one < next), "{instants:?}");
    Ok(())
}

fn read(entry: &Value) -> Result<(i64, String, Version)> {
    let text = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).map(str::to_owned).context("a text")
    };
    let response = entry.get("response").context("a response")?;
    let method = text(entry.get("request").context("a request")?, "method")?;
    let method = ["POST", "PUT", "DELETE"].into_iter().find(|known| **known == method);
    let content = match entry.get("resource") {
        None => None,
        Some(resource) => {
            let name = resource.get("name").and_then(Value::as_array).and_then(|all| all.first());
            Some(text(name.context("a name")?, "family")?.trim_start_matches('f').parse()?)
        }
    };
    let etag = text(response, "etag")?;
    let number = etag.trim_start_matches("W/").trim_matches('"').parse()?;
    let version = Version { method: method.context("a method")?, content };
    Ok((number, text(response, "lastModified")?, version))
}

/// Runs one sequence on resources of its own.
async fn run(client: &Client, steps: &[(usize, Step)]) -> Result<()> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let case = NEXT.fetch_add(1, Ordering::Relaxed);
    let model = |slot| Model { id: format!("model-{case}-{slot}"), versions: Vec::new() };
    let mut models: Vec<Model> = (0..SLOTS).map(model).collect();
    for (number, (slot, step)) in steps.iter().enumerate() {
        let model = &mut models[*slot];
        take(client, model, *step).await.with_context(|| format!("step {number}, {step:?}"))?;
    }
    for model in &models {
        history(client, model, false, 7).await.context("at the end")?;
    }
    Ok(())
}

#[test]
fn interactions_equal_the_model() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let server = runtime.block_on(Fixture::start())?;
    let persistence = FileFailurePersistence::Direct(KEPT);
    let config = Config {
        cases: CASES,
        failure_persistence: Some(Box::new(persistence)),
        ..Config::default()
    };
    let steps = vec((0..SLOTS, step()), 1..=STEPS_MAX);
    TestRunner::new(config).run(&steps, |steps| {
        runtime
            .block_on(run(&server.client, &steps))
            .map_err(|fault| TestCaseError::fail(format!("{fault:#}")))
    })?;
    Ok(())
}
