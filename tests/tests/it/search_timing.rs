//! A timing is one stretch of time, from the first of its events and bounds to the last, whatever finds it and
//! in whatever order. <https://hl7.org/fhir/R4/search.html#date>

use anyhow::Result;

use crate::search::ids;
use crate::search_values::holding;
use crate::search_walk::walk;

/// Events long after the bounds; a date between them; none.
const ALL: [&str; 4] = [
    r#"{"resourceType":"Patient","id":"p"}"#,
    r#"{"resourceType":"Observation","id":"timing","status":"final","code":{"coding":[{"code":"x"}]},"subject":{"reference":"Patient/p"},"effectiveTiming":{"event":["2024-06-10","2024-06-01"],"repeat":{"boundsPeriod":{"start":"2020-01","end":"2020-02"}}}}"#,
    r#"{"resourceType":"Observation","id":"date","status":"final","code":{"coding":[{"code":"x"}]},"subject":{"reference":"Patient/p"},"effectiveDateTime":"2022-01-01"}"#,
    r#"{"resourceType":"Observation","id":"never","status":"final","code":{"coding":[{"code":"x"}]},"subject":{"reference":"Patient/p"}}"#,
];

#[tokio::test]
async fn one_order_by_every_way() -> Result<()> {
    let server = holding(&ALL).await?;
    for by in ["", "code=x", "patient=p&code=x", "status=final", "_id=timing,date,never"] {
        for (sort, expected) in
            [("-date", ["date", "timing", "never"]), ("date", ["timing", "date", "never"])]
        {
            for count in [1, 2, 100] {
                let url = format!("/Observation?{by}&_sort={sort}&_count={count}");
                assert_eq!(walk(&server.client, &url).await?, expected, "{url}");
            }
        }
    }
    let newest = server.client.get("/Observation?patient=p&code=x").await?;
    assert_eq!(ids(&newest), "date,timing,never");
    Ok(())
}

#[tokio::test]
async fn what_it_is_found_by() -> Result<()> {
    let server = holding(&ALL).await?;
    for (query, expected) in [
        ("date=2022", "date"),
        ("date=2024-06", ""),
        ("date=ap2021-05", "timing"),
        ("date=ge2020-01-01&date=le2024-06-10", "date,timing"),
        ("date=gt2023", "timing"),
        ("date=lt2021", "timing"),
        ("date=sa2021", "date"),
        ("date=eb2021", ""),
        ("date=eb2024-06-11", "date,timing"),
    ] {
        let found = server.client.get(&format!("/Observation?{query}&_sort=_id")).await?;
        assert_eq!(ids(&found), expected, "{query}");
    }
    Ok(())
}

/// No other type has several dates that its timeline could be laid along.
#[tokio::test]
async fn two_dates_of_one_choice_are_refused() -> Result<()> {
    let server = holding(&[]).await?;
    let both = ALL[1].replace("\"status\"", r#""effectiveDateTime":"2022","status""#);
    let answer = server.client.send("PUT", "/Observation/timing", &both).await?;
    assert_eq!(answer.status, 422, "{}", answer.text);
    Ok(())
}
