//! One look at all searches, at one size: the same answers from both sides, then both measured in turn.

use super::{
    account::rows_read,
    bed::{Bed, Server},
    binds::lower,
    options::Options,
    table::{Answer as Kind, Named},
    values::{Values, variants},
};
use crate::{
    limit::search::Statement,
    limits::ANSWER_MAX,
    load::{
        Answer, Asks, Call, Client, Endpoint, Lane, Loop, Measured, Mode, NoAnswer, Watched,
        run_loop, shown,
    },
    ours,
    programs::Program,
};
use anyhow::{Context as _, Result, ensure};
use search::{Catalogue, Hasher};
use serde_json::Value;
use std::{rc::Rc, time::Duration};

/// Closed loops.
pub(super) const CLIENTS: [usize; 3] = [1, 8, 32];

/// Where tails are taken, and so often, in turn; the best counts.
pub(super) const JUDGED_CLIENTS: usize = 8;
const REPEATS: usize = 2;

/// The open loop's rate: what a busy clinic asks of one kind.
const OPEN_PER_S: f64 = 100.0;
const OPEN_CLIENTS: usize = 32;

/// Requests of each search whose answers are compared, and whose matches are counted.
const COMPARED: usize = 5;

/// Both sides of one run.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Pair {
    pub(super) ours: Measured,
    pub(super) limit: Measured,
}

/// What was seen of one search.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Look {
    pub(super) name: String,
    pub(super) order: super::table::Order,
    /// How many match, on average; what could not be counted is absent.
    pub(super) matches: Option<f64>,
    /// How the two answers differ.
    pub(super) differs: Option<String>,
    pub(super) rows_read: Option<u64>,
    pub(super) limit_rows_read: u64,
    /// At each of [`CLIENTS`].
    pub(super) closed: Vec<Pair>,
    pub(super) open: Option<Pair>,
}

impl Look {
    pub(super) fn judged(&self) -> Option<&Pair> {
        self.closed.iter().find(|pair| pair.ours.clients == JUDGED_CLIENTS)
    }

    /// The best closed loop of each side.
    pub(super) fn best(&self) -> Option<(&Measured, &Measured)> {
        let best = |side: fn(&Pair) -> &Measured| {
            let rate = |run: &&Measured| run.requests_per_s;
            self.closed.iter().map(side).max_by(|a, b| rate(a).total_cmp(&rate(b)))
        };
        Some((best(|pair| &pair.ours)?, best(|pair| &pair.limit)?))
    }

    /// Time of a request over the limit's, at the best of each as in the suite of the store: with few clients the
    /// flush of the record is waited for, which the limit has not, and not what a search costs.
    pub(super) fn ratio(&self) -> Option<f64> {
        let (ours, limit) = self.best()?;
        Some(limit.requests_per_s / ours.requests_per_s.max(1e-9))
    }
}

/// The searches of a loaded database, ready to be asked of both.
pub(super) struct Ready {
    searches: Vec<Asked>,
    limit: Program,
    limit_endpoint: Endpoint,
}

struct Asked {
    named: Named,
    paths: Rc<[String]>,
    statement: Statement,
    /// As [`Named::explain`], for the first request.
    explain: Option<String>,
    number: usize,
}

