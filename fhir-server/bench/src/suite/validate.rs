//! `validate`: what rules and codes cost. Resources are judged in this process, and creates of a server with and without. A code system of 70,000 concepts, imported as its owner would distribute it, is expanded
//! by words, and single codes are judged.

use super::{
    bed::{Bed, Side},
    options::Options,
    rules,
};
use crate::{
    load::{Answer, Asks, Call, Loop, Measured, Mode, Workload, run_loop, shown},
    ours::Without,
    report::{Floor, Row},
};
use anyhow::{Context as _, Result, ensure};
use std::{fmt::Write as _, fs, path::PathBuf};

const NAME: &str = "validate";

/// Concepts of the code system, and of a smoke run's.
const CONCEPTS: u32 = 70_000;
const CONCEPTS_QUICK: u32 = 700;
/// The p99 of an expansion by words and of one code that is judged, at most, in milliseconds, at one connection.
const MOST_EXPANSION_MS: f64 = 20.0;
const MOST_CODE_MS: f64 = 1.0;
/// Creates that are judged over those that are not, at least, and the connections of both.
const LEAST_WRITES: f64 = 0.8;
const WRITERS: usize = 32;
/// What the names are made of: each word is in some per cent of them.
const WORDS: [&str; 24] = [
    "acute",
    "chronic",
    "oral",
    "tablet",
    "solution",
    "renal",
    "hepatic",
    "cardiac",
    "left",
    "right",
    "upper",
    "lower",
    "fracture",
    "infection",
    "neoplasm",
    "syndrome",
    "extended",
    "release",
    "injection",
    "topical",
    "pediatric",
    "adult",
    "severe",
    "mild",
];
const SYSTEM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";

/// Measures, prints and writes; tells whether every floor was reached.
pub(crate) async fn measure(options: &Options) -> Result<bool> {
    options.check()?;
    ensure!(
        options.url.is_none(),
        "validate imports a code system, which needs a server of its own"
    );
    let concepts = if options.quick { CONCEPTS_QUICK } else { CONCEPTS };
    let steps = 3 + 2 * options.repeats() as usize;
    let mut bed = Bed::set_up(options, steps).await?;
    let file = distribution(options, concepts)?;
    let imported = bed.import("rxnorm", &file).await;
    fs::remove_file(&file)?;
    imported?;
    let expansion = Asker::new(concepts, |words, _| {
        format!("/ValueSet/$expand?url={SYSTEM}?fhir_vs&filter={words}&count=20")
    });
    let code = Asker::new(concepts, |_, code| {
        format!("/ValueSet/$validate-code?url={SYSTEM}?fhir_vs&system={SYSTEM}&code={code}")
    });
    let display =
        Asker::new(concepts, |_, code| format!("/CodeSystem/$lookup?system={SYSTEM}&code={code}"));
    let mut rows = rules::measure(options)?;
    rows.push(writes(&mut bed, options).await?);
    bed.restart_without(None).await?;
    for (name, asker, most) in [
        ("$expand of 70,000 codes by words, p99", expansion, MOST_EXPANSION_MS),
        ("$validate-code of one of them, median", code, MOST_CODE_MS),
        ("$lookup of one of them, median", display, MOST_CODE_MS),
    ] {
        let run = run(&mut bed, options, name, asker).await?;
        let got = if most > MOST_CODE_MS { run.p99_ms } else { run.p50_ms };
        rows.push(Row::budget(name, got, most, "ms", options.judged()));
    }
    let report = bed.report(NAME, rows).await?;
    report.publish(&options.out)?;
    Ok(report.passed())
}

/// Creates that are judged by R4's rules and by profiles beside creates that are not, in turn.
async fn writes(bed: &mut Bed, options: &Options) -> Result<Row> {
    let mut best: [Option<Measured>; 2] = Default::default();
    for _ in 0..options.repeats() {
        for (without, best) in [None, Some(Without::Rules)].into_iter().zip(&mut best) {
            bed.restart_without(without).await?;
            let mode = Mode::Closed(options.run_time());
            let run = bed.run(Side::Ours, Workload::Create, mode, WRITERS).await?;
            if best.as_ref().is_none_or(|known| known.requests_per_s < run.requests_per_s) {
                *best = Some(run);
            }
        }
    }
    let [Some(judged), Some(not)] = best else { anyhow::bail!("nothing was measured") };
    let side = |run: &Measured| (serde_json::json!(run), format!("{:.0}/s", run.requests_per_s));
    let share = judged.requests_per_s / not.requests_per_s.max(1e-9);
    Ok(Row::new("creates that are judged over those that are not", share, "ratio")
        .sides(side(&judged), side(&not))
        .held_to(Floor::AtLeast(LEAST_WRITES), options.judged()))
}

/// The code system as a list of codes and names.
fn distribution(options: &Options, concepts: u32) -> Result<PathBuf> {
    let folder = std::path::absolute(&options.out)?;
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("codes-{}.tsv", std::process::id()));
    let mut text = String::new();
    let mut random = fastrand::Rng::with_seed(options.seed());
    for code in 1..=concepts {
        write!(text, "{code}\t")?;
        for _ in 0..6 {
            text.push_str(random.choice(WORDS).context("there are words")?);
            text.push(' ');
        }
        writeln!(text, "{code}")?;
    }
    fs::write(&file, text)?;
    Ok(file)
}

async fn run(bed: &mut Bed, options: &Options, name: &str, asker: Asker) -> Result<Measured> {
    let (endpoint, watched) = bed.ours_for(None).await?;
    let mode = Mode::Closed(options.run_time());
    let turns = Loop { name, mode, clients: 1, warm_up: options.warm_up(), resources: 1 };
    let measured = run_loop(&endpoint, watched, &turns, |_| asker.clone()).await?;
    bed.note(name, &measured);
    Ok(measured)
}

/// Asks for other words and another code each time.
#[derive(Clone)]
struct Asker {
    concepts: u32,
    asked: usize,
    path: fn(&str, u32) -> String,
}

impl Asker {
    fn new(concepts: u32, path: fn(&str, u32) -> String) -> Self {
        Self { concepts, asked: 0, path }
    }
}

impl Asks for Asker {
    fn call(&mut self) -> Result<Call> {
        self.asked += 1;
        let word = |step: usize| WORDS.get(self.asked.wrapping_mul(step) % WORDS.len());
        let words = format!("{}%20{}", word(1).context("a word")?, word(5).context("a word")?);
        let code = u32::try_from(self.asked * 7_919)? % self.concepts + 1;
        Ok(Call::get((self.path)(&words, code)))
    }

    fn accept(&mut self, answer: &Answer) -> Result<()> {
        ensure!(answer.status.is_success(), "{}: {}", answer.status, shown(&answer.body));
        ensure!(answer.body.ends_with(b"}"), "the answer is cut");
        Ok(())
    }
}
