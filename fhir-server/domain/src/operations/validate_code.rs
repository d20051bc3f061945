//! `$validate-code`: whether a code is one of a code system, or in a value set. What cannot be told is an error that says
//! why, never a `result`. <https://hl7.org/fhir/R4/valueset-operation-validate-code.html>

use std::sync::Arc;

use ::terminology::{CodeSystem, Membership, ValueSet, membership};
use canonical_model::{Error, IssueCode, Kind, ResourceType, Result, Value};

use super::codings::Coding;
use super::parameters::{Form, Given, NO_CONTEXT, NO_DATE, Rule, one, refused};
use super::{Asked, parameter, parameters, required};
use crate::terminology::shown;

pub(super) const IN_SYSTEM: &[Rule] = &[
    one("url", Form::Text),
    one("codeSystem", Form::Resource),
    one("code", Form::Text),
    one("version", Form::Text),
    one("display", Form::Text),
    one("coding", Form::Coding),
    one("codeableConcept", Form::CodeableConcept),
    refused("date", NO_DATE),
    one("abstract", Form::Boolean),
    one("displayLanguage", Form::Text),
];

pub(super) const IN_SET: &[Rule] = &[
    one("url", Form::Text),
    refused("context", NO_CONTEXT),
    one("valueSet", Form::Resource),
    one("valueSetVersion", Form::Text),
    one("code", Form::Text),
    one("system", Form::Text),
    one("systemVersion", Form::Text),
    one("display", Form::Text),
    one("coding", Form::Coding),
    one("codeableConcept", Form::CodeableConcept),
    refused("date", NO_DATE),
    one("abstract", Form::Boolean),
    one("displayLanguage", Form::Text),
];

/// What is told of one code.
enum Told {
    /// It is right; its display.
    Right { display: Option<String>, hint: Option<String> },
    /// It is not, for this reason; how it is called, where only that is wrong.
    Wrong { display: Option<String>, why: String },
    /// It cannot be told, for this reason.
    NotChecked(String),
}

pub(super) async fn in_system(asked: &mut Asked<'_>) -> Result<Value> {
    asked.expect_one(&["url", "codeSystem"])?;
    let codings = Coding::all(&asked.given, "url", "version")?;
    let url = asked.given.text("url").map(str::to_owned);
    let given = match asked.given.resource("codeSystem", ResourceType::CODE_SYSTEM)? {
        Some(resource) => Some(Arc::new(CodeSystem::read(resource)?)),
        None => None,
    };
    let version = asked.given.text("version").map(str::to_owned);
    let first = codings.first().and_then(|coding| coding.system.clone());
    let of_first = codings.first().and_then(|coding| coding.version.clone());
    let system = match given {
        Some(given) => given,
        None if asked.instance.is_some() => asked.code_system(None, None).await?,
        None => {
            let named = url.or(first).ok_or_else(|| required("url"))?;
            asked.code_system(Some(&named), version.or(of_first).as_deref()).await?
        }
    };
    let context = Context::of(&asked.given);
    let told = codings.iter().map(|coding| of_system(&system, coding, &context));
    answer(told.collect())
}

fn of_system(system: &CodeSystem, coding: &Coding, context: &Context) -> Told {
    let url = &system.head().url;
    if coding.system.as_ref().is_some_and(|other| other != url) {
        let why = format!("the code is of another system than {}", shown(url));
        return Told::Wrong { display: None, why };
    }
    match system.find(&coding.code) {
        Some(_) => described(system, coding, context, None),
        None if system.makes(&coding.code) == Some(true) => made(system, coding),
        None if system.is_complete() || system.makes(&coding.code) == Some(false) => {
            let why = format!("the code is not one of the code system {}", shown(url));
            Told::Wrong { display: None, why }
        }
        None => Told::NotChecked(format!(
            "the code system {} is known here, but not with all its concepts",
            shown(url)
        )),
    }
}

pub(super) async fn in_set(asked: &mut Asked<'_>) -> Result<Value> {
    let codings = Coding::all(&asked.given, "system", "systemVersion")?;
    if codings.iter().all(|coding| coding.system.is_none()) {
        return Err(required("system"));
    }
    let set = asked.value_set().await?;
    asked.definitions.gather(&set, false).await?;
    let context = Context::of(&asked.given);
    let mut told = Vec::with_capacity(codings.len());
    for coding in &codings {
        told.push(of_set(asked, &set, coding, &context).await?);
    }
    answer(told)
}