impl Ready {
    /// Draws values and starts the bare program.
    pub(super) async fn set_up(bed: &Bed, server: &mut Server, named: &[Named]) -> Result<Self> {
        let mut connection = bed.connect().await?;
        let key: Vec<u8> = sqlx::query_scalar("select value from setting where name = 'hash_key'")
            .fetch_one(&mut connection)
            .await?;
        let key: [u8; 16] = key.try_into().ok().context("the hash key is not of 16 bytes")?;
        let catalogue = Catalogue::new(Hasher::new(&key));
        let base = format!("http://{}{}", server.endpoint.authority, ours::FHIR_BASE);
        let values = Values::draw(&mut connection).await?;
        let mut client = Client::new(server.authorized().await?);
        let mut searches = Vec::new();
        for (number, named) in named.iter().enumerate() {
            let lowered = lower(&named.sql).with_context(|| named.name.clone())?;
            let (mut paths, mut binds) = (Vec::new(), Vec::new());
            for variant in 0..variants(&named.get) {
                let path = encoded(&values.fill(&named.get, variant)?);
                paths.push(match named.second_page {
                    true => second_page(&mut client, path, &base).await?,
                    false => path,
                });
                let fill = |text: &str| values.fill(text, variant);
                let bound = lowered.binds(&catalogue, &base, fill);
                binds.push(bound.with_context(|| named.name.clone())?);
            }
            let statement = Statement { sql: lowered.sql, variants: binds };
            let explain = named.explain.as_ref().filter(|_| !named.second_page);
            let explain = explain.map(|text| values.fill(text, 0)).transpose()?;
            let (named, paths) = (named.clone(), paths.into());
            searches.push(Asked { named, paths, statement, explain, number });
        }
        let statements: Vec<Statement> = searches.iter().map(|s| s.statement.clone()).collect();
        let (limit, limit_endpoint) = bed.start_limit(&statements).await?;
        Ok(Self { searches, limit, limit_endpoint })
    }

    pub(super) async fn end(self) -> Result<()> {
        self.limit.stop().await
    }

    /// Ours alone, at [`JUDGED_CLIENTS`]: before statistics.
    pub(super) async fn tails(
        &self,
        bed: &mut Bed,
        server: &mut Server,
        options: &Options,
    ) -> Result<Vec<Measured>> {
        let mut tails = Vec::new();
        for asked in &self.searches {
            let mode = options.closed();
            let tail = self.ours(bed, server, asked, mode, JUDGED_CLIENTS, options).await;
            // A search that is refused for its cost is as slow as can be.
            tails.push(tail.unwrap_or_else(|_| Measured {
                clients: JUDGED_CLIENTS,
                p99_ms: ANSWER_MAX.as_secs_f64() * 1000.0,
                ..Measured::default()
            }));
            bed.progress.inc(1);
        }
        Ok(tails)
    }

    /// Everything of every search.
    pub(super) async fn look(
        &self,
        bed: &mut Bed,
        server: &mut Server,
        options: &Options,
    ) -> Result<Vec<Look>> {
        let mut looks = Vec::new();
        for asked in &self.searches {
            let mut look = self.examine(bed, server, asked).await?;
            if let Err(error) = self.measure(bed, server, asked, &mut look, options).await {
                // The others are still of interest; this one has missed.
                look.differs = Some(format!("{error:#}"));
            }
            looks.push(look);
            bed.progress.inc(1);
        }
        Ok(looks)
    }

    async fn measure(
        &self,
        bed: &mut Bed,
        server: &mut Server,
        asked: &Asked,
        look: &mut Look,
        options: &Options,
    ) -> Result<()> {
        for clients in CLIENTS {
            let repeats = if clients == JUDGED_CLIENTS { REPEATS } else { 1 };
            let mode = options.closed();
            let mut best = self.pair(bed, server, asked, (mode, clients), options).await?;
            for _ in 1..repeats {
                let again = self.pair(bed, server, asked, (mode, clients), options).await?;
                best = Pair {
                    ours: better(best.ours, again.ours),
                    limit: better(best.limit, again.limit),
                };
            }
            look.closed.push(best);
        }
        let mode = (Mode::Open(OPEN_PER_S, options.run_time()), OPEN_CLIENTS);
        look.open = Some(self.pair(bed, server, asked, mode, options).await?);
        Ok(())
    }

    async fn pair(
        &self,
        bed: &mut Bed,
        server: &mut Server,
        asked: &Asked,
        (mode, clients): (Mode, usize),
        options: &Options,
    ) -> Result<Pair> {
        let ours = self.ours(bed, server, asked, mode, clients, options).await?;
        let watched = Watched { server: self.limit.pid(), postmaster: bed.postgres.pid };
        let paths: Rc<[String]> =
            (0..asked.paths.len()).map(|n| format!("/{}/{n}", asked.number)).collect();
        let turns = turns(&asked.named.name, mode, clients, options.warm_up(mode));
        let limit = run(&self.limit_endpoint, watched, &turns, &paths).await?;
        bed.note(&limit);
        Ok(Pair { ours, limit })
    }

