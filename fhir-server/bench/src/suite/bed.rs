//! The test bed: one PostgreSQL, the limit and ours beside each other, each with its database.

use super::options::Options;
use crate::{
    data::Data,
    load::{self, Endpoint, Measured, Mode, Seeded, Spec, Watched, Workload},
    machine,
    ours::{self, Credentials, Launch, Without},
    postgres::Postgres,
    programs::{Program, free_address},
    report::{Report, Row},
    sizes::{self, Sizes},
};
use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use sqlx::Row as _;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    rc::Rc,
    time::Duration,
};
use tokio::process::Command;

/// One of the two that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Limit,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Ours, Self::Limit];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Limit => "limit",
        }
    }

    fn database(self) -> &'static str {
        match self {
            Self::Ours => "bench_ours",
            Self::Limit => "bench_limit",
        }
    }
}

/// A program that can be asked.
struct Target {
    endpoint: Endpoint,
    watched: Watched,
    credentials: Option<Credentials>,
    program: Option<Program>,
    seeded: Rc<Seeded>,
}

/// What was written to PostgreSQL's log: bytes, and pages that were written whole.
#[derive(Clone, Copy)]
pub(crate) struct Log {
    pub(crate) bytes: f64,
    pub(crate) pages: f64,
}

impl Log {
    pub(crate) fn since(self, before: Self) -> Self {
        Self { bytes: self.bytes - before.bytes, pages: self.pages - before.pages }
    }
}

/// Everything that runs while a suite does.
pub(crate) struct Bed {
    postgres: Postgres,
    ours: Target,
    limit: Target,
    /// How ours is started again; absent when it is not ours to start.
    launch: Option<Launch>,
    data: Data,
    seed: u64,
    runs: u64,
    warm_up: Duration,
    progress: ProgressBar,
    /// The most cores that others kept busy in any run.
    noise_cores: f64,
    details: Vec<Vec<String>>,
    folder: PathBuf,
}