async fn of_set(
    asked: &mut Asked<'_>,
    set: &Arc<ValueSet>,
    coding: &Coding,
    context: &Context,
) -> Result<Told> {
    let Some(url) = &coding.system else {
        let why = "the code has no system".to_owned();
        return Ok(Told::Wrong { display: None, why });
    };
    match membership(asked.definitions.loaded(), set, Some(url), &coding.code) {
        Membership::Out => {
            let why = format!("the code is not in the value set {}", shown(&set.url));
            Ok(Told::Wrong { display: None, why })
        }
        Membership::Unknown(why) => Ok(Told::NotChecked(why)),
        Membership::In => {
            let found = asked.definitions.code_system(url, coding.version.as_deref()).await;
            match found {
                Ok(system) => Ok(in_version(&system, set, coding, context)),
                Err(error) if matches!(error.kind, Kind::Internal | Kind::Unavailable) => {
                    Err(error)
                }
                Err(error) if coding.version.is_some() => {
                    let texts = error.issues.into_iter().map(|issue| issue.diagnostics);
                    Ok(Told::NotChecked(texts.collect::<Vec<_>>().join("; ")))
                }
                // Its author lists it; how it is called is not known.
                Err(_) => Ok(listed(set, coding, context)),
            }
        }
    }
}

/// A code that is in the value set, and must be one of the system's version.
fn in_version(system: &CodeSystem, set: &ValueSet, coding: &Coding, context: &Context) -> Told {
    match system.find(&coding.code) {
        Some(_) => described(system, coding, context, Some(set)),
        None if coding.version.is_some() && system.is_complete() => {
            let why = "the code is not one of this version of its system".to_owned();
            Told::Wrong { display: None, why }
        }
        None if system.makes(&coding.code) == Some(true) => made(system, coding),
        None => listed(set, coding, context),
    }
}

/// A code that the system's grammar makes: it may be called in many ways.
fn made(system: &CodeSystem, coding: &Coding) -> Told {
    Told::Right { display: system.made_display(&coding.code), hint: None }
}

/// What the request says of all its codes.
struct Context {
    abstract_too: bool,
    language: Option<String>,
    display: Option<String>,
}

impl Context {
    fn of(given: &Given) -> Self {
        let own = |name: &str| given.text(name).map(str::to_owned);
        let abstract_too = given.flag("abstract") == Some(true);
        Self { abstract_too, language: own("displayLanguage"), display: own("display") }
    }
}

/// Judges all but whether the code is one: whether it may be used, and how it is called.
fn described(
    system: &CodeSystem,
    coding: &Coding,
    context: &Context,
    set: Option<&ValueSet>,
) -> Told {
    let Some(place) = system.find(&coding.code) else {
        return Told::NotChecked("the code system does not have the code".to_owned());
    };
    let language = context.language.as_deref();
    let display = language.and_then(|language| system.in_language(place, language));
    let display = display.or_else(|| system.display(place)).map(str::to_owned);
    if system.is_abstract(place) && !context.abstract_too {
        let why = "the code only groups others; with abstract=true it is accepted".to_owned();
        return Told::Wrong { display, why };
    }
    let own = set.and_then(|set| set.display(&system.head().url, &coding.code));
    let others = system.designations(place).map(|it| it.value);
    let known = system.display(place).into_iter().chain(others).chain(own);
    if let Some(why) = misnamed(coding, context, known) {
        return Told::Wrong { display, why };
    }
    let hint = system.is_inactive(place).then(|| "the code is no longer to be used".to_owned());
    Told::Right { display, hint }
}

/// A code of a system that is not here.
fn listed(set: &ValueSet, coding: &Coding, context: &Context) -> Told {
    let display = set.display(coding.system.as_deref().unwrap_or_default(), &coding.code);
    match misnamed(coding, context, display.into_iter()) {
        Some(why) => Told::Wrong { display: display.map(str::to_owned), why },
        None => Told::Right { display: display.map(str::to_owned), hint: None },
    }
}

/// What is wrong with the display that was given, if it is none of these.
fn misnamed<'t>(
    coding: &Coding,
    context: &Context,
    known: impl Iterator<Item = &'t str>,
) -> Option<String> {
    let given = coding.display.as_deref().or(context.display.as_deref())?.trim();
    let known: Vec<&str> = known.collect();
    if known.is_empty() || known.iter().any(|it| it.to_lowercase() == given.to_lowercase()) {
        return None;
    }
    Some("the display is none of the code's".to_owned())
}

/// One right code is enough; otherwise all must be judged.
fn answer(told: Vec<Told>) -> Result<Value> {
    let mut wrong: Option<(Option<String>, Vec<String>)> = None;
    let mut not_checked = None;
    for one in told {
        match one {
            Told::Right { display, hint } => return Ok(result(true, hint, display)),
            Told::Wrong { display, why } => {
                let (kept, reasons) = wrong.get_or_insert_default();
                *kept = kept.take().or(display);
                if !reasons.contains(&why) {
                    reasons.push(why);
                }
            }
            Told::NotChecked(why) => not_checked = Some(why),
        }
    }
    if let Some(why) = not_checked {
        let text = format!("the code was not checked: {why}");
        return Err(Error::unprocessable(text).code(IssueCode::NotSupported));
    }
    let (display, reasons) = wrong.unwrap_or_default();
    Ok(result(false, Some(reasons.join("; ")), display))
}

fn result(right: bool, message: Option<String>, display: Option<String>) -> Value {
    let mut out = vec![parameter("result", "valueBoolean", right)];
    out.extend(message.map(|text| parameter("message", "valueString", text)));
    out.extend(display.map(|text| parameter("display", "valueString", text)));
    parameters(out)
}
