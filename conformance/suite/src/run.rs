//! A run: each case by itself, with variables of its own.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::assertion;
use crate::case::{Case, Step};
use crate::cases::chosen;
use crate::id_token::decode;
use crate::limits::AGAIN_AFTER;
use crate::report::{Outcome, Report, Verdict};
use crate::request::{Came, Sender};
use crate::sign_in::sign_in;
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
    let discovery = discover(&sender, &mut variables).await?;
    let mut outcomes = Vec::with_capacity(cases.len());
    for (suite, case) in cases {
        let Case { id, title, section, .. } = case;
        let verdict = judge(&sender, case, &discovery, variables.clone()).await;
        let outcome = Outcome { id, suite, title, section, verdict };
        told(&outcome);
        outcomes.push(outcome);
    }
    Ok(Report::of(base, outcomes))
}

/// What the server declares; its endpoints become variables. Nothing, where it has no such document.
async fn discover(sender: &Sender, variables: &mut Variables) -> Result<Value> {
    let ask = "request = 'GET {base}/.well-known/smart-configuration'\n[expect]";
    let step: Step = toml::from_str(ask)?;
    let came = sender.send(&step, variables).await.context("the server cannot be reached")?;
    let Came::Answer(answer) = came else { return Ok(Value::Null) };
    let document = answer.json().unwrap_or(Value::Null);
    for (name, value) in document.as_object().into_iter().flatten() {
        if let Some(text) = value.as_str() {
            variables.set(name, text);
        }
    }
    Ok(document)
}

async fn judge(sender: &Sender, case: &Case, discovery: &Value, variables: Variables) -> Verdict {
    if let Some(lack) = case.needs.iter().find_map(|need| need.lack(discovery, &variables)) {
        return Verdict::Skipped(lack);
    }
    match walk(sender, case, variables).await {
        Ok(()) => Verdict::Passed,
        Err(why) => Verdict::Failed(why),
    }
}

async fn walk(sender: &Sender, case: &Case, mut variables: Variables) -> Result<(), String> {
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
            until(sender, step, &mut variables).await.map_err(named)?;
        }
    }
    Ok(())
}

/// Takes a step; one that has time, again until it holds.
async fn until(sender: &Sender, step: &Step, variables: &mut Variables) -> Result<(), String> {
    let ends = Instant::now() + Duration::from_secs(step.within_s);
    loop {
        match take(sender, step, variables).await {
            Err(_) if Instant::now() < ends => sleep(AGAIN_AFTER).await,
            done => return done,
        }
    }
}

async fn take(sender: &Sender, step: &Step, variables: &mut Variables) -> Result<(), String> {
    let said = |error: anyhow::Error| format!("{error:#}");
    if let Some(asked) = &step.assertion {
        variables.set("assertion", assertion::sign(asked, variables).map_err(said)?);
    }
    let came = match (&step.sign_in, &step.decode) {
        (Some(asked), _) => sign_in(&sender.0, asked, variables).await.map(Came::Answer),
        (None, Some(asked)) => decode(&sender.0, asked, variables).await.map(Came::Answer),
        (None, None) => sender.send(step, variables).await,
    };
    let answer = match came.map_err(said)? {
        Came::Answer(answer) => answer,
        Came::Refused(refused) if refused == step.expect.refused => return Ok(()),
        Came::Refused(_) => return Err("the handshake was not refused".to_owned()),
    };
    if let Some(fault) = step.expect.fault(&answer, variables) {
        return Err(fault);
    }
    let json = answer.json().unwrap_or(Value::Null);
    for (name, pointer) in &step.save {
        let value = json.pointer(pointer);
        let text = match value {
            Some(Value::String(text)) => text.clone(),
            Some(value) if !value.is_null() => value.to_string(),
            _ => return Err(format!("the answer has no `{pointer}` to go on with")),
        };
        variables.set(name, text);
    }
    Ok(())
}
