//! <https://hl7.org/fhir/R4/http.html#search>

use canonical_model::{ResourceType, Result};
use domain::interactions::search as interaction;
use search::query::{Handling, Pair, parse, write_pairs};
use search::{Query, QueryContext};

use crate::answer::Answer;
use crate::app::App;
use crate::bundle::render::{BundleText, match_entry, outcome_entry};
use crate::page_link;
use crate::wire_request::WireRequest;

pub(crate) async fn search(app: &App, wire: WireRequest, kind: ResourceType) -> Result<Answer> {
    let query = query(app, kind, &wire.pairs, wire.handling)?;
    let client = wire.request.caller.client_id.as_str();
    let hasher = app.domain.store().hasher();
    let after =
        query.page.as_deref().map(|link| page_link::read(hasher, client, link)).transpose()?;
    let page = interaction::search(&app.domain, &wire.request, &query, after.as_ref()).await?;

    let mut bundle = BundleText::new("searchset", page.total);
    let own = || {
        let pairs = query.applied.iter().filter(|(name, _)| name != "_page");
        pairs.map(|(name, value)| (name.as_str(), value.as_str()))
    };
    let url = |text: String| {
        let mark = if text.is_empty() { "" } else { "?" };
        format!("{}/{kind}{mark}{text}", app.base())
    };
    let here = query.page.as_deref().map(|link| ("_page", link));
    bundle.link("self", &url(write_pairs(own().chain(here))));
    bundle.link("first", &url(write_pairs(own())));
    if let Some(next) = &page.next {
        let place = page_link::write(hasher, client, next);
        bundle.link("next", &url(write_pairs(own().chain([("_page", place.as_str())]))));
    }
    for found in &page.found {
        match_entry(&mut bundle, app.base(), &found.resource, &wire.format)?;
    }
    if !query.ignored.is_empty() {
        outcome_entry(&mut bundle, &query.ignored);
    }
    Answer::fhir(bundle.finish(), &wire.format)
}

/// Reads the parameters.
pub(crate) fn query(
    app: &App,
    kind: ResourceType,
    pairs: &[Pair],
    handling: Handling,
) -> Result<Query> {
    let context = QueryContext::new(app.domain.catalogue(), app.base(), handling);
    parse(context, kind, pairs)
}
