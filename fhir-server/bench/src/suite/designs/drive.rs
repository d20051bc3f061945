//! Drives one design's database: connections that each do one statement after another.

use super::{
    design::{Design, HEAD, SIZES},
    model::{self, Query},
};
use crate::{
    data::Data,
    limits::RUN_MAX,
    load::{Measured, Watched, Window},
    postgres::Postgres,
};
use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::task::LocalSet;

/// Connections at once.
const CLIENTS: u64 = 8;

/// Resources that one statement of a load inserts.
const BATCH: u64 = 50;

/// What a run does, each statement once.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    /// Inserts 50 at a time until there are so many.
    LoadTo(u64),
    /// Inserts one at a time.
    Create(Duration),
    /// Replaces one at a time.
    Update(Duration),
    Find(Query, Duration),
}

/// Disk of a design.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Disk {
    pub(super) head_bytes: i64,
    pub(super) index_bytes: i64,
}

/// One design and how far its data has grown.
pub(super) struct Store<'a> {
    postgres: &'a Postgres,
    pub(super) design: Design,
    shared: Rc<Shared>,
}

struct Shared {
    design: Design,
    /// The highest rid in use.
    last: Cell<u64>,
    data: RefCell<Data>,
    revision: Cell<u64>,
}

impl<'a> Store<'a> {
    /// An empty database of `design`.
    pub(super) async fn create(postgres: &'a Postgres, design: Design, seed: u64) -> Result<Self> {
        postgres.create(design.database()).await?;
        let mut connection = postgres.connect(design.database()).await?;
        for sql in [HEAD, design.index()] {
            sqlx::query(sql).execute(&mut connection).await?;
        }
        let data = RefCell::new(Data::new(seed)?);
        let (last, revision) = (Cell::new(0), Cell::new(0));
        Ok(Self { postgres, design, shared: Rc::new(Shared { design, last, data, revision }) })
    }

    /// Does `work` on all connections and returns what it took.
    pub(super) async fn run(&self, work: Work) -> Result<Measured> {
        let length = match work {
            Work::LoadTo(_) => RUN_MAX,
            Work::Create(length) | Work::Update(length) | Work::Find(_, length) => length,
        };
        let mut workers = Vec::new();
        for worker in 0..CLIENTS {
            let connection = self.postgres.connect(self.design.database()).await?;
            let random = fastrand::Rng::with_seed(worker);
            workers.push(Worker { shared: Rc::clone(&self.shared), connection, random, worker });
        }
        let watched = Watched { server: 0, postmaster: self.postgres.pid };
        let (window, until) = (Window::open(watched), Instant::now() + length);
        let local = LocalSet::new();
        let tasks: Vec<_> =
            workers.into_iter().map(|w| local.spawn_local(w.work(work, until))).collect();
        let mut samples = Vec::new();
        local
            .run_until(async {
                for task in tasks {
                    samples.extend(task.await.context("a worker stopped")??);
                }
                anyhow::Ok(())
            })
            .await
            .with_context(|| format!("{}: {work:?}", self.design.name()))?;
        if let Work::LoadTo(count) = work {
            let last = self.shared.last.get();
            ensure!(last >= count, "only {last} of {count} resources were loaded in time");
        }
        let resources = if matches!(work, Work::LoadTo(_)) { BATCH } else { 1 };
        Ok(window.close().measured(samples, CLIENTS as usize, resources))
    }

    /// Statistics and visibility up to date, pending lists merged, pages written.
    pub(super) async fn settle(&self) -> Result<()> {
        self.postgres.analyze(self.design.database()).await?;
        self.postgres.checkpoint().await
    }

    pub(super) async fn disk(&self) -> Result<Disk> {
        let mut connection = self.postgres.connect(self.design.database()).await?;
        let row = sqlx::query(SIZES).fetch_one(&mut connection).await?;
        Ok(Disk { head_bytes: row.try_get(0)?, index_bytes: row.try_get(1)? })
    }

    /// Ends the design's use of the disk.
    pub(super) async fn remove(self) -> Result<()> {
        let mut connection = self.postgres.connect("postgres").await?;
        let sql = format!("drop database {} with (force)", self.design.database());
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
        Ok(())
    }
}

struct Worker {
    shared: Rc<Shared>,
    connection: PgConnection,
    random: fastrand::Rng,
    worker: u64,
}

impl Worker {
    /// Works until the time or the load is over; the durations of all statements.
    async fn work(mut self, work: Work, until: Instant) -> Result<Vec<Duration>> {
        let mut samples = Vec::new();
        while Instant::now() < until {
            let took = match work {
                Work::LoadTo(count) => {
                    let left = count.saturating_sub(self.shared.last.get());
                    if left == 0 {
                        break;
                    }
                    self.insert(left.min(BATCH)).await?
                }
                Work::Create(_) => self.insert(1).await?,
                Work::Update(_) => self.update().await?,
                Work::Find(query, _) => self.find(query).await?,
            };
            samples.push(took);
        }
        Ok(samples)
    }

    async fn insert(&mut self, count: u64) -> Result<Duration> {
        let first = self.shared.last.get() + 1;
        self.shared.last.set(first + count - 1);
        let rids: Vec<i64> = (first..first + count).map(u64::cast_signed).collect();
        let keys: Vec<String> =
            (first..first + count).map(|rid| literal(&model::keys(rid, 0))).collect();
        let contents: Vec<Vec<u8>> = rids.iter().map(|rid| self.content(*rid)).collect();
        let sql = sqlx::query(self.shared.design.insert()).bind(rids).bind(keys).bind(contents);
        timed(sql.execute(&mut self.connection)).await
    }

    /// Replaces a resource that no other worker replaces.
    async fn update(&mut self) -> Result<Duration> {
        let lanes = (self.shared.last.get() / CLIENTS).max(1);
        let rid = self.random.u64(0..lanes) * CLIENTS + self.worker + 1;
        let revision = self.shared.revision.get() + 1;
        self.shared.revision.set(revision);
        let (keys, rid) = (model::keys(rid, revision), rid.cast_signed());
        let content = self.content(rid);
        let sql = sqlx::query(self.shared.design.update()).bind(rid).bind(keys).bind(content);
        timed(sql.execute(&mut self.connection)).await
    }

    async fn find(&mut self, query: Query) -> Result<Duration> {
        let keys = query.keys(self.shared.last.get(), &mut self.random);
        let mut sql = sqlx::query(self.shared.design.find(keys.len()));
        for key in keys {
            sql = sql.bind(key);
        }
        timed(sql.fetch_all(&mut self.connection)).await
    }

    fn content(&self, rid: i64) -> Vec<u8> {
        self.shared.data.borrow_mut().patient(&format!("D-{rid}"), None).into_bytes()
    }
}

async fn timed<T>(statement: impl Future<Output = sqlx::Result<T>>) -> Result<Duration> {
    let begun = Instant::now();
    statement.await?;
    Ok(begun.elapsed())
}

/// A PostgreSQL array as text: arrays of several lengths cannot be bound as one.
fn literal(keys: &[i64]) -> String {
    let keys: Vec<String> = keys.iter().map(i64::to_string).collect();
    format!("{{{}}}", keys.join(","))
}
