//! <https://hl7.org/fhir/R4/http.html#search>

use access::Action;
use canonical_model::{Error, Issue, IssueCode, Kind, ResourceType, Result, Severity};
use conformance::Registry;
use domain::interactions::search::{self as interaction, Scope, Searched};
use domain::{Request, Withheld, said_of_all};
use search::Query;
use search::limits::QUERY_BYTES_MAX;
use search::query::{Handling, Pair, offer, tame, write_pairs};
use store::Found;

use crate::answer::Answer;
use crate::app::App;
use crate::bundle::render::{BundleText, match_entry, outcome_entry};
use crate::format::Format;
use crate::handlers::explain;
use crate::limits::ELEMENTS_NAMED_MAX;
use crate::page_link::{self, Holder};
use crate::projection::unknown_elements;
use crate::wire_request::WireRequest;

/// Parameters that shape the answer, not what is found: they stay beside a page link.
const VIEW: [&str; 4] = ["_format", "_pretty", "_summary", "_elements"];

/// About as much as an entry has beside its resource.
const ENTRY_BYTES: usize = 160;

pub(crate) async fn search(app: &App, mut wire: WireRequest, scope: &Scope) -> Result<Answer> {
    if explain::wanted(&mut wire.pairs)? {
        return explain::explain(app, &wire, scope).await;
    }
    let path = path(scope);
    let holder = Holder::of(app, &wire.request, &path);
    let page = wire.pairs.iter().find(|(name, _)| name == "_page");
    let (pairs, after) = match page {
        Some((_, link)) => {
            let place = page_link::read(&holder, link)?;
            let (view, others): (Vec<&Pair>, Vec<&Pair>) =
                wire.pairs.iter().partition(|(name, _)| VIEW.contains(&name.as_str()));
            if others.len() > 1 {
                let text = "_page: a page link holds its search; send no other parameters with it";
                return Err(Error::invalid(text).at("http._page"));
            }
            (place.pairs.into_iter().chain(view.into_iter().cloned()).collect(), place.key)
        }
        None => (wire.pairs.clone(), None),
    };
    let queries =
        interaction::queries(&app.domain, &wire.request, scope, &pairs, wire.handling).await?;
    let unsent = unsent(&queries, &wire.format, wire.handling)?;
    let mut own = own(scope, &queries, &pairs);
    if !unsent.is_empty() {
        pass_over(&queries, &mut wire.format, &mut own);
    }
    let links = Links { base: app.base(), path: &path, own };
    links.expect_short()?;
    let found = interaction::search(&app.domain, &wire.request, &queries, after.as_ref()).await?;
    if let (Handling::Strict, Some(said)) = (wire.handling, found.incomplete.first()) {
        return Err(Error::new(Kind::Unavailable, said.as_str()).code(IssueCode::Incomplete));
    }

    let mut bundle = BundleText::new("searchset", found.page.total);
    let page = page.map(|(_, link)| link.as_str());
    bundle.link("self", &page.map_or_else(|| links.plain(), |link| links.page(link)));
    // The criteria may name a patient: what was in a page link or a form gets into no address.
    let first = match page {
        None if wire.body.is_empty() => links.plain(),
        _ => links.page(&page_link::write(&holder, &links.asked(), None)?),
    };
    bundle.link("first", &first);
    for (relation, key) in [("previous", &found.page.previous), ("next", &found.page.next)] {
        if let Some(key) = key {
            let link = page_link::write(&holder, &links.asked(), Some(key))?;
            bundle.link(relation, &links.page(&link));
        }
    }
    let all = found.page.found.iter().chain(&found.included);
    let bytes = |one: &Found| one.resource.text.as_ref().map_or(0, |text| text.len());
    bundle.reserve(all.map(|one| bytes(one) + ENTRY_BYTES).sum());
    for one in &found.page.found {
        match_entry(&mut bundle, app.base(), &one.resource, &wire.format, "match")?;
    }
    // `_elements` speaks of the matches alone, `_summary` of all that is sent.
    let around = Format { elements: Vec::new(), ..wire.format.clone() };
    for one in &found.included {
        match_entry(&mut bundle, app.base(), &one.resource, &around, "include")?;
    }
    let mut issues = issues(&queries, &found);
    issues.extend(unsent);
    if !issues.is_empty() {
        outcome_entry(&mut bundle, &issues)?;
    }
    let all = found.page.found.iter().chain(&found.included);
    let answer = Answer::fhir(bundle.finish(), &wire.format)?;
    let rules = found.withheld.as_ref().map(ToString::to_string);
    Ok(Answer { rules, ..answer.about(all.map(|one| &one.resource)) })
}

/// The links of an answer.
struct Links<'a> {
    base: &'a str,
    path: &'a str,
    /// The parameters that were understood.
    own: Vec<Pair>,
}

