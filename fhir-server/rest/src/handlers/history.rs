//! <https://hl7.org/fhir/R4/http.html#history>

use canonical_model::date::PartialDateTime;
use canonical_model::{Error, IssueCode, Result};
use chrono::{DateTime, Utc};
use domain::interactions::history as interaction;
use search::query::{Handling, Pair, write_pairs};
use store::{HistoryQuery, HistoryScope};

use crate::answer::Answer;
use crate::app::App;
use crate::bundle::render::{BundleText, history_entry};
use crate::limits::{HISTORY_COUNT_DEFAULT, HISTORY_COUNT_MAX};
use crate::page_link::{self, Holder};
use crate::wire_request::WireRequest;

pub(crate) async fn history(
    app: &App,
    wire: WireRequest,
    scope: HistoryScope,
    path: &str,
) -> Result<Answer> {
    let query = query(app, &wire, scope, &wire.pairs)?;
    let page = interaction::history(&app.domain, &wire.request, query).await?;
    let mut bundle = BundleText::new("history", None);
    let own: Vec<&Pair> = wire.pairs.iter().filter(|(name, _)| name != "_page").collect();
    let pairs = || own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    bundle.link("self", &url(app, path, &write_pairs(pairs())));
    if let Some(next) = page.next {
        let place = page_link::write_history(&Holder::of(app, &wire.request, "_history"), next)?;
        let text = write_pairs(pairs().chain([("_page", place.as_str())]));
        bundle.link("next", &url(app, path, &text));
    }
    for version in &page.versions {
        history_entry(&mut bundle, app.base(), version, &wire.format)?;
    }
    Ok(Answer::fhir(bundle.finish(), &wire.format)?.about(page.versions.iter()))
}

fn url(app: &App, path: &str, query: &str) -> String {
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}/{path}{mark}{query}", app.base())
}

/// Reads the parameters. What is not known here is passed over, unless strict handling is asked.
pub(crate) fn query(
    app: &App,
    wire: &WireRequest,
    scope: HistoryScope,
    pairs: &[Pair],
) -> Result<HistoryQuery> {
    let mut query = HistoryQuery {
        scope,
        since: None,
        at: None,
        oldest_first: false,
        after: None,
        limit: HISTORY_COUNT_DEFAULT,
    };
    for (name, value) in pairs {
        match name.as_str() {
            "_since" => query.since = Some(interval(name, value)?.0),
            "_at" => query.at = Some(interval(name, value)?),
            "_count" => {
                let wish: i64 = value
                    .parse()
                    .ok()
                    .filter(|n| *n >= 0)
                    .ok_or_else(|| Error::invalid("_count: expected a number of versions"))?;
                query.limit = wish.min(HISTORY_COUNT_MAX);
            }
            "_sort" => {
                query.oldest_first = match value.as_str() {
                    "_lastUpdated" => true,
                    "-_lastUpdated" => false,
                    _ => {
                        let text = "_sort: history is sorted by _lastUpdated or -_lastUpdated";
                        return Err(Error::invalid(text));
                    }
                };
            }
            "_page" => {
                let holder = Holder::of(app, &wire.request, "_history");
                query.after = Some(page_link::read_history(&holder, value)?);
            }
            "_format" | "_pretty" | "_summary" | "_elements" => {}
            _ if wire.handling == Handling::Strict => {
                let text = format!("{name}: history has no such parameter");
                return Err(Error::invalid(text).code(IssueCode::NotSupported));
            }
            _ => {}
        }
    }
    Ok(query)
}

fn interval(name: &str, value: &str) -> Result<(DateTime<Utc>, DateTime<Utc>)> {
    let fault = || Error::invalid(format!("{name}: expected a date or an instant"));
    let (lo, hi) = PartialDateTime::parse(value).map_err(|_| fault())?.range();
    let at = |micros| DateTime::from_timestamp_micros(micros).ok_or_else(fault);
    Ok((at(lo)?, at(hi)?))
}