impl Bed {
    /// Starts everything. `steps` is how many runs the progress line expects.
    pub(crate) async fn set_up(options: &Options, steps: usize) -> Result<Self> {
        let folder = std::path::absolute(&options.out)?.join(format!("run-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let progress = ProgressBar::new(steps as u64);
        progress.set_style(ProgressStyle::with_template(
            "{bar:20} {pos}/{len} {msg} ({elapsed}, {eta} left)",
        )?);
        progress.set_message("building and starting");
        progress.enable_steady_tick(Duration::from_millis(500));
        let postgres = match &options.database_url {
            Some(url) => Postgres::given(url).await?,
            None => Postgres::private(&folder).await?,
        };
        if options.database_url.is_none() && !options.quick {
            postgres.fill_log().await?;
        }
        let limit = start_limit(&postgres, Side::Limit, options.pool).await?;
        let (ours, launch) = start_ours(&postgres, options, &folder).await?;
        let data = Data::new(options.seed())?;
        let head = [
            "run",
            "clients",
            "requests/s",
            "resources/s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "server µs",
            "PostgreSQL µs",
            "RSS MiB",
            "peak MiB",
            "others' cores",
        ];
        Ok(Self {
            postgres,
            ours,
            limit,
            launch,
            data,
            seed: options.seed(),
            runs: 0,
            warm_up: options.warm_up(),
            progress,
            noise_cores: 0.0,
            details: vec![head.map(str::to_owned).to_vec()],
            folder,
        })
    }

    /// Runs a workload on one side. Its record numbers never come again.
    pub(crate) async fn run(
        &mut self,
        side: Side,
        workload: Workload,
        mode: Mode,
        clients: usize,
    ) -> Result<Measured> {
        let what = match mode {
            Mode::Closed(_) => "",
            Mode::Open(..) => ", open loop",
            Mode::Seed(_) | Mode::Count(_) => ", loading",
        };
        self.run_named(side, workload, mode, clients, what).await
    }

    async fn run_named(
        &mut self,
        side: Side,
        workload: Workload,
        mode: Mode,
        clients: usize,
        what: &str,
    ) -> Result<Measured> {
        let name = format!("{} {}{what}", side.name(), workload.name());
        self.progress.set_message(format!("{name}, {clients} clients"));
        self.runs += 1;
        let tag = format!("B{:x}-{}", self.seed, self.runs);
        let warm_up = match mode {
            Mode::Closed(_) | Mode::Open(..) => self.warm_up,
            Mode::Seed(_) | Mode::Count(_) => Duration::ZERO,
        };
        let spec = Spec { workload, mode, clients, warm_up, tag: &tag };
        let target = self.target(side);
        let endpoint = target.authorized().await?;
        let (watched, seeded) = (target.watched, Rc::clone(&target.seeded));
        let run = load::run(&endpoint, watched, &spec, &mut self.data, &seeded);
        let measured = run.await.with_context(|| name.clone())?;
        self.noise_cores = self.noise_cores.max(measured.others_busy_cores);
        self.details.push(detail(name, &measured));
        self.progress.inc(1);
        Ok(measured)
    }

    /// Creates at a fixed number of clients while PostgreSQL writes a checkpoint, begun halfway: one
    /// such as it makes by itself, spread over time, not one that is asked for and hurries.
    pub(crate) async fn run_across_checkpoint(
        &mut self,
        side: Side,
        length: Duration,
        clients: usize,
    ) -> Result<Measured> {
        let mut connection = self.postgres.connect("postgres").await?;
        let halfway = self.warm_up + length / 2;
        let checkpoint = tokio::spawn(async move {
            tokio::time::sleep(halfway).await;
            // A backup begins with a spread checkpoint. It outlasts the run, so it is not waited for.
            let begin =
                sqlx::query("select pg_backup_start('bench', false)").execute(&mut connection);
            tokio::time::timeout(length / 2, begin).await
        });
        let (mode, what) = (Mode::Closed(length), ", checkpoint");
        let measured = self.run_named(side, Workload::Create, mode, clients, what).await?;
        if let Ok(begun) = checkpoint.await? {
            begun?;
        }
        Ok(measured)
    }

    /// Gives a side the patients that reads, updates and conditional creates are about.
    pub(crate) async fn seed(&mut self, patients: u64, existing: u64) -> Result<()> {
        for side in Side::BOTH {
            self.run(side, Workload::Create, Mode::Seed(patients), 8).await?;
            self.run(side, Workload::ConditionalCreate, Mode::Seed(existing), 8).await?;
            self.settle(side).await?;
        }
        Ok(())
    }

    /// Brings a side's database into the state that its own upkeep would.
    pub(crate) async fn settle(&self, side: Side) -> Result<()> {
        if side == Side::Limit || self.launch.is_some() {
            self.postgres.analyze(side.database()).await?;
        }
        Ok(())
    }

    /// See [`Postgres::checkpoint`].
    pub(crate) async fn checkpoint(&self) -> Result<()> {
        self.postgres.checkpoint().await
    }

    /// What PostgreSQL has written to its log so far.
    pub(crate) async fn log(&self) -> Result<Log> {
        let mut connection = self.postgres.connect("postgres").await?;
        let query = sqlx::query("select wal_bytes::float8, wal_fpi::float8 from pg_stat_wal");
        let row = query.fetch_one(&mut connection).await?;
        Ok(Log { bytes: row.try_get(0)?, pages: row.try_get(1)? })
    }

    /// The disk that ours takes; absent when its database is not known here.
    pub(crate) async fn sizes(&self) -> Result<Option<Sizes>> {
        if self.launch.is_none() {
            return Ok(None);
        }
        let mut connection = self.postgres.connect(Side::Ours.database()).await?;
        sizes::measure(&mut connection).await.map(Some)
    }

    /// Memory of ours in MiB, at most since it started; absent when its process is not known.
    pub(crate) fn peak_memory_mib(&self) -> Option<f64> {
        let (_, peak_kib) = machine::memory_kib(self.ours.watched.server);
        (peak_kib > 0).then_some(peak_kib as f64 / 1024.0)
    }

    /// Stops ours and starts it on its full database; tells how long until it was ready.
    pub(crate) async fn restart(&mut self) -> Result<Option<Duration>> {
        let Some(launch) = &self.launch else { return Ok(None) };
        if let Some(program) = self.ours.program.take() {
            program.stop().await?;
        }
        self.ours =
            Target { seeded: Rc::clone(&self.ours.seeded), ..serve(launch, &self.postgres).await? };
        Ok(self.ours.program.as_ref().map(|program| program.ready_after))
    }

    /// Imports a code system into ours.
    pub(crate) async fn import(&self, format: &str, file: &Path) -> Result<()> {
        let launch = self.launch.as_ref().context("the server is not ours to start")?;
        ours::import(launch, format, file).await
    }

    /// Stops ours and starts it again without something.
    pub(crate) async fn restart_without(&mut self, without: Option<Without>) -> Result<()> {
        if let Some(launch) = &mut self.launch {
            launch.without = without;
        }
        self.restart().await.map(drop)
    }

    /// Ours, for a run of one's own; `scope` narrows its token.
    pub(crate) async fn ours_for(&self, scope: Option<&str>) -> Result<(Endpoint, Watched)> {
        let Target { endpoint, watched, credentials, .. } = &self.ours;
        let Some(credentials) = credentials else { return Ok((endpoint.clone(), *watched)) };
        let token = match scope {
            Some(scope) => ours::narrowed_token(endpoint, credentials, scope).await?,
            None => ours::token(endpoint, credentials).await?,
        };
        Ok((endpoint.clone().with_token(&token), *watched))
    }

    /// Who may get tokens of ours.
    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.ours.credentials.as_ref()
    }

    /// Adds the line of a run of one's own.
    pub(crate) fn note(&mut self, name: &str, measured: &Measured) {
        self.noise_cores = self.noise_cores.max(measured.others_busy_cores);
        self.details.push(detail(name.to_owned(), measured));
        self.progress.inc(1);
    }

    /// Stops everything and reports on `rows` with the lines of all runs.
    pub(crate) async fn report(self, suite: &str, rows: Vec<Row>) -> Result<Report> {
        let machine = machine::description(&self.postgres.description().await?);
        self.progress.finish_and_clear();
        for target in [self.ours, self.limit] {
            if let Some(program) = target.program {
                program.stop().await?;
            }
        }
        drop(self.postgres);
        fs::remove_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
        Ok(Report {
            suite: suite.into(),
            machine,
            commit: machine::commit(),
            rows,
            noise_cores: self.noise_cores,
            details: self.details,
        })
    }

    fn target(&self, side: Side) -> &Target {
        match side {
            Side::Ours => &self.ours,
            Side::Limit => &self.limit,
        }
    }
}

impl Target {
    /// The endpoint with a token that outlives a run.
    async fn authorized(&self) -> Result<Endpoint> {
        Ok(match &self.credentials {
            Some(credentials) => {
                let token = ours::token(&self.endpoint, credentials).await?;
                self.endpoint.clone().with_token(&token)
            }
            None => self.endpoint.clone(),
        })
    }
}

async fn start_limit(postgres: &Postgres, side: Side, pool: u32) -> Result<Target> {
    postgres.create(side.database()).await?;
    let address = free_address()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["limit", "--with-input", "--listen", &address.to_string()]);
    command.stdin(Stdio::piped());
    // Not an argument: those can be read by everyone on the machine.
    command.env("BENCH_LIMIT_DATABASE", postgres.url(side.database()));
    command.args(["--pool", &pool.to_string()]);
    let endpoint = Endpoint::parse(&format!("http://{address}{}", ours::FHIR_BASE))?;
    let program = Program::start("limit", command, &endpoint).await?;
    let watched = Watched { server: program.pid(), postmaster: postgres.pid };
    let (credentials, seeded) = (None, Rc::default());
    Ok(Target { endpoint, watched, credentials, program: Some(program), seeded })
}

