//! Whom a refused request was about: a patient whose id somebody asked for is told of it, whatever the answer was and
//! wherever it was asked.

use anyhow::Result;
use it::{Form, Signed};

use crate::record_page::{enter, lines};
use crate::record_refused::Record;

/// Whom somebody asked for is in the row, whatever hides the patient; and so the patient is told of it.
#[tokio::test]
async fn what_is_refused_of_a_patient_is_found_under_the_patient() -> Result<()> {
    let world = Signed::start().await?;
    let anna = world.given(&world.spa("patient/*.rs user/*.rs"), "anna", None).await?;
    let mut record = Record::open(&world.server.database).await?;
    for (path, row) in [
        ("/Patient/bert", "1 404 spa anna bert -"),
        ("/Patient/bert/_history/1", "1 404 spa anna bert -"),
        ("/Patient/bert/_history", "1 404 spa anna bert -"),
        ("/Patient/bert/$access-report", "5 403 spa anna bert -"),
        ("/Patient/bert/$accounting-of-disclosures", "5 403 spa anna bert -"),
        ("/Patient/bert/Observation", "4 200 spa anna bert "),
        ("/Observation?subject=Patient/bert", "4 200 spa anna - "),
        ("/Observation/none", "1 404 spa anna - -"),
    ] {
        let answer = anna.get(path).await?;
        assert!(!answer.text.contains("Observation/bert"), "{path}: {}", answer.text);
        let news = record.news().await?;
        assert!(news.len() == 1 && news[0].starts_with(row), "{path}: {news:?}");
    }
    let bert = world.given(&world.spa("patient/*.rs"), "bert", None).await?;
    let report = bert.get("/Patient/bert/$access-report?outcome=4").await?;
    assert_eq!(report.text.matches("\"outcome\":\"4\"").count(), 5, "{}", report.text);
    let (_, page) = enter(&world, "bert", "/auth/record").await?;
    let refused = lines(&page).iter().filter(|line| line.ends_with(", and was refused")).count();
    assert_eq!(refused, 5, "{:?}", lines(&page));
    Ok(())
}

/// What a page does not show to whoever is signed in is recorded, under the patient where one was named.
#[tokio::test]
async fn what_pages_refuse_is_recorded() -> Result<()> {
    let world = Signed::start().await?;
    let closed = "Only clinicians can take access in an emergency.";
    let mut record = Record::open(&world.server.database).await?;
    for (path, row) in [
        ("/auth/record?patient=bert", "5 403 carebridge anna bert -".to_owned()),
        ("/auth/record.csv?patient=Patient/bert", "5 403 carebridge anna bert -".to_owned()),
        ("/auth/record?patient=../x", "5 403 carebridge anna - -".to_owned()),
        ("/auth/review", "12 403 carebridge anna - list of accesses in emergencies".to_owned()),
        ("/auth/break-glass", format!("11 403 carebridge anna - {closed}")),
    ] {
        let (mut visitor, _) = enter(&world, "anna", "/auth/launch").await?;
        record.news().await?;
        visitor.open(path).await?;
        assert_eq!(record.news().await?, [row], "{path}");
    }
    let (mut visitor, page) = enter(&world, "anna", "/auth/launch").await?;
    for (path, row) in [
        ("/auth/launch", "1 404 carebridge anna bert -".to_owned()),
        ("/auth/break-glass", format!("11 403 carebridge anna bert {closed}")),
    ] {
        record.news().await?;
        let form = page.form("/auth/logout")?.with("patient", "bert");
        let answer = visitor.submit(&Form { action: path.to_owned(), ..form }).await?;
        assert!(answer.status >= 400 && !answer.text.contains("Beta"), "{path}: {}", answer.text);
        assert_eq!(record.news().await?, [row], "{path}");
    }
    Ok(())
}
