//! `store-scale`: what a create costs when the store has grown, what indexes take on disk, and how
//! much memory the server needs while it is loaded. Long.

use super::{
    bed::{Bed, Log, Side},
    options::Options,
    store::{MOST_MEMORY_MIB, index_row},
};
use crate::{
    limits::{CHUNK_RESOURCES, RESOURCES_MAX},
    load::{Measured, Mode, Workload},
    report::{Floor, Row},
};
use anyhow::{Result, ensure};
use serde_json::json;
use std::time::Duration;

const NAME: &str = "store-scale";

/// Connections that load, and that creates are measured with.
const CLIENTS: usize = 8;

/// The cost of a create at the larger size over that at the smaller, at most.
const MOST_GROWTH: f64 = 1.3;

/// When the memory is read: while this many are loaded, or all where that is fewer.
const MEMORY_RESOURCES: u64 = 1_000_000;

/// Sizes of the store.
#[derive(Debug, clap::Args)]
pub(crate) struct Scale {
    /// Resources at the first measurement
    #[arg(long, default_value_t = 100_000)]
    small: u64,
    /// Resources at the last
    #[arg(long, default_value_t = 2_000_000)]
    large: u64,
}

/// How long creates are counted at the larger size, from a checkpoint on: the pages that are written whole after it
/// are many then. The server's own PostgreSQL has ten minutes between two.
const LONG: Duration = Duration::from_secs(60);

/// Creates, and what they wrote to PostgreSQL's log.
struct Creates {
    measured: Measured,
    log: Log,
}

/// What was seen of one side.
struct Grown {
    small: Creates,
    /// Right after a checkpoint, and for as long as [`LONG`] from one.
    fresh: Creates,
    large: Creates,
    /// Peak memory at [`MEMORY_RESOURCES`].
    memory_mib: Option<f64>,
}

impl Grown {
    /// CPU of server and PostgreSQL: time on the clock would count the machine's moods too.
    fn growth(&self) -> f64 {
        self.large.measured.cost_us() / self.small.measured.cost_us().max(1e-9)
    }
}

/// Measures, prints and writes; tells whether every floor was reached.
pub(crate) async fn measure(options: &Options, scale: &Scale) -> Result<bool> {
    options.check()?;
    ensure!(scale.small >= 1000 && scale.small < scale.large, "1000 ≤ --small < --large");
    ensure!(scale.large <= RESOURCES_MAX, "--large: at most {RESOURCES_MAX}");
    let steps = scale.large.div_ceil(CHUNK_RESOURCES) + 6;
    let mut bed = Bed::set_up(options, usize::try_from(steps)? * 2).await?;
    let ours = grow(&mut bed, Side::Ours, scale, options).await?;
    let limit = grow(&mut bed, Side::Limit, scale, options).await?;
    let judged = options.judged();
    let mut rows = vec![growth_row(&ours, &limit, scale, judged)?];
    if let Some(mib) = ours.memory_mib {
        let name = format!("memory, peak while loading {}", MEMORY_RESOURCES.min(scale.large));
        rows.push(Row::budget(&name, mib, MOST_MEMORY_MIB, "MiB", judged));
    }
    if let Some(sizes) = bed.sizes().await? {
        rows.push(index_row(&sizes, judged)?);
    }
    let report = bed.report(NAME, rows).await?;
    report.publish(&options.out)?;
    Ok(report.passed())
}

async fn grow(bed: &mut Bed, side: Side, scale: &Scale, options: &Options) -> Result<Grown> {
    let mut loaded = 0;
    fill(bed, side, &mut loaded, scale.small).await?;
    let small = creates(bed, side, options).await?;
    fill(bed, side, &mut loaded, scale.large.min(MEMORY_RESOURCES)).await?;
    let memory_mib = bed.peak_memory_mib().filter(|_| side == Side::Ours && !options.noise);
    fill(bed, side, &mut loaded, scale.large).await?;
    let fresh = creates(bed, side, options).await?;
    bed.checkpoint().await?;
    let long = if options.quick { options.run_time() } else { LONG };
    let large = counted(bed, side, long).await?;
    Ok(Grown { small, fresh, large, memory_mib })
}

/// Loads transactions until `loaded` is `wanted`, a token's worth at a time.
async fn fill(bed: &mut Bed, side: Side, loaded: &mut u64, wanted: u64) -> Result<()> {
    let each = Workload::Transaction.resources();
    while *loaded < wanted {
        let chunk = CHUNK_RESOURCES.min(wanted - *loaded).div_ceil(each);
        bed.run(side, Workload::Transaction, Mode::Count(chunk), CLIENTS).await?;
        *loaded += chunk * each;
    }
    bed.settle(side).await
}

/// Creates after a checkpoint, the cheapest of all repeats.
async fn creates(bed: &mut Bed, side: Side, options: &Options) -> Result<Creates> {
    bed.checkpoint().await?;
    let mut best = counted(bed, side, options.run_time()).await?;
    for _ in 1..options.repeats() {
        let again = counted(bed, side, options.run_time()).await?;
        if again.measured.cost_us() < best.measured.cost_us() {
            best = again;
        }
    }
    Ok(best)
}

async fn counted(bed: &mut Bed, side: Side, length: Duration) -> Result<Creates> {
    let before = bed.log().await?;
    let measured = bed.run(side, Workload::Create, Mode::Closed(length), CLIENTS).await?;
    let log = bed.log().await?.since(before);
    Ok(Creates { measured, log })
}

impl Creates {
    /// To the log, per create: bytes, and pages that were written whole. Its warm-up is among them, and counts for a
    /// sixth of a short run at most.
    fn logged(&self) -> String {
        let each = (self.measured.requests_per_s * self.measured.seconds).max(1.0);
        format!("{:.1} KiB, {:.1} pages", self.log.bytes / 1024.0 / each, self.log.pages / each)
    }
}

fn growth_row(ours: &Grown, limit: &Grown, scale: &Scale, judged: bool) -> Result<Row> {
    let side = |grown: &Grown| {
        let (small, large, fresh) = (&grown.small.measured, &grown.large.measured, &grown.fresh);
        let full = json!({
            "growth": grown.growth(),
            "small": small,
            "small_log": grown.small.logged(),
            "fresh": fresh.measured,
            "fresh_log": fresh.logged(),
            "large": large,
            "large_log": grown.large.logged(),
            "per_s_growth": small.requests_per_s / large.requests_per_s.max(1e-9),
        });
        (full, format!("{:.0} to {:.0} µs", small.cost_us(), large.cost_us()))
    };
    let name = format!("create, cost at {} over cost at {}", scale.large, scale.small);
    Ok(Row::new(name, ours.growth(), "ratio")
        .ratio(limit.growth() / ours.growth().max(1e-9))
        .sides(side(ours), side(limit))
        .held_to(Floor::AtMost(MOST_GROWTH), judged))
}
