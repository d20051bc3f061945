//! `export`: pages, exact text, whole files.

use std::io::Read;

use client::{ExportOptions, LoadOptions, export, load};
use flate2::read::MultiGzDecoder;

use crate::fake::{Fake, Fault, Folder};

async fn filled(folder: &Folder) -> Fake {
    let fake = Fake::start().await;
    let lines: String = (0..5)
        .map(|n| format!("{{\"resourceType\":\"Patient\",\"id\":\"p{n}\",\"x\":\"a  b\\\" \"}}\n"))
        .chain(["{\"resourceType\":\"Observation\",\"id\":\"o\"}\n".to_owned()])
        .collect();
    let options = LoadOptions {
        connection: fake.connection(),
        inputs: vec![folder.write("in.ndjson", lines)],
        journal: Some(folder.path("journal")),
        progress: false,
        ..LoadOptions::default()
    };
    assert!(load(options).await.unwrap().ok());
    fake
}

fn options(fake: &Fake, folder: &Folder, name: &str) -> ExportOptions {
    ExportOptions {
        connection: fake.connection(),
        folder: folder.path(name),
        force: false,
        types: Vec::new(),
        gzip: false,
        progress: false,
    }
}

#[tokio::test]
async fn all_pages_of_all_types() {
    let folder = Folder::new();
    let fake = filled(&folder).await;
    fake.lock().faults = [Fault::Status(503), Fault::Drop].into();
    let report = export(options(&fake, &folder, "out")).await.unwrap();
    assert!(report.ok(), "{report}");
    assert_eq!(report.total, 6);
    assert_eq!(report.resources["Patient"], 5);
    let names: Vec<_> =
        folder.files().into_iter().filter(|name| name.starts_with("out/")).collect();
    assert_eq!(names, ["out/Observation.ndjson", "out/Patient.ndjson"]);
    let text = std::fs::read_to_string(folder.path("out/Patient.ndjson")).unwrap();
    assert_eq!(text.lines().count(), 5);
    for line in text.lines() {
        assert!(line.contains("\"x\":\"a  b\\\" \""), "{line}");
    }
    let first = fake.seen("GET").into_iter().find(|seen| seen.path.contains("Patient")).unwrap();
    assert_eq!(first.path, "/fhir/Patient?_count=1000");
}

#[tokio::test]
async fn types_and_gzip() {
    let folder = Folder::new();
    let fake = filled(&folder).await;
    let types = vec!["Patient".to_owned(), "Device".to_owned()];
    let asked = ExportOptions { types, gzip: true, ..options(&fake, &folder, "out") };
    let report = export(asked).await.unwrap();
    assert_eq!(report.resources.len(), 1);
    let file = std::fs::File::open(folder.path("out/Patient.ndjson.gz")).unwrap();
    let mut text = String::new();
    MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    assert_eq!(text.lines().count(), 5);
}

#[tokio::test]
async fn a_type_that_fails_leaves_no_file() {
    let folder = Folder::new();
    let fake = filled(&folder).await;
    fake.lock().faults = [Fault::Status(400)].into();
    let types = vec!["Patient".to_owned()];
    let asked = ExportOptions { types, ..options(&fake, &folder, "out") };
    let report = export(asked).await.unwrap();
    assert!(!report.ok());
    assert!(report.errors["Patient"].ends_with("answered 400: fault."), "{report}");
    assert!(!folder.files().iter().any(|name| name.starts_with("out/")));
}

#[tokio::test]
async fn refused_credentials_are_one_sentence() {
    let folder = Folder::new();
    let fake = filled(&folder).await;
    let mut asked = options(&fake, &folder, "out");
    asked.connection.auth = client::Auth::Token("wrong".to_owned());
    for types in [vec![], vec!["Patient".to_owned(), "Device".to_owned()]] {
        let said = export(ExportOptions { types, ..asked.clone() }).await.unwrap_err().to_string();
        assert_eq!(said, format!("{} refuses the token (401): login.", fake.url));
    }
    assert!(!folder.path("out").exists());
}

#[tokio::test]
async fn files_are_replaced_only_by_force() {
    let folder = Folder::new();
    let fake = filled(&folder).await;
    let mut asked = options(&fake, &folder, "out");
    folder.write("out/Device.ndjson", "{}");
    let said = export(asked.clone()).await.unwrap_err().to_string();
    assert!(
        said.ends_with("is not empty: name another folder, or --force to replace files in it.")
    );
    asked.force = true;
    assert!(export(asked.clone()).await.unwrap().ok());
    let names: Vec<_> =
        folder.files().into_iter().filter(|name| name.starts_with("out/")).collect();
    assert_eq!(names, ["out/Observation.ndjson", "out/Patient.ndjson"], "there is no Device now");
    asked.folder = folder.path("in.ndjson");
    let said = export(asked).await.unwrap_err().to_string();
    assert!(said.contains("in.ndjson is a file"), "{said}");
}
