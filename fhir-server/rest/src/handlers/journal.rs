//! The record of accesses as AuditEvents: a walk through it, one of them, and what a patient may ask of oneself.
//! Each of these is an access, and recorded as one.

use canonical_model::{Error, ResourceId, Result};
use domain::record::{self, Ask, Shown};
use search::query::{Pair, write_pairs};

use crate::answer::Answer;
use crate::app::App;
use crate::bundle::render::{BundleText, made_entry};
use crate::page_link::{self, Holder};
use crate::wire_request::WireRequest;

/// Parameters that shape the answer, not what is found: they stay beside a page link.
const VIEW: [&str; 4] = ["_format", "_pretty", "_summary", "_elements"];

/// `AuditEvent/$journal`: the record, by patient, agent, period, action and outcome.
pub(crate) async fn journal(app: &App, wire: WireRequest) -> Result<Answer> {
    walk(app, wire, "AuditEvent/$journal", Ok).await
}

/// `Patient/[id]/$access-report`: who has seen a patient's data.
pub(crate) async fn access_report(app: &App, wire: WireRequest, id: &ResourceId) -> Result<Answer> {
    walk(app, wire, &format!("Patient/{id}/$access-report"), |ask| of(ask, id)).await
}

/// `Patient/[id]/$accounting-of-disclosures`: to whom they went, for other purposes than treatment, payment and
/// operations, in six years.
pub(crate) async fn disclosures(app: &App, wire: WireRequest, id: &ResourceId) -> Result<Answer> {
    let path = format!("Patient/{id}/$accounting-of-disclosures");
    let now = app.domain.now();
    walk(app, wire, &path, |ask| Ok(of(ask, id)?.of_six_years(now))).await
}

/// `AuditEvent/j-…`: one event.
pub(crate) async fn event(app: &App, wire: WireRequest, id: &ResourceId) -> Result<Answer> {
    let (text, patients) = record::event(&app.domain, &wire.request, id).await?;
    Ok(Answer { patients, ..Answer::fhir(text, &wire.format)? })
}

/// What is asked of a patient whom the path names.
fn of(ask: Ask, id: &ResourceId) -> Result<Ask> {
    if ask.patient.is_some() {
        return Err(Error::invalid("patient: the path names the patient").at("http.patient"));
    }
    Ok(Ask { patient: Some(id.clone()), ..ask })
}

async fn walk(
    app: &App,
    wire: WireRequest,
    path: &str,
    narrow: impl Fn(Ask) -> Result<Ask>,
) -> Result<Answer> {
    let holder = Holder::of(app, &wire.request, path);
    let link = wire.pairs.iter().find(|(name, _)| name == "_page");
    let is_view = |pair: &&Pair| VIEW.contains(&pair.0.as_str());
    let (pairs, behind) = match link {
        Some((_, link)) => {
            if wire.pairs.iter().filter(|pair| !is_view(pair)).count() > 1 {
                let text = "_page: a page link holds its search; send no other parameters with it";
                return Err(Error::invalid(text).at("http._page"));
            }
            let (pairs, key) = page_link::read_journal(&holder, link)?;
            (pairs, Some(key))
        }
        None => (wire.pairs.iter().filter(|pair| !is_view(pair)).cloned().collect(), None),
    };
    let ask = narrow(Ask::read(&pairs)?)?;
    let Shown { events, next, patients } =
        record::journal(&app.domain, &wire.request, &ask, behind).await?;
    let view: Vec<&Pair> = wire.pairs.iter().filter(is_view).collect();
    let url = |own: Vec<(&str, &str)>| {
        let view = view.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let query = write_pairs(own.into_iter().chain(view));
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}/{path}{mark}{query}", app.base())
    };
    let mut bundle = BundleText::new("searchset", None);
    let own = match link {
        Some((name, link)) => vec![(name.as_str(), link.as_str())],
        None => pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
    };
    bundle.link("self", &url(own));
    if let Some(next) = next {
        let place = page_link::write_journal(&holder, &pairs, next)?;
        bundle.link("next", &url(vec![("_page", &place)]));
    }
    for (id, text) in &events {
        made_entry(&mut bundle, app.base(), &format!("AuditEvent/{id}"), text)?;
    }
    Ok(Answer { patients, ..Answer::fhir(bundle.finish(), &wire.format)? })
}
