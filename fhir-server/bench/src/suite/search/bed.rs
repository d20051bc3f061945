//! What runs while searches are measured: PostgreSQL, the server on its database, and the bare program that
//! searches the same tables.

use super::options::Options;
use crate::{
    limit::search::{SESSION, Statement, bound},
    limits::CHUNK_RESOURCES,
    load::{
        Answer, Asks, Call, Client, Endpoint, Lane, Loop, Measured, Mode, Watched, run_loop, shown,
    },
    ours::{self, Credentials, Launch, Without},
    postgres::Postgres,
    programs::{Program, free_address},
};
use anyhow::{Context as _, Result, ensure};
use generator::Population;
use hyper::Method;
use indicatif::{ProgressBar, ProgressStyle};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use std::{
    cell::Cell,
    fs,
    path::PathBuf,
    process::Stdio,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::process::Command;

/// The database of the server, and of the bare program.
pub(super) const DATABASE: &str = "bench_search";

/// One in which nothing is indexed.
pub(super) const UNINDEXED: &str = "bench_unindexed";

/// A token is asked for anew before it ends, with room for a run.
const TOKEN_AGE: Duration = Duration::from_secs(30);

/// Clients that load.
const LOADERS: usize = 8;

/// No table is analysed by itself: plans are measured before statistics too.
const NO_ANALYZE: &str = "
    select 'alter table ' || oid::regclass || ' set (autovacuum_analyze_threshold = 2000000000)'
    from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace";

/// The server on one database.
pub(super) struct Server {
    pub(super) launch: Launch,
    program: Program,
    pub(super) endpoint: Endpoint,
    credentials: Credentials,
    token: Option<(Endpoint, Instant)>,
}

/// All of it.
pub(super) struct Bed {
    pub(super) postgres: Postgres,
    pub(super) folder: PathBuf,
    pub(super) progress: ProgressBar,
    /// The most cores that others kept busy in any run.
    pub(super) noise_cores: f64,
    binary: PathBuf,
    pool: u32,
}

impl Bed {
    pub(super) async fn set_up(options: &Options) -> Result<Self> {
        let folder = std::path::absolute(&options.out)?.join(format!("run-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let progress = ProgressBar::new(0);
        let style = "{bar:20} {pos}/{len} {msg} ({elapsed}, {eta} left)";
        progress.set_style(ProgressStyle::with_template(style)?);
        progress.set_message("building and starting");
        progress.enable_steady_tick(Duration::from_millis(500));
        let postgres = match &options.database_url {
            Some(url) => Postgres::given(url).await?,
            None => Postgres::private(&folder).await?,
        };
        if options.database_url.is_none() && !options.quick {
            postgres.fill_log().await?;
        }
        let binary = match &options.binary {
            Some(binary) => binary.clone(),
            None => ours::build().await?,
        };
        Ok(Self { postgres, folder, progress, noise_cores: 0.0, binary, pool: options.pool })
    }

    /// Starts the server on a database; on a new one unless it is to be kept.
    pub(super) async fn serve(&self, database: &str, keep: bool, indexed: bool) -> Result<Server> {
        if keep {
            // This run has keys of its own, which those of an earlier one are not under.
            let mut connection = self.postgres.connect(database).await?;
            sqlx::query("delete from signing_key").execute(&mut connection).await?;
        } else {
            self.postgres.create(database).await?;
        }
        let folder = self.folder.join(database);
        fs::create_dir_all(&folder)?;
        let launch = Launch {
            binary: self.binary.clone(),
            folder,
            database_url: self.postgres.url(database),
            pool: self.pool,
            without: (!indexed).then_some(Without::Index),
        };
        let (program, endpoint, credentials) = ours::start(&launch).await?;
        let mut connection = self.postgres.connect(database).await?;
        for row in sqlx::query(NO_ANALYZE).fetch_all(&mut connection).await? {
            let sql: String = row.try_get(0)?;
            sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
        }
        Ok(Server { launch, program, endpoint, credentials, token: None })
    }

    /// Starts the bare program with these statements.
    pub(super) async fn start_limit(
        &self,
        statements: &[Statement],
    ) -> Result<(Program, Endpoint)> {
        let plan = self.folder.join("plan.json");
        fs::write(&plan, serde_json::to_vec(statements)?)?;
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["search-limit", "--listen", &address.to_string(), "--plan"]).arg(&plan);
        command.args(["--pool", &self.pool.to_string()]).stdin(Stdio::piped());
        command.env("BENCH_LIMIT_DATABASE", self.postgres.url(DATABASE));
        let endpoint = Endpoint::parse(&format!("http://{address}{}", ours::FHIR_BASE))?;
        let program = Program::start("search-limit", command, &endpoint).await?;
        Ok((program, endpoint))
    }

    /// What PostgreSQL says of having run a statement, as the bare program's sessions run it.
    pub(super) async fn account(&self, statement: &Statement) -> Result<Vec<String>> {
        let mut connection = self.postgres.connect(DATABASE).await?;
        for (name, value) in SESSION {
            let sql = format!("set {name} = '{value}'");
            sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await?;
        }
        let binds = statement.variants.first().context("a statement without values")?;
        let sql = format!("explain (analyze, costs off) {}", statement.sql);
        let rows = bound(sql, binds).fetch_all(&mut connection).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// A connection to the measured database.
    pub(super) async fn connect(&self) -> Result<PgConnection> {
        self.postgres.connect(DATABASE).await
    }

    pub(super) fn note(&mut self, measured: &Measured) {
        self.noise_cores = self.noise_cores.max(measured.others_busy_cores);
    }

    /// Ends PostgreSQL where it was made for the run, and removes the run's files.
    pub(super) fn remove(self) -> Result<()> {
        self.progress.finish_and_clear();
        drop(self.postgres);
        fs::remove_dir_all(&self.folder).with_context(|| self.folder.display().to_string())
    }
}

impl Server {
    /// The endpoint with a token that outlives a run.
    pub(super) async fn authorized(&mut self) -> Result<Endpoint> {
        if let Some((endpoint, since)) = &self.token
            && since.elapsed() < TOKEN_AGE
        {
            return Ok(endpoint.clone());
        }
        let token = ours::token(&self.endpoint, &self.credentials).await?;
        let endpoint = self.endpoint.clone().with_token(&token);
        self.token = Some((endpoint.clone(), Instant::now()));
        Ok(endpoint)
    }

    pub(super) fn watched(&self, postgres: &Postgres) -> Watched {
        Watched { server: self.program.pid(), postmaster: postgres.pid }
    }

    pub(super) async fn stop(self) -> Result<()> {
        self.program.stop().await
    }

    /// Loads patients, and before the first what all of them share; resources per second.
    pub(super) async fn load(
        &mut self,
        bed: &mut Bed,
        population: &Arc<Population>,
        patients: std::ops::Range<u64>,
    ) -> Result<Loaded> {
        let mut loaded = Loaded::default();
        if patients.start == 0 {
            let mut client = Client::new(self.authorized().await?);
            let shared = String::from_utf8(population.shared_bundle())?;
            let answer =
                client.send(Call::with_resource(Method::POST, String::new(), shared)).await?;
            ensure!(answer.status.is_success(), "shared: {}", shown(&answer.body));
        }
        let (next, resources) = (Rc::new(Cell::new(patients.start)), Rc::new(Cell::new(0)));
        let each = chunk_of(population);
        while next.get() < patients.end {
            bed.progress.set_message(format!(
                "loading, {} of {} patients",
                next.get(),
                patients.end
            ));
            let count = each.min(patients.end - next.get());
            let turns = Loop {
                name: "load",
                mode: Mode::Count(count),
                clients: LOADERS,
                warm_up: Duration::ZERO,
                resources: 1,
            };
            let endpoint = self.authorized().await?;
            let make = |_: Lane| Loader {
                population: Arc::clone(population),
                next: Rc::clone(&next),
                resources: Rc::clone(&resources),
            };
            let run = run_loop(&endpoint, self.watched(&bed.postgres), &turns, make).await?;
            bed.note(&run);
            loaded.seconds += run.seconds;
        }
        loaded.resources = resources.get();
        Ok(loaded)
    }
}

/// What a load did.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub(super) struct Loaded {
    pub(super) resources: u64,
    pub(super) seconds: f64,
}

impl Loaded {
    pub(super) fn per_s(self) -> f64 {
        self.resources as f64 / self.seconds.max(1e-9)
    }
}

/// Patients of whom the records together have about so many resources.
pub(super) fn patients_for(population: &Population, resources: u64) -> u64 {
    let sampled = 300.min(population.options().patients);
    let of_sampled: u64 = (0..sampled).map(|n| population.write_ndjson(n, |_, _| {})).sum();
    (resources * sampled).div_ceil(of_sampled.max(1)).max(1)
}

fn chunk_of(population: &Population) -> u64 {
    patients_for(population, CHUNK_RESOURCES)
}

/// Posts one patient's record after the other; all loaders together post each once.
struct Loader {
    population: Arc<Population>,
    next: Rc<Cell<u64>>,
    resources: Rc<Cell<u64>>,
}

impl Asks for Loader {
    fn call(&mut self) -> Result<Call> {
        let index = self.next.replace(self.next.get() + 1);
        let mut bundle = Vec::with_capacity(128 << 10);
        let count = self.population.write_bundle(index, &mut bundle);
        self.resources.set(self.resources.get() + count);
        Ok(Call::with_resource(Method::POST, String::new(), String::from_utf8(bundle)?))
    }

    fn accept(&mut self, answer: &Answer) -> Result<()> {
        ensure!(answer.status.is_success(), "load: {}: {}", answer.status, shown(&answer.body));
        Ok(())
    }
}
