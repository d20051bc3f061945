//! `_explain=true`: how a search is answered, for the server's operator, as Parameters.

use canonical_model::{Error, Result, Value, object};
use domain::interactions::search::{self as interaction, Scope};
use search::named;
use search::query::{Pair, in_words};

use crate::answer::Answer;
use crate::app::App;
use crate::wire_request::WireRequest;

/// Takes `_explain` out of a search's parameters, and says whether it was asked.
///
/// # Errors
/// Invalid for another value than true or false.
pub(crate) fn wanted(pairs: &mut Vec<Pair>) -> Result<bool> {
    let mut wanted = false;
    for (name, value) in pairs.iter().filter(|(name, _)| name == "_explain") {
        wanted = match value.as_str() {
            "true" => true,
            "false" => false,
            _ => return Err(Error::invalid(format!("{name}: expected true or false"))),
        };
    }
    pairs.retain(|(name, _)| name != "_explain");
    Ok(wanted)
}

/// The search as it was understood, what finds its candidates, its SQL and the database's account, with
/// times. The first page is found and not shown.
///
/// # Errors
/// Forbidden unless the caller is the operator; what the search itself runs into.
pub(crate) async fn explain(app: &App, wire: &WireRequest, scope: &Scope) -> Result<Answer> {
    if wire.pairs.iter().any(|(name, _)| name == "_page") {
        return Err(Error::invalid(
            "_explain: a page link holds its search; send the search itself",
        ));
    }
    let (domain, request) = (&app.domain, &wire.request);
    let queries = interaction::queries(domain, request, scope, &wire.pairs, wire.handling).await?;
    let explained = interaction::explain_to(domain, request, &queries).await?;
    let catalogue = domain.catalogue();
    let mut parameters = Vec::new();
    let mut add = |name: &str, text: String| {
        parameters.push(Value::from(object! { "name": name, "valueString": text }));
    };
    for (query, driver) in queries.iter().zip(explained.drivers) {
        add("expression", in_words(&catalogue, query)?);
        add("driver", named(&catalogue, query, &driver)?);
    }
    add("sql", explained.sql);
    for line in explained.account {
        add("account", line);
    }
    let body = object! { "resourceType": "Parameters", "parameter": parameters };
    Answer::fhir(Value::from(body).to_text(), &wire.format)
}