    async fn ours(
        &self,
        bed: &mut Bed,
        server: &mut Server,
        asked: &Asked,
        mode: Mode,
        clients: usize,
        options: &Options,
    ) -> Result<Measured> {
        bed.progress.set_message(format!("{}, {clients} clients", asked.named.name));
        let endpoint = server.authorized().await?;
        let turns = turns(&asked.named.name, mode, clients, options.warm_up(mode));
        let measured = run(&endpoint, server.watched(&bed.postgres), &turns, &asked.paths).await?;
        bed.note(&measured);
        Ok(measured)
    }

    /// Compares the answers, counts matches and the rows that are read.
    async fn examine(&self, bed: &Bed, server: &mut Server, asked: &Asked) -> Result<Look> {
        let named = &asked.named;
        let mut ours = Client::new(server.authorized().await?);
        let mut limit = Client::new(self.limit_endpoint.clone());
        let (mut differs, mut totals) = (None, Vec::new());
        for (n, path) in asked.paths.iter().take(COMPARED).enumerate() {
            let [one, other] = [
                body(&mut ours, path.clone()).await?,
                body(&mut limit, format!("/{}/{n}", asked.number)).await?,
            ]
            .map(|body| found(&body, named.answer));
            if one != other {
                differs = differs.or_else(|| Some(format!("{path}: {}", difference(&one, &other))));
            }
            if !named.second_page {
                let counted = match path.contains("_summary=count") {
                    true => path.clone(),
                    false => format!("{path}&_summary=count"),
                };
                let counted = body(&mut ours, counted).await?;
                totals.push(counted.get("total").and_then(Value::as_f64).unwrap_or_default());
            }
        }
        let rows = match &asked.explain {
            Some(text) => Some(rows_read(&ours::explain(&server.launch, text).await?)),
            None => None,
        };
        let matches = totals.iter().sum::<f64>() / totals.len().max(1) as f64;
        Ok(Look {
            name: named.name.clone(),
            order: named.order,
            matches: (!totals.is_empty()).then_some(matches),
            differs,
            rows_read: rows,
            limit_rows_read: rows_read(&bed.account(&asked.statement).await?),
            closed: Vec::new(),
            open: None,
        })
    }
}

fn turns(name: &str, mode: Mode, clients: usize, warm_up: Duration) -> Loop<'_> {
    Loop { name, mode, clients, warm_up, resources: 1 }
}

fn better(a: Measured, b: Measured) -> Measured {
    if b.requests_per_s > a.requests_per_s { b } else { a }
}

async fn run(
    endpoint: &Endpoint,
    watched: Watched,
    turns: &Loop<'_>,
    paths: &Rc<[String]>,
) -> Result<Measured> {
    let make = |lane: Lane| {
        // Clients begin far apart, so that they do not walk side by side.
        let next = lane.worker * paths.len() / lane.workers;
        Searcher { paths: Rc::clone(paths), next }
    };
    let run = run_loop(endpoint, watched, turns, make).await;
    if !run.as_ref().is_err_and(|error| error.is::<NoAnswer>()) {
        return run.with_context(|| turns.name.to_owned());
    }
    // Slower than the run is long: then what one request of each client takes is the figure.
    let Loop { name, clients, resources, .. } = *turns;
    let mode = Mode::Count(clients as u64);
    let turns = Loop { name, mode, clients, warm_up: Duration::ZERO, resources };
    run_loop(endpoint, watched, &turns, make).await.with_context(|| name.to_owned())
}

/// Asks one request after the other, round and round.
struct Searcher {
    paths: Rc<[String]>,
    next: usize,
}

impl Asks for Searcher {
    fn call(&mut self) -> Result<Call> {
        let path = self.paths.get(self.next % self.paths.len()).context("nothing to ask")?;
        self.next += 1;
        Ok(Call::get(path.clone()))
    }

