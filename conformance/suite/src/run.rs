//! A run: each case by itself, with variables of its own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::Value;
use telemetry::Clock;
use tokio::time::{Instant, sleep};

use crate::answer::Answer;
use crate::assertion;
use crate::case::{Case, Step};
use crate::cases::{chosen, gap};
use crate::declared::Declared;
use crate::id_token::decode;
use crate::limits::AGAIN_AFTER;
use crate::made::Made;
use crate::report::{Outcome, Report, Verdict};
use crate::request::{Came, Sender};
use crate::sign_in::sign_in;
use crate::tokens::Tokens;
use crate::variables::Variables;

/// What to judge, and with what.
#[derive(Debug, Default)]
pub struct Options {
    /// The FHIR base, as `https://fhir.example.org/fhir`.
    pub base: String,
    /// Which cases: none is all, else a suite or a case.
    pub filter: Option<String>,
    /// What the cases need to know: clients, secrets, log-ins.
    pub variables: Variables,
    /// Authorities in PEM that are trusted beside the machine's own.
    pub authorities: Vec<u8>,
}

/// Tries each case in turn, and tells of each as soon as it is known.
///
/// # Errors
/// Where no case is meant, or the server cannot be reached at all.
pub async fn run(options: Options, told: impl Fn(&Outcome)) -> Result<Report> {
    let Options { base, filter, mut variables, authorities } = options;
    let base = base.trim_end_matches('/').to_owned();
    let cases: Vec<_> = chosen(filter.as_deref()).collect();
    anyhow::ensure!(!cases.is_empty(), "no case is called {:?}", filter.unwrap_or_default());
    variables.set("base", &base);
    let sender = Sender::new(&authorities)?;
    let declared = discover(&sender, &mut variables).await?;
    let mut tokens = Tokens::new(&variables);
    let mut outcomes = Vec::with_capacity(cases.len());
    for (suite, case) in cases {
        let Case { id, title, section, link, .. } = case;
        tokens.renew(&sender, &mut variables).await;
        let begun = Instant::now();
        variables.set("unique", unique());
        let mut verdict = match lack(&sender, case, &declared, &variables, &mut tokens).await {
            Some(lack) => Verdict::Skipped(lack),
            None => judge(&sender, case, variables.clone()).await,
        };
        if let (Verdict::Failed(why), Some(gap)) = (&verdict, gap(declared.software(), id)) {
            verdict = Verdict::Gap(format!("{gap} ({why})"));
        }
        let outcome = Outcome { id, suite, title, section, link, took: begun.elapsed(), verdict };
        told(&outcome);
        outcomes.push(outcome);
    }
    let at = Clock::system().now().format("%Y-%m-%d %H:%M").to_string();
    Ok(Report::of(base, declared.named(), at, outcomes))
}

/// What the server declares; its endpoints become variables. Nothing, where it has no such document.
async fn discover(sender: &Sender, variables: &mut Variables) -> Result<Declared> {
    let discovery = document(sender, ".well-known/smart-configuration", variables).await?;
    for (name, value) in discovery.as_object().into_iter().flatten() {
        if let Some(text) = value.as_str() {
            variables.set(name, text);
        }
    }
    let statement = document(sender, "metadata", variables).await?;
    Ok(Declared { discovery, statement })
}

/// A document below the base; null, where it is no JSON.
async fn document(sender: &Sender, path: &str, variables: &Variables) -> Result<Value> {
    let step: Step = toml::from_str(&format!(
        "request = 'GET {{base}}/{path}'\nheaders = {{ accept = 'application/json' }}\n[expect]"
    ))?;
    let came = sender.send(&step, variables).await.context("the server cannot be reached")?;
    let Came::Answer(answer) = came else { return Ok(Value::Null) };
    Ok(answer.json().unwrap_or(Value::Null))
}

/// A word that no other case has, nor an earlier run, for what a case makes and looks for: letters, so that it is a name.
fn unique() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut rest = since.as_nanos();
    let mut word = String::from("suite");
    while rest > 0 {
        word.push(char::from(b'a' + u8::try_from(rest % 26).unwrap_or(0)));
        rest /= 26;
    }
    word
}

