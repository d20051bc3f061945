//! <https://hl7.org/fhir/R4/http.html#search>

use canonical_model::{Error, ResourceType, Result};
use domain::interactions::search as interaction;
use search::QueryContext;
use search::query::{parse, parse_pairs, write_pairs};

use crate::answer::Answer;
use crate::app::App;
use crate::bundle::render::{BundleText, match_entry, outcome_entry};
use crate::page_link;
use crate::wire_request::{Body, WireRequest, unsupported};

pub(crate) async fn search(app: &App, mut wire: WireRequest, kind: ResourceType) -> Result<Answer> {
    take_form(&mut wire)?;
    let context = QueryContext {
        catalogue: app.domain.catalogue(),
        base: app.base(),
        handling: wire.handling,
    };
    let query = parse(context, kind, &wire.pairs)?;
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

/// `_search` by POST: the form's parameters beside the query's.
fn take_form(wire: &mut WireRequest) -> Result<()> {
    let Body::Bytes(bytes) = &wire.body else { return Ok(()) };
    if bytes.is_empty() {
        return Ok(());
    }
    let media_type = wire.content_type.as_deref().unwrap_or_default();
    if !media_type.starts_with("application/x-www-form-urlencoded") {
        return Err(unsupported("Send a search as application/x-www-form-urlencoded."));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Error::invalid("The form is not UTF-8."))?;
    let form = parse_pairs(text)?;
    wire.format = crate::format::Format::of(
        &form.iter().chain(&wire.pairs).cloned().collect::<Vec<_>>(),
        wire.accept.as_deref(),
    )?;
    wire.pairs.extend(form);
    Ok(())
}
