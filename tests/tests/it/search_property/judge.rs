//! Asks the server and compares: what is found, in which order, how many, what joins it, page by page.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use canonical_model::Value;
use it::{Client, Fixture, Signer};

use super::ask::Ask;
use super::include::joining;
use super::world::{DEFINITIONS, World, deletes, name, part};

/// A server that can be asked by whoever has a token.
pub(super) struct Server {
    fixture: Fixture,
    signer: Signer,
}

impl Server {
    /// One that holds these resources, after all that they were before, and the definitions they are
    /// searched by.
    pub(super) async fn holding(world: &World) -> Result<Self> {
        let signer = Signer::create()?;
        let file = signer.file.clone();
        let fixture =
            Fixture::start_with(|settings| settings.auth.signing_key = Some(file)).await?;
        let definitions = DEFINITIONS.iter().map(|it| canonical_model::json::parse(it.as_bytes()));
        write(&fixture.client, "transaction", &definitions.collect::<Result<Vec<_>, _>>()?).await?;
        // Entries of a batch are writes of their own.
        for (writes, kind) in world.rounds().iter().zip(["transaction", "batch"].iter().cycle()) {
            write(&fixture.client, kind, writes).await?;
        }
        Ok(Self { fixture, signer })
    }

    /// The base URL.
    pub(super) fn base(&self) -> &str {
        &self.fixture.client.base
    }

    /// A client that may do everything, or an app of a patient.
    pub(super) fn client(&self, app: Option<(&str, &str)>) -> Result<Client> {
        let client = &self.fixture.client;
        let Some((patient, scope)) = app else { return Ok(client.clone()) };
        let token = self.signer.patient_token(self.fixture.origin()?, patient, scope)?;
        Ok(client.bearing(token))
    }

    fn client_of(&self, ask: &Ask) -> Result<Client> {
        match &ask.caller {
            Some(caller) => self.client(Some((&caller.patient, &caller.scope()))),
            None => self.client(None),
        }
    }
}

async fn write(client: &Client, kind: &str, writes: &[Value]) -> Result<()> {
    let entry = |value: &Value| {
        let name = name(value);
        if deletes(value) {
            return format!(r#"{{"request":{{"method":"DELETE","url":"{name}"}}}}"#);
        }
        let text = value.to_text().replace("BASE/", &format!("{}/", client.base));
        format!(r#"{{"request":{{"method":"PUT","url":"{name}"}},"resource":{text}}}"#)
    };
    let entries: Vec<String> = writes.iter().map(entry).collect();
    let bundle =
        format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{}]}}"#, entries.join(","));
    let answer = client.send("POST", "", &bundle).await?;
    ensure!(answer.status == 200, "{}", answer.text);
    for entry in answer.entries() {
        let status = entry.get("response").map(|it| part(it, "status").to_owned());
        let status = status.unwrap_or_default();
        ensure!(status.starts_with('2'), "{kind}: {status}");
    }
    Ok(())
}

/// The names on a page, in order.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Page {
    pub(super) found: Vec<String>,
    pub(super) included: Vec<String>,
}

impl Page {
    /// Reads a bundle without reading its resources.
    pub(super) fn of(bundle: &str) -> Self {
        let mut page = Self::default();
        for entry in bundle.split(r#""fullUrl":""#).skip(1) {
            let url = entry.split('"').next().unwrap_or_default();
            let mut parts = url.rsplit('/');
            let (id, kind) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let included = entry.contains(r#""mode":"include""#);
            let list = if included { &mut page.included } else { &mut page.found };
            list.push(format!("{kind}/{id}"));
        }
        page
    }

    /// What joins the page but should not, or the other way round.
    fn fault(&self, world: &World, ask: &Ask) -> Option<String> {
        let matches = self.found.iter().cloned().collect();
        differ("included", &self.included, &joining(world, ask, &matches))
    }
}

/// How a list differs from what it should hold, each once.
fn differ(what: &str, list: &[String], expected: &BTreeSet<String>) -> Option<String> {
    let distinct: BTreeSet<String> = list.iter().cloned().collect();
    let alike = distinct == *expected && list.len() == expected.len();
    let lost: Vec<_> = expected.difference(&distinct).collect();
    let extra: Vec<_> = distinct.difference(expected).collect();
    (!alike).then(|| format!("{what}: lost {lost:?}, extra {extra:?}, {} in all", list.len()))
}

/// What is wrong with the server's answer; nothing where all is well.
pub(super) async fn fault(server: &Server, world: &World, ask: &Ask) -> Result<Option<String>> {
    let world = &*world.seen(ask.caller.as_ref());
    let url = ask.url(server.base());
    let answer = server.client_of(ask)?.get(&format!("{url}&_count=1000&_total=accurate")).await?;
    let status = if ask.is_forbidden() { 403 } else { 200 };
    if answer.status != status {
        return Ok(Some(format!("{}, not {status}: {}", answer.status, answer.text)));
    }
    if ask.is_forbidden() {
        return Ok(None);
    }
    let page = Page::of(&answer.text);
    let expected: BTreeSet<String> =
        world.now.iter().filter(|it| ask.holds(world, it)).map(name).collect();
    if let Some(fault) = differ("found", &page.found, &expected) {
        return Ok(Some(fault));
    }
    let total = format!(r#""total":{},"#, expected.len());
    if !answer.text.contains(&total) {
        return Ok(Some(format!("the total is not {}", expected.len())));
    }
    Ok(page.fault(world, ask).or_else(|| disorder(world, ask, &page.found)))
}

fn disorder(world: &World, ask: &Ask, found: &[String]) -> Option<String> {
    let resource = |wanted: &String| world.now.iter().find(|it| name(it) == *wanted);
    found.windows(2).find_map(|two| {
        let [one, other] = two else { return None };
        let (a, b) = resource(one).zip(resource(other))?;
        (!ask.in_order(a, b)).then(|| format!("{one} stands before {other}"))
    })
}

/// Walks small pages, each with what joins its own matches: together they hold what one large page holds.
pub(super) async fn walk(server: &Server, world: &World, ask: &Ask) -> Result<()> {
    if ask.is_forbidden() {
        return Ok(());
    }
    let world = &*world.seen(ask.caller.as_ref());
    let client = server.client_of(ask)?;
    let first = ask.url(server.base());
    let whole = client.get(&format!("{first}&_count=1000")).await?;
    whole.json().context("a bundle")?;
    let mut next = Some(format!("{first}&_count=3"));
    let mut found = Vec::new();
    while let Some(url) = next {
        let answer = client.get(&url).await?;
        ensure!(answer.status == 200, "{url}: {}", answer.text);
        let page = Page::of(&answer.text);
        if let Some(fault) = page.fault(world, ask) {
            anyhow::bail!("a page of {:?}: {fault}", page.found);
        }
        found.extend(page.found);
        next = answer.link("next");
    }
    let all = Page::of(&whole.text).found;
    ensure!(found == all, "pages of {found:?}, at once {all:?}");
    Ok(())
}
