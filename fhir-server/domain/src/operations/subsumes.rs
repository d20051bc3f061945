//! `CodeSystem/$subsumes`: how two concepts are to each other.
//! <https://hl7.org/fhir/R4/codesystem-operation-subsumes.html>

use canonical_model::{Error, Result, Value};

use super::codings::Coding;
use super::parameters::{Form, Rule, one};
use super::{Asked, parameter, parameters, required};

pub(super) const RULES: &[Rule] = &[
    one("codeA", Form::Text),
    one("codeB", Form::Text),
    one("system", Form::Text),
    one("version", Form::Text),
    one("codingA", Form::Coding),
    one("codingB", Form::Coding),
];

pub(super) async fn subsumes(asked: &mut Asked<'_>) -> Result<Value> {
    let (a, b) = (coding(asked, "codeA", "codingA")?, coding(asked, "codeB", "codingB")?);
    if a.system != b.system || a.version.is_some() && b.version.is_some() && a.version != b.version
    {
        let text = "codingA, codingB: both must be of one code system, in one version";
        return Err(Error::invalid(text).at("http.codingB"));
    }
    let version = a.version.as_deref().or(b.version.as_deref());
    let system = asked.code_system(a.system.as_deref(), version).await?;
    system.expect_complete()?;
    system.expect_subsumption()?;
    let place = |coding: &Coding, name: &str| {
        system.expect(&coding.code).map_err(|error| error.at(&format!("http.{name}")))
    };
    let outcome = system.subsumption(place(&a, "codeA")?, place(&b, "codeB")?);
    Ok(parameters(vec![parameter("outcome", "valueCode", outcome.as_str())]))
}

fn coding(asked: &Asked<'_>, code: &str, coding: &str) -> Result<Coding> {
    let given = &asked.given;
    match (given.text(code), given.value(coding)) {
        (Some(_), Some(_)) => {
            let text = format!("{code}, {coding}: name one of them");
            Err(Error::invalid(text).at(&format!("http.{code}")))
        }
        (Some(code), None) => {
            let own = |name: &str| given.text(name).map(str::to_owned);
            let (system, version) = (own("system"), own("version"));
            Ok(Coding { system, version, code: code.to_owned(), display: None })
        }
        (None, Some(coding)) => Coding::read(coding),
        (None, None) => Err(required(code)),
    }
}
