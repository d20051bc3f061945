//! `load` of real Synthea records and bulk exports, which must arrive complete.

use std::path::{Path, PathBuf};

use client::{LoadOptions, load};

use crate::fake::{Fake, Folder};

/// The sample data, if it is there.
fn samples(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let root = std::env::var_os("CAREBRIDGE_SHARED_DATA").map_or(beside, PathBuf::from);
    let path = root.join(name);
    if path.is_dir() {
        return Some(path);
    }
    println!("SKIPPED: the sample data {} is not there.", path.display());
    None
}

async fn loaded(folder: PathBuf) -> (Fake, client::LoadReport) {
    let fake = Fake::start().await;
    let own = Folder::new();
    let options = LoadOptions {
        connection: fake.connection(),
        inputs: vec![folder],
        journal: Some(own.path("journal")),
        progress: false,
        ..LoadOptions::default()
    };
    let report = load(options).await.unwrap();
    println!("{report}");
    (fake, report)
}

#[tokio::test]
async fn synthea_records_arrive_complete() {
    let Some(folder) = samples("fhir-synthea") else { return };
    let (fake, report) = loaded(folder.clone()).await;
    assert!(report.ok(), "{report}");
    let mut expected = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        expected += text.matches("\"fullUrl\"").count() as u64;
    }
    assert_eq!(report.loaded, expected);
    let posts = fake.seen("POST");
    assert_eq!(posts.len(), 12);
    // Hospitals, then practitioners, then the ten patients who refer to them.
    assert!(posts[0].body.contains("\"Organization\"") && !posts[0].body.contains("\"Patient\""));
    assert!(posts[1].body.contains("\"Practitioner\"") && !posts[1].body.contains("\"Patient\""));
    assert!(posts.iter().skip(2).all(|seen| seen.body.contains("\"Patient\"")));
}

#[tokio::test]
async fn bulk_exports_arrive_complete() {
    let Some(folder) = samples("fhir-bulk-ndjson") else { return };
    let (fake, report) = loaded(folder.clone()).await;
    assert!(report.ok(), "{report}");
    assert_eq!(report.files_passed_over.len(), 1, "the log is no FHIR");
    for (kind, count) in [("Patient", 13), ("Immunization", 161), ("AllergyIntolerance", 11)] {
        assert_eq!(fake.count(kind), count, "{kind}");
    }
    assert_eq!(fake.lock().stored.len() as u64, report.loaded);
}
