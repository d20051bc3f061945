//! What judging a resource costs, in this process and on one thread: its structure, R4's rules and a profile's.

use super::options::Options;
use crate::{data::Data, machine, report::Row};
use anyhow::{Context as _, Result, ensure};
use canonical_model::{Resource, Value, json};
use conformance::profile::{Profiles, Unknown, Validator};
use serde_json::json;
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// Different Patients, each of about 1.5 KB, and of a profile with rules of its own.
const PATIENTS: usize = 64;
const PROFILE: &str = "https://carebridge.example/StructureDefinition/patient";

/// Bytes of the Bundle.
const BUNDLE_BYTES: usize = 600_000;

/// At most, in microseconds: the structure of a Patient; with R4's rules and the profile's; all of the Bundle.
const MOST_STRUCTURE_US: f64 = 30.0;
const MOST_PROFILE_US: f64 = 80.0;
const MOST_BUNDLE_US: f64 = 40_000.0;

/// Validations after which the memory is looked at again, and what it may have grown by, in MiB.
const MANY: usize = 1_000_000;
const MANY_QUICK: usize = 10_000;
const MOST_GROWTH_MIB: f64 = 1.0;

/// Times that a median is of.
const TIMES: usize = 2_000;
const TIMES_BUNDLE: usize = 25;

/// Measures.
pub(crate) fn measure(options: &Options) -> Result<Vec<Row>> {
    let mut data = Data::new(options.seed())?;
    let patients = (0..PATIENTS).map(|n| parsed(&data.patient(&format!("R{n}"), None)));
    let patients: Vec<Resource> = patients.collect::<Result<_>>()?;
    let bundle = bundle(&mut data)?;
    let profiles = Profiles::new();
    ensure!(profiles.find(PROFILE).is_some(), "{PROFILE} is missing");
    let validator = Validator::new(&profiles, &Unknown);
    let judged = |patient: &Resource| validator.judge(patient, &[PROFILE]);
    for patient in &patients {
        conformance::validate(patient)?;
    }
    let parse = median(TIMES, |n| {
        let text = patients.get(n % PATIENTS).map(Resource::to_text).unwrap_or_default();
        let began = Instant::now();
        black_box(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        began.elapsed()
    });
    let each = |times, judge: &dyn Fn(&Resource)| {
        median(times, |n| {
            let Some(patient) = patients.get(n % PATIENTS) else { return Duration::ZERO };
            timed(|| judge(patient))
        })
    };
    let structure = each(TIMES, &|patient| drop(black_box(conformance::validate(patient))));
    let profile = each(TIMES, &|patient| drop(black_box(judged(patient))));
    let whole = median(TIMES_BUNDLE, |_| timed(|| drop(black_box(validator.judge(&bundle, &[])))));
    let grown = growth(options, &patients, |patient| {
        black_box(conformance::validate(patient).is_ok());
        black_box(judged(patient).len());
    });
    let row = |name: &str, us: f64, most: f64| {
        let cell = (json!({ "us": us }), format!("{us:.1} µs"));
        let peer = (json!({ "us": parse }), format!("{parse:.1} µs to parse one by serde_json"));
        Row::budget(name, us, most, "µs", options.judged()).sides(cell, peer)
    };
    Ok(vec![
        row("structure of a Patient, median", structure, MOST_STRUCTURE_US),
        row("a Patient by R4's rules and a profile, median", profile, MOST_PROFILE_US),
        row("a Bundle of 600 KB by R4's rules, median", whole, MOST_BUNDLE_US),
        Row::budget(
            "memory after a million of both over that before",
            grown,
            MOST_GROWTH_MIB,
            "MiB",
            options.judged(),
        ),
    ])
}

fn parsed(text: &str) -> Result<Resource> {
    Ok(Resource::parse(text.as_bytes())?)
}

/// A transaction of the entries of several.
fn bundle(data: &mut Data) -> Result<Resource> {
    let mut entries: Vec<Value> = Vec::new();
    let mut bytes = 0;
    for n in 0.. {
        if bytes >= BUNDLE_BYTES {
            break;
        }
        let text = data.bundle(&format!("B{n}"));
        bytes += text.len();
        let mut one = json::parse(text.as_bytes())?;
        let more = one.as_object_mut().and_then(|one| one.remove("entry"));
        let more = more.context("a bundle without entries")?;
        entries.extend(more.items().iter().cloned());
    }
    let bundle = canonical_model::object! {
        "resourceType": "Bundle", "type": "transaction", "entry": entries,
    };
    Ok(Resource::from_value(Value::Object(bundle))?)
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

/// The median of several runs, in microseconds.
fn median(times: usize, run: impl FnMut(usize) -> Duration) -> f64 {
    let mut all: Vec<Duration> = (0..times).map(run).collect();
    all.sort_unstable();
    all.get(times / 2).map_or(0.0, |it| it.as_secs_f64() * 1e6)
}

/// By how many MiB the process is larger after many.
fn growth(options: &Options, patients: &[Resource], judge: impl Fn(&Resource)) -> f64 {
    let many = if options.quick { MANY_QUICK } else { MANY };
    let resident = || machine::memory_kib(std::process::id()).0;
    let all = || patients.iter().cycle();
    // What is made once is made by then.
    all().take(many / 100).for_each(&judge);
    let before = resident();
    all().take(many).for_each(&judge);
    let grown = resident().saturating_sub(before);
    u32::try_from(grown).map_or(f64::INFINITY, |kib| f64::from(kib) / 1024.0)
}
