//! What a worker asks, and what it takes for a right answer.

use super::{
    client::{Answer, Call},
    run::Asks,
};
use crate::{
    data::{BUNDLE_ENTRIES, Data, MRN_SYSTEM},
    limits::SHOWN_CHARS,
};
use anyhow::{Context as _, Result, bail, ensure};
use hyper::{
    Method, StatusCode,
    header::{self, HeaderName},
};
use serde::Deserialize;
use std::{cell::RefCell, rc::Rc};

/// A kind of work that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Workload {
    /// GET of a random known Patient.
    Read,
    /// POST of a new Patient.
    Create,
    /// PUT of a known Patient under its `If-Match`.
    Update,
    /// POST of a Patient under `If-None-Exist`; every second one exists.
    ConditionalCreate,
    /// POST of a transaction of 50 linked resources.
    Transaction,
}

impl Workload {
    pub(crate) const ALL: [Self; 5] =
        [Self::Read, Self::Create, Self::Update, Self::ConditionalCreate, Self::Transaction];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::ConditionalCreate => "conditional-create",
            Self::Transaction => "transaction",
        }
    }

    /// Resources that one request reads or writes.
    pub(crate) fn resources(self) -> u64 {
        match self {
            Self::Transaction => BUNDLE_ENTRIES as u64,
            Self::Read | Self::Create | Self::Update | Self::ConditionalCreate => 1,
        }
    }
}

/// A Patient that the server holds.
struct Known {
    id: String,
    etag: String,
    mrn: String,
}

/// What a server was given before the measurements, shared by the workers of a run.
#[derive(Default)]
pub(crate) struct Seeded {
    /// Read by all; each is updated by one worker only.
    patients: RefCell<Vec<Known>>,
    /// Record numbers that conditional creates find.
    existing: RefCell<Vec<String>>,
}

/// Which worker this is, of how many.
#[derive(Clone, Copy)]
pub(crate) struct Lane {
    pub(crate) worker: usize,
    pub(crate) workers: usize,
}

/// One client's side of a workload.
pub(crate) struct Worker {
    workload: Workload,
    /// Makes record numbers unique to run and worker.
    prefix: String,
    lane: Lane,
    data: Data,
    seeded: Rc<Seeded>,
    /// Whether creates are added to `seeded`.
    seeding: bool,
    sent: u64,
    pending: Pending,
}

/// What the answer under way is about.
#[derive(Default)]
struct Pending {
    mrn: String,
    slot: usize,
    exists: bool,
}

impl Worker {
    /// `tag` makes record numbers unique to the run.
    pub(crate) fn new(
        workload: Workload,
        tag: &str,
        lane: Lane,
        data: Data,
        seeded: Rc<Seeded>,
    ) -> Self {
        let prefix = format!("{tag}-{}", lane.worker);
        let pending = Pending::default();
        Self { workload, prefix, lane, data, seeded, seeding: false, sent: 0, pending }
    }

    /// Adds what creates make to what is known.
    pub(crate) fn seeding(mut self) -> Self {
        self.seeding = true;
        self
    }
}