async fn start_ours(
    postgres: &Postgres,
    options: &Options,
    folder: &Path,
) -> Result<(Target, Option<Launch>)> {
    if options.noise {
        return Ok((start_limit(postgres, Side::Ours, options.pool).await?, None));
    }
    if let Some(url) = &options.url {
        let mut endpoint = Endpoint::parse(url)?;
        if let Some(token) = &options.token {
            endpoint = endpoint.with_token(token);
        }
        let watched = Watched { server: options.server_pid, postmaster: options.postmaster_pid };
        let credentials = options.credentials()?;
        let seeded = Rc::default();
        return Ok((Target { endpoint, watched, credentials, program: None, seeded }, None));
    }
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => ours::build().await?,
    };
    postgres.create(Side::Ours.database()).await?;
    let launch = Launch {
        binary,
        folder: folder.to_owned(),
        database_url: postgres.url(Side::Ours.database()),
        pool: options.pool,
        without: None,
    };
    Ok((serve(&launch, postgres).await?, Some(launch)))
}

async fn serve(launch: &Launch, postgres: &Postgres) -> Result<Target> {
    let (program, endpoint, credentials) = ours::start(launch).await?;
    let watched = Watched { server: program.pid(), postmaster: postgres.pid };
    let (credentials, seeded) = (Some(credentials), Rc::default());
    Ok(Target { endpoint, watched, credentials, program: Some(program), seeded })
}

fn detail(mut name: String, measured: &Measured) -> Vec<String> {
    if measured.unsent > 0 {
        name += &format!(" ({} unsent)", measured.unsent);
    }
    let one = |number: f64| format!("{number:.1}");
    let two = |number: f64| format!("{number:.2}");
    vec![
        name,
        measured.clients.to_string(),
        format!("{:.0}", measured.requests_per_s),
        format!("{:.0}", measured.resources_per_s),
        two(measured.p50_ms),
        two(measured.p95_ms),
        two(measured.p99_ms),
        one(measured.server_cpu_us),
        one(measured.postgres_cpu_us),
        one(measured.server_rss_mib),
        one(measured.server_peak_rss_mib),
        two(measured.others_busy_cores),
    ]
}