    fn accept(&mut self, answer: &Answer) -> Result<()> {
        ensure!(answer.status.is_success(), "{}: {}", answer.status, shown(&answer.body));
        ensure!(answer.body.ends_with(b"}"), "the answer is cut");
        Ok(())
    }
}

async fn body(client: &mut Client, path: String) -> Result<Value> {
    let answer = client.send(Call::get(path.clone())).await?;
    ensure!(answer.status.is_success(), "{path}: {}: {}", answer.status, shown(&answer.body));
    serde_json::from_slice(&answer.body).with_context(|| path)
}

/// The path below the base of the second page.
async fn second_page(client: &mut Client, path: String, base: &str) -> Result<String> {
    let first = body(client, path).await?;
    let links = first.get("link").and_then(Value::as_array).context("no links")?;
    let is_next = |link: &&Value| link.get("relation").and_then(Value::as_str) == Some("next");
    let next = links.iter().find(is_next).and_then(|link| link.get("url")?.as_str());
    let next = next.context("there is no second page")?;
    Ok(next.strip_prefix(base).context("a link that leads elsewhere")?.to_owned())
}

/// What an answer names: `Type/id` of each resource, or its total.
fn found(bundle: &Value, answer: Kind) -> Vec<String> {
    if answer == Kind::Count {
        return vec![bundle.get("total").map(Value::to_string).unwrap_or_default()];
    }
    let entries = bundle.get("entry").and_then(Value::as_array).map(Vec::as_slice);
    let name = |entry: &Value| {
        let resource = entry.get("resource")?;
        let part = |name: &str| resource.get(name).and_then(Value::as_str);
        let kind = part("resourceType").filter(|kind| *kind != "OperationOutcome")?;
        Some(format!("{kind}/{}", part("id").unwrap_or_default()))
    };
    let mut found: Vec<String> = entries.unwrap_or_default().iter().filter_map(name).collect();
    if answer == Kind::Set {
        found.sort_unstable();
    }
    found
}

/// Where two answers part. All content here is made up.
fn difference(ours: &[String], limit: &[String]) -> String {
    let at = ours.iter().zip(limit).take_while(|(a, b)| a == b).count();
    let shown = |side: &[String]| side.get(at).cloned().unwrap_or_else(|| "the end".into());
    format!(
        "{} and {} found, at {at}: {} and {}",
        ours.len(),
        limit.len(),
        shown(ours),
        shown(limit)
    )
}

/// A request as it may stand in a URL.
fn encoded(get: &str) -> String {
    let mut out = String::with_capacity(get.len());
    for c in get.chars() {
        match c {
            ' ' => out.push_str("%20"),
            '|' => out.push_str("%7C"),
            '"' => out.push_str("%22"),
            '<' => out.push_str("%3C"),
            '>' => out.push_str("%3E"),
            c if c.is_ascii() => out.push(c),
            c => {
                c.encode_utf8(&mut [0; 4]).bytes().for_each(|b| out.push_str(&format!("%{b:02X}")))
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_are_compared_by_what_they_name() {
        let bundle = json!({"total": 3, "entry": [
            {"resource": {"resourceType": "Patient", "id": "b"}},
            {"resource": {"resourceType": "Patient", "id": "a"}},
            {"resource": {"resourceType": "OperationOutcome"}}]});
        assert_eq!(found(&bundle, Kind::List), ["Patient/b", "Patient/a"]);
        assert_eq!(found(&bundle, Kind::Set), ["Patient/a", "Patient/b"]);
        assert_eq!(found(&bundle, Kind::Count), ["3"]);
        assert!(found(&json!({}), Kind::List).is_empty());
        let (a, b) = (["x".to_owned()], ["x".to_owned(), "y".to_owned()]);
        assert_eq!(difference(&a, &b), "1 and 2 found, at 1: the end and y");
    }

    #[test]
    fn requests_are_encoded_once() {
        assert_eq!(encoded("/A?b=(1) x|ü$%25"), "/A?b=(1)%20x%7C%C3%BC$%25");
    }
}
