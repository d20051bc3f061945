//! `generate`: files that `load` takes, the same every time.

use client::{Format, GenerateOptions, LoadOptions, Output, generate, load};
use generator::Options;

use crate::fake::{Fake, Folder};

fn options(folder: &Folder, name: &str, format: Format, gzip: bool) -> GenerateOptions {
    GenerateOptions {
        population: Options { years: 1, ..Options::new(9, 130) },
        format,
        gzip,
        output: Output::Folder(folder.path(name)),
        force: false,
        progress: false,
    }
}

#[test]
fn the_same_bytes_every_time() {
    let folder = Folder::new();
    for (format, gzip) in [(Format::Ndjson, false), (Format::Ndjson, true), (Format::Bundles, true)]
    {
        let once = generate(&options(&folder, "a", format, gzip)).unwrap();
        generate(&options(&folder, "b", format, gzip)).unwrap();
        assert_eq!(once.patients, 130);
        let (a, b): (Vec<_>, Vec<_>) =
            folder.files().into_iter().partition(|name| name.starts_with("a/"));
        assert!(!a.is_empty() && a.len() == b.len());
        for (a, b) in a.iter().zip(&b) {
            assert!(!a.ends_with(".part"));
            let read = |name: &String| std::fs::read(folder.path(name)).unwrap();
            assert_eq!(read(a), read(b), "{a}");
        }
        for name in ["a", "b"] {
            std::fs::remove_dir_all(folder.path(name)).unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_generated_can_be_loaded() {
    for (format, gzip) in [(Format::Ndjson, false), (Format::Bundles, true)] {
        let fake = Fake::start().await;
        let folder = Folder::new();
        let generated = generate(&options(&folder, "out", format, gzip)).unwrap();
        let asked = LoadOptions {
            connection: fake.connection(),
            inputs: vec![folder.path("out")],
            journal: Some(folder.path("journal")),
            progress: false,
            ..LoadOptions::default()
        };
        let report = load(asked).await.unwrap();
        assert!(report.ok(), "{report}");
        assert_eq!(report.loaded, generated.resources);
        assert_eq!(fake.lock().stored.len() as u64, generated.resources);
        assert_eq!(fake.count("Patient"), 130);
        println!("{generated}\n{report}");
    }
}

#[test]
fn options_out_of_range_are_refused_in_a_sentence() {
    let folder = Folder::new();
    let asked = options(&folder, "out", Format::Ndjson, false);
    let mut none = asked.clone();
    none.population.patients = 0;
    let mut timeless = asked.clone();
    timeless.population.years = 0;
    let mut onto_file = asked.clone();
    onto_file.output = Output::Folder(folder.write("file", ""));
    let mut onto_others = asked;
    onto_others.output = Output::Folder(folder.0.clone());
    for (asked, expected) in [
        (none, "A population has 1 to 100000000 patients."),
        (timeless, "Records span 1 to 100 years."),
        (
            onto_file,
            "file is a file, or lies below one: name a folder, which is made if it is not there.",
        ),
        (onto_others, "is not empty: name another folder, or --force to replace files in it."),
    ] {
        let error = generate(&asked).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
}

#[test]
fn what_an_interrupted_run_left_is_no_hindrance() {
    let folder = Folder::new();
    let asked = options(&folder, "out", Format::Ndjson, false);
    std::fs::create_dir(folder.path("out")).unwrap();
    let left = folder.path("out").join(".Gone.ndjson.part");
    std::fs::write(&left, "{\"resourceType\":").unwrap();
    generate(&asked).unwrap();
    assert!(!left.exists() && folder.path("out").join("Patient.ndjson").exists());
}