impl Asks for Worker {
    fn call(&mut self) -> Result<Call> {
        self.sent += 1;
        let mrn = format!("{}-{}", self.prefix, self.sent);
        self.pending = Pending { mrn, ..Pending::default() };
        let Self { workload, lane, data, seeded, pending, .. } = self;
        let patients = seeded.patients.borrow();
        let post = |body| Call::with_resource(Method::POST, "/Patient".into(), body);
        Ok(match workload {
            Workload::Read => {
                let known = patients.get(data.below(patients.len())).context("nothing to read")?;
                Call::get(format!("/Patient/{}", known.id))
            }
            Workload::Create => post(data.patient(&pending.mrn, None)),
            Workload::Update => {
                let turn = self.sent % (patients.len() / lane.workers).max(1) as u64;
                pending.slot = usize::try_from(turn)? * lane.workers + lane.worker;
                let known = patients.get(pending.slot).context("too few to update")?;
                let body = data.patient(&known.mrn, Some(&known.id));
                let path = format!("/Patient/{}", known.id);
                let mut call = Call::with_resource(Method::PUT, path, body);
                call.header = Some((header::IF_MATCH, known.etag.clone()));
                call
            }
            Workload::ConditionalCreate => {
                let existing = seeded.existing.borrow();
                pending.exists = !self.seeding && self.sent.is_multiple_of(2);
                if pending.exists {
                    let mrn = existing.get(data.below(existing.len())).context("none exists")?;
                    pending.mrn.clone_from(mrn);
                }
                let mut call = post(data.patient(&pending.mrn, None));
                let criteria = format!("identifier={MRN_SYSTEM}|{}", pending.mrn);
                call.header = Some((HeaderName::from_static("if-none-exist"), criteria));
                call
            }
            Workload::Transaction => {
                Call::with_resource(Method::POST, String::new(), data.bundle(&pending.mrn))
            }
        })
    }

    fn accept(&mut self, answer: &Answer) -> Result<()> {
        let expected = match self.workload {
            Workload::Read | Workload::Update | Workload::Transaction => StatusCode::OK,
            Workload::ConditionalCreate if self.pending.exists => StatusCode::OK,
            Workload::Create | Workload::ConditionalCreate => StatusCode::CREATED,
        };
        if answer.status != expected {
            bail!(
                "{}: answered {}, not {expected}: {}",
                self.workload.name(),
                answer.status,
                shown(&answer.body)
            );
        }
        match self.workload {
            Workload::Read => ensure!(answer.body.len() > 100, "read: the body is missing"),
            Workload::Create if self.seeding => {
                let id = located(answer).context("create: no id in Location")?.to_owned();
                let (etag, mrn) = (etag(answer)?, self.pending.mrn.clone());
                self.seeded.patients.borrow_mut().push(Known { id, etag, mrn });
            }
            Workload::ConditionalCreate if self.seeding => {
                self.seeded.existing.borrow_mut().push(self.pending.mrn.clone());
            }
            Workload::Create | Workload::ConditionalCreate => {}
            Workload::Update => {
                let etag = etag(answer)?;
                if let Some(known) = self.seeded.patients.borrow_mut().get_mut(self.pending.slot) {
                    known.etag = etag;
                }
            }
            Workload::Transaction => all_created(&answer.body)?,
        }
        Ok(())
    }
}

fn etag(answer: &Answer) -> Result<String> {
    let etag = answer.header(&header::ETAG);
    ensure!(!etag.is_empty(), "the answer has no ETag");
    Ok(etag.to_owned())
}

/// The id in `…/Patient/ID/_history/1` or `…/Patient/ID`.
fn located(answer: &Answer) -> Option<&str> {
    let (_, after) = answer.header(&header::LOCATION).rsplit_once("Patient/")?;
    after.split('/').next().filter(|id| !id.is_empty())
}

/// A transaction's outcome, as far as it is checked.
#[derive(Deserialize)]
struct Outcome<'a> {
    #[serde(borrow)]
    entry: Vec<OutcomeEntry<'a>>,
}

#[derive(Deserialize)]
struct OutcomeEntry<'a> {
    #[serde(borrow)]
    response: OutcomeResponse<'a>,
}

#[derive(Deserialize)]
struct OutcomeResponse<'a> {
    status: &'a str,
}

fn all_created(body: &[u8]) -> Result<()> {
    let outcome: Outcome<'_> = serde_json::from_slice(body)
        .with_context(|| format!("transaction: not an outcome: {}", shown(body)))?;
    let created = outcome.entry.iter().filter(|e| e.response.status.starts_with("201")).count();
    ensure!(created == BUNDLE_ENTRIES, "transaction: {created} of {BUNDLE_ENTRIES} were created");
    Ok(())
}