impl Links<'_> {
    fn url(&self, query: &str) -> String {
        let mark = if query.is_empty() { "" } else { "?" };
        let slash = if self.path.is_empty() { "" } else { "/" };
        format!("{}{slash}{}{mark}{query}", self.base, self.path)
    }

    fn plain(&self) -> String {
        self.url(&write_pairs(self.own.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
    }

    fn page(&self, link: &str) -> String {
        let view = self.own.iter().filter(|(name, _)| VIEW.contains(&name.as_str()));
        let view = view.map(|(name, value)| (name.as_str(), value.as_str()));
        self.url(&write_pairs(std::iter::once(("_page", link)).chain(view)))
    }

    /// Refuses a search whose next page nobody could ask for: its link would be too long a query.
    fn expect_short(&self) -> Result<()> {
        let written = |pairs: &mut dyn Iterator<Item = &Pair>| {
            write_pairs(pairs.map(|(name, value)| (name.as_str(), value.as_str()))).len()
        };
        let is_view = |pair: &&Pair| VIEW.contains(&pair.0.as_str());
        let view = written(&mut self.own.iter().filter(is_view));
        let asked = written(&mut self.own.iter().filter(|pair| !is_view(pair)));
        if page_link::bytes_of(asked) + view <= QUERY_BYTES_MAX {
            return Ok(());
        }
        let text = "The search is too long for a link to its next page, which may have 64 kB. Use fewer values.";
        Err(Error::invalid(text))
    }

    /// What goes into a page link.
    fn asked(&self) -> Vec<Pair> {
        self.own.iter().filter(|(name, _)| !VIEW.contains(&name.as_str())).cloned().collect()
    }
}

/// The parameters that were understood, as they were sent.
fn own(scope: &Scope, queries: &[Query], pairs: &[Pair]) -> Vec<Pair> {
    let several = matches!(scope, Scope::System | Scope::Compartment(_, _, None));
    let Some(query) = queries.first() else {
        return pairs.iter().filter(|(name, _)| name != "_page").cloned().collect();
    };
    let kinds = pairs.iter().filter(|(name, _)| several && name == "_type");
    kinds.chain(query.applied.iter().filter(|(name, _)| name != "_page")).cloned().collect()
}

/// What the answer says of elements that were asked for and that no type here has.
///
/// # Errors
/// Invalid in strict handling.
fn unsent(queries: &[Query], format: &Format, handling: Handling) -> Result<Vec<Issue>> {
    let kinds: Vec<ResourceType> = queries.iter().map(|query| query.kind).collect();
    let said = |name: &str| {
        let known = kinds.iter().flat_map(|kind| Registry::r4().elements(kind.name()));
        let near = offer(name, known.map(|element| element.name));
        let text = format!("_elements: there is no element `{}` here{near}", tame(name));
        Issue::warning(IssueCode::NotSupported, text).at("http._elements")
    };
    let unknown: Vec<Issue> =
        unknown_elements(format, &kinds).take(ELEMENTS_NAMED_MAX).map(said).collect();
    if unknown.is_empty() || handling == Handling::Lenient {
        return Ok(unknown);
    }
    let error = |issue| Issue { severity: Severity::Error, ..issue };
    Err(Error::from_issues(Kind::Invalid, unknown.into_iter().map(error).collect()))
}

/// Takes elements that no type here has out of what is asked for, and out of the links: what is not understood neither
/// shapes the answer nor is said to.
fn pass_over(queries: &[Query], format: &mut Format, own: &mut Vec<Pair>) {
    let kinds: Vec<ResourceType> = queries.iter().map(|query| query.kind).collect();
    let unknown: Vec<String> = unknown_elements(format, &kinds).map(str::to_owned).collect();
    format.elements.retain(|name| !unknown.contains(name));
    let known = format.elements.join(",");
    own.retain(|(name, _)| name != "_elements" || !known.is_empty());
    for (_, value) in own.iter_mut().filter(|(name, _)| name == "_elements") {
        value.clone_from(&known);
    }
}

/// What the answer has to say of itself.
fn issues(queries: &[Query], found: &Searched) -> Vec<Issue> {
    let mut issues: Vec<Issue> =
        queries.first().map(|query| query.ignored.clone()).unwrap_or_default();
    let mut warn = |text: String| {
        let issue = Issue::error(IssueCode::Incomplete, text);
        issues.push(Issue { severity: canonical_model::Severity::Warning, ..issue });
    };
    found.incomplete.iter().chain(&found.left_out).cloned().for_each(&mut warn);
    if found.cut {
        let text =
            "More resources would be included than one page may hold. Ask for a smaller page.";
        warn(text.to_owned());
    }
    if let Some(lack) = found.lack {
        warn(said_of_all(lack));
    }
    issues.extend(found.withheld.as_ref().map(Withheld::issue));
    issues
}

/// The path of a search, below the base.
fn path(scope: &Scope) -> String {
    match scope {
        Scope::Type(kind) => kind.to_string(),
        Scope::System => String::new(),
        Scope::Compartment(of, id, Some(kind)) => format!("{of}/{id}/{kind}"),
        Scope::Compartment(of, id, None) => format!("{of}/{id}/*"),
    }
}

/// Refuses, before anything is written, a search in a transaction that cannot succeed.
pub(crate) async fn allowed(
    app: &App,
    request: &Request,
    scope: &Scope,
    pairs: &[Pair],
    handling: Handling,
) -> Result<()> {
    let mut pairs = pairs.to_vec();
    explain::wanted(&mut pairs)?;
    let queries = interaction::queries(&app.domain, request, scope, &pairs, handling).await?;
    unsent(&queries, &Format::of_entry(&pairs)?, handling)?;
    for query in &queries {
        app.domain.decide_query(request, query, Action::Search)?;
    }
    Ok(())
}
