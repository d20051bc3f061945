//! `search`: named searches against the best SQL written by hand for each, at two sizes, before and with
//! statistics; what indexing costs a load, and what the index takes on disk.

mod account;
mod bed;
mod binds;
mod look;
mod options;
mod table;
mod values;
mod verdict;

use super::store::index_row;
use crate::{
    machine,
    report::{Floor, Report, Row},
    sizes,
};
use anyhow::{Result, ensure};
use bed::{Bed, DATABASE, Loaded, Server, UNINDEXED, patients_for};
use generator::Population;
use look::Ready;
use serde_json::json;
use std::sync::Arc;
use table::Named;
use verdict::Sized;

pub(crate) use options::Options;

const NAME: &str = "search";

/// A load with everything indexed over one with nothing indexed, in resources per second.
const LEAST_INGEST: f64 = 0.5;

/// Resources of each of these loads.
const INGESTED: u64 = 50_000;
const INGESTED_QUICK: u64 = 1_000;

/// Measures, prints and writes; tells whether every floor was reached.
pub(crate) async fn measure(options: &Options) -> Result<bool> {
    options.check()?;
    let named: Vec<Named> =
        table::all()?.into_iter().filter(|named| options.takes(&named.name)).collect();
    ensure!(!named.is_empty(), "--only: no search has this in its name");
    let mut bed = Bed::set_up(options).await?;
    let sizes = options.sizes();
    let steps = named.len() * if options.reuse { 1 } else { sizes.len() * 2 };
    bed.progress.set_length(steps as u64);
    let mut server = bed.serve(DATABASE, options.reuse, true).await?;
    let sized = match options.reuse {
        true => vec![loaded_before(&mut bed, &mut server, &named, options).await?],
        false => grow(&mut bed, &mut server, &named, options).await?,
    };
    let mut rows = verdict::rows(&sized, options.judged());
    let mut details = verdict::details(&sized);
    let mut connection = bed.connect().await?;
    let disk = sizes::measure(&mut connection).await?;
    rows.push(index_row(&disk, options.judged())?);
    for (table, heap, indexes) in sizes::tables(&mut connection).await? {
        let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
        details.push(vec![format!("{table}: rows {}, indexes {}", mib(heap), mib(indexes))]);
    }
    server.stop().await?;
    if !options.no_ingest {
        rows.push(ingest_row(&mut bed, options).await?);
    }
    let report = Report {
        suite: NAME.into(),
        machine: machine::description(&bed.postgres.description().await?),
        commit: machine::commit(),
        rows,
        noise_cores: bed.noise_cores,
        details,
    };
    bed.remove()?;
    if options.json {
        report.print_json()?
    } else {
        report.publish(&options.out)?
    }
    Ok(report.passed())
}

/// Loads to each size in turn and looks at it, before statistics and with them.
async fn grow(
    bed: &mut Bed,
    server: &mut Server,
    named: &[Named],
    options: &Options,
) -> Result<Vec<Sized>> {
    let sizes = options.sizes();
    let population = population(options, sizes.last().copied().unwrap_or_default())?;
    let (mut sized, mut from) = (Vec::new(), 0);
    for size in sizes {
        let until = patients_for(&population, size).min(population.options().patients);
        server.load(bed, &population, from..until).await?;
        from = until;
        bed.postgres.checkpoint().await?;
        let ready = Ready::set_up(bed, server, named).await?;
        let fresh = ready.tails(bed, server, options).await?;
        bed.postgres.analyze(DATABASE).await?;
        bed.postgres.checkpoint().await?;
        let looks = ready.look(bed, server, options).await?;
        ready.end().await?;
        sized.push(Sized { size, fresh, looks });
    }
    Ok(sized)
}

/// Looks at what an earlier run loaded.
async fn loaded_before(
    bed: &mut Bed,
    server: &mut Server,
    named: &[Named],
    options: &Options,
) -> Result<Sized> {
    let ready = Ready::set_up(bed, server, named).await?;
    let looks = ready.look(bed, server, options).await?;
    ready.end().await?;
    let mut connection = bed.connect().await?;
    let size: i64 = sqlx::query_scalar("select count(*) from resource where method <> 2")
        .fetch_one(&mut connection)
        .await?;
    Ok(Sized { size: u64::try_from(size)?, fresh: Vec::new(), looks })
}

/// A population that has at least so many resources.
fn population(options: &Options, resources: u64) -> Result<Arc<Population>> {
    let sample = Population::new(generator::Options::new(options.seed, 1_000))?;
    let patients = patients_for(&sample, resources) + 100;
    Ok(Arc::new(Population::new(generator::Options::new(options.seed, patients))?))
}

/// The same load twice, into new databases: with everything indexed and with nothing.
async fn ingest_row(bed: &mut Bed, options: &Options) -> Result<Row> {
    let resources = if options.quick { INGESTED_QUICK } else { INGESTED };
    let population = population(options, resources)?;
    let patients = patients_for(&population, resources).min(population.options().patients);
    let mut best = [Loaded::default(); 2];
    // In turn and twice, so that the machine's moods hit both.
    for _ in 0..2 {
        for (indexed, best) in [true, false].into_iter().zip(&mut best) {
            let mut server = bed.serve(UNINDEXED, false, indexed).await?;
            bed.postgres.checkpoint().await?;
            let loaded = server.load(bed, &population, 0..patients).await?;
            if loaded.per_s() > best.per_s() {
                *best = loaded;
            }
            server.stop().await?;
        }
    }
    let [indexed, bare] = best;
    let cell = |loaded: Loaded| format!("{:.0}/s", loaded.per_s());
    let ratio = indexed.per_s() / bare.per_s().max(1e-9);
    Ok(Row::new("load, all indexed over nothing indexed, resources", ratio, "ratio")
        .sides((json!(indexed), cell(indexed)), (json!(bare), cell(bare)))
        .held_to(Floor::AtLeast(LEAST_INGEST), options.judged()))
}