/// The start of a body, for an error. All content here is made up.
pub(crate) fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use hyper::HeaderMap;

    fn answer(status: u16, headers: &[(HeaderName, &str)], body: &str) -> Answer {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        let body = Bytes::copy_from_slice(body.as_bytes());
        Answer { status: StatusCode::from_u16(status).unwrap(), headers, body }
    }

    fn worker(workload: Workload) -> Worker {
        let known = Known { id: "a".into(), etag: "W/\"1\"".into(), mrn: "m".into() };
        let seeded = Seeded {
            patients: RefCell::new(vec![known]),
            existing: RefCell::new(vec!["m".into()]),
        };
        let lane = Lane { worker: 0, workers: 1 };
        Worker::new(workload, "T", lane, Data::new(1).unwrap(), Rc::new(seeded))
    }

    fn outcome(statuses: &[&str]) -> String {
        let entries: Vec<_> =
            statuses.iter().map(|s| serde_json::json!({"response": {"status": s}})).collect();
        serde_json::json!({ "entry": entries }).to_string()
    }

    #[test]
    fn judges_answers() {
        let etag = (header::ETAG, "W/\"2\"");
        let full = "x".repeat(200);
        let (good, bad) = (outcome(&["201 Created"; 50]), outcome(&["201 Created", "400"]));
        for (workload, status, headers, body, right) in [
            (Workload::Read, 200, vec![], full.as_str(), true),
            (Workload::Read, 200, vec![], "", false),
            (Workload::Read, 404, vec![], full.as_str(), false),
            (Workload::Create, 201, vec![], "", true),
            (Workload::Create, 200, vec![], "", false),
            (Workload::Update, 200, vec![etag.clone()], "", true),
            (Workload::Update, 200, vec![], "", false),
            (Workload::Update, 412, vec![etag], "", false),
            (Workload::Transaction, 200, vec![], good.as_str(), true),
            (Workload::Transaction, 200, vec![], bad.as_str(), false),
            (Workload::Transaction, 200, vec![], "{}", false),
        ] {
            let mut worker = worker(workload);
            worker.call().unwrap();
            let accepted = worker.accept(&answer(status, &headers, body));
            assert_eq!(accepted.is_ok(), right, "{} {status} {accepted:?}", workload.name());
        }
    }

    #[test]
    fn an_update_follows_the_version() {
        let mut worker = worker(Workload::Update);
        let call = worker.call().unwrap();
        assert_eq!(call.header.unwrap(), (header::IF_MATCH, "W/\"1\"".into()));
        worker.accept(&answer(200, &[(header::ETAG, "W/\"2\"")], "")).unwrap();
        let call = worker.call().unwrap();
        assert_eq!(call.header.unwrap(), (header::IF_MATCH, "W/\"2\"".into()));
    }

    #[test]
    fn every_second_conditional_create_exists() {
        let mut worker = worker(Workload::ConditionalCreate);
        for status in [201, 200, 201, 200] {
            let call = worker.call().unwrap();
            assert_eq!(call.header.unwrap().1.ends_with("|m"), status == 200);
            worker.accept(&answer(status, &[], "")).unwrap();
        }
    }

    #[test]
    fn a_create_is_found_by_its_location() {
        for (location, id) in [
            ("http://127.0.0.1:1/fhir/Patient/a-1/_history/1", Some("a-1")),
            ("/fhir/Patient/b", Some("b")),
            ("", None),
        ] {
            let mut worker = worker(Workload::Create).seeding();
            worker.call().unwrap();
            let headers = [(header::LOCATION, location), (header::ETAG, "W/\"1\"")];
            assert_eq!(worker.accept(&answer(201, &headers, "")).is_ok(), id.is_some());
            let patients = worker.seeded.patients.borrow();
            assert_eq!(patients.get(1).map(|known| known.id.as_str()), id);
        }
    }
}