/// What a case lacks, so that it is not tried.
async fn lack(
    sender: &Sender,
    case: &Case,
    declared: &Declared,
    variables: &Variables,
    tokens: &mut Tokens,
) -> Option<String> {
    match case.needs.iter().find_map(|need| need.lack(declared, variables)) {
        None if case.sends_token() => tokens.lack(sender, variables).await,
        lack => lack,
    }
}

async fn judge(sender: &Sender, case: &Case, variables: Variables) -> Verdict {
    let mut made = Made::default();
    let outcome = walk(sender, case, variables.clone(), &mut made).await;
    made.remove(sender, &variables).await;
    match outcome {
        Ok(()) => Verdict::Passed,
        Err(why) => Verdict::Failed(why),
    }
}

async fn walk(
    sender: &Sender,
    case: &Case,
    mut variables: Variables,
    made: &mut Made,
) -> Result<(), String> {
    for (step, number) in case.steps.iter().zip(1..) {
        let once = [String::new()];
        let each = if step.each.is_empty() { &once } else { step.each.as_slice() };
        for value in each {
            let filled = variables.fill(value).map_err(|error| error.to_string())?;
            variables.set("each", filled);
            let what = match (&step.sign_in, &step.decode) {
                (Some(_), _) => "signing in",
                (None, Some(_)) => "the identity token",
                (None, None) => step.request.as_str(),
            };
            let named = |why: String| match value.as_str() {
                "" => format!("step {number}, {what}: {why}"),
                value => format!("step {number}, {what} with {value}: {why}"),
            };
            until(sender, step, &mut variables, made).await.map_err(named)?;
            made.add(step, &variables);
        }
    }
    Ok(())
}

/// Takes a step; one that has time, again until it holds.
async fn until(
    sender: &Sender,
    step: &Step,
    variables: &mut Variables,
    made: &mut Made,
) -> Result<(), String> {
    let ends = Instant::now() + Duration::from_secs(step.within_s);
    loop {
        match take(sender, step, variables, made).await {
            Err(_) if Instant::now() < ends => sleep(AGAIN_AFTER).await,
            done => return done,
        }
    }
}

async fn take(
    sender: &Sender,
    step: &Step,
    variables: &mut Variables,
    made: &mut Made,
) -> Result<(), String> {
    let said = |error: anyhow::Error| format!("{error:#}");
    if let Some(asked) = &step.assertion {
        variables.set("assertion", assertion::sign(asked, variables).map_err(said)?);
    }
    let came = match (&step.sign_in, &step.decode) {
        (Some(asked), _) => sign_in(&sender.0, asked, variables, made).await.map(Came::Answer),
        (None, Some(asked)) => decode(&sender.0, asked, variables).await.map(Came::Answer),
        (None, None) => sender.send(step, variables).await,
    };
    let answer = match came.map_err(said)? {
        Came::Answer(answer) => answer,
        Came::Refused(refused) if refused == step.expect.refused => return Ok(()),
        Came::Refused(_) => return Err("the handshake was not refused".to_owned()),
    };
    made.hear(&answer);
    if let Some(fault) = step.expect.fault(&answer, variables) {
        return Err(fault);
    }
    keep(step, &answer, variables)
}

/// Takes variables out of an answer.
fn keep(step: &Step, answer: &Answer, variables: &mut Variables) -> Result<(), String> {
    for (name, header) in &step.save_headers {
        let value = answer.header(header);
        let value = value.ok_or_else(|| format!("the answer has no header {header}"))?;
        variables.set(name, value);
    }
    let json = answer.json().unwrap_or(Value::Null);
    for (name, relation) in &step.save_links {
        let links = json.get("link").and_then(Value::as_array).into_iter().flatten();
        let mut links =
            links.filter(|link| link.get("relation").and_then(Value::as_str) == Some(relation));
        let url = links.next().and_then(|link| link.get("url")?.as_str());
        let url = url.ok_or_else(|| format!("the answer has no link `{relation}`"))?;
        variables.set(name, url);
    }
    for (name, pointer) in &step.save {
        let value = json.pointer(pointer);
        let text = match value {
            Some(Value::String(text)) => text.clone(),
            Some(value) if !value.is_null() => value.to_string(),
            _ => return Err(format!("the answer has no `{pointer}` to go on with")),
        };
        variables.set(name, text);
    }
    for (name, text) in &step.set {
        let text = variables.fill(text).map_err(|error| error.to_string())?;
        variables.set(name, text);
    }
    Ok(())
}
