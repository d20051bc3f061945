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
    let mut asked = options(&folder, "out", Format::Ndjson, false);
    asked.population.years = 0;
    let error = generate(&asked).unwrap_err().to_string();
    assert_eq!(error, "Records span 1 to 100 years.");
}
