//! Queries that are wrong, too large, or mean to be more than data. See `bad_input`.

use anyhow::Result;
use it::Fixture;

use crate::bad_input::{alive, json, refused};
use crate::search::ids;

const WRONG: &[(&str, &str)] = &[
    ("half an escape", "name=%4"),
    ("a NUL", "name=%00zq7canary"),
    ("a NUL in a name", "na%00me=x"),
    ("not UTF-8", "name=%ff%fe"),
    ("an unknown parameter", "zq7=1"),
    ("an unknown modifier", "name:zq7=1"),
    ("an unknown sort", "_sort=zq7"),
    ("SQL to sort by", "_sort=name%3Bdrop%20table%20resource"),
    ("SQL in a name", "name%27%3Bdrop%20table%20resource--=1"),
    ("a date that is none", "birthdate=zq7canary"),
    ("a month that is none", "birthdate=2024-13"),
    ("a prefix that is none", "birthdate=xx2024"),
    ("a date out of range", "birthdate=99999-01-01"),
    ("SQL in a date", "birthdate=2024-01-01%27%20or%201=1"),
    ("a count below zero", "_count=-1"),
    ("a count that overflows", "_count=99999999999999999999"),
    ("a count that is none", "_count=zq7canary"),
    ("a total that is none", "_total=zq7canary"),
    ("a summary that is none", "_summary=zq7canary"),
    ("a page that is none", "_page=zq7canary"),
    ("missing what", "name:missing=zq7canary"),
    ("no value", "name="),
    ("no value between", "name=a,,b"),
    ("a token", "access_token=zq7canary"),
];

#[tokio::test]
async fn queries_that_are_wrong_or_too_large() -> Result<()> {
    let server = Fixture::start().await?;
    let client = &server.client;
    let strict = |query: &str| {
        client.request("GET", &format!("/Patient?{query}")).header("prefer", "handling=strict")
    };
    for (name, query) in WRONG {
        refused(&server, name, strict(query), 400).await;
    }
    let form = |body: String| {
        client
            .request("POST", "/Patient/_search")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    };
    let many = ["a"; 10_000].join(",");
    for (name, request, status) in [
        ("101 parameters", strict(&"active=true&".repeat(101)), 400),
        ("10,000 ids", strict(&format!("_id={many}")), 400),
        ("10,000 names", strict(&format!("name={many}")), 400),
        ("a query of 1 MB", form(format!("name={}", "a".repeat(1 << 20))), 400),
        ("a format that is none", strict("_format=zq7canary"), 406),
        ("a search sent as JSON", json(client, "POST", "/Patient/_search", "{}"), 415),
    ] {
        refused(&server, name, request, status).await;
    }
    let most = client.get("/Patient?_count=1000000000").await?;
    assert_eq!(most.status, 200, "a wish for many is lowered: {}", most.text);
    Ok(())
}

const FAMILIES: [&str; 8] =
    ["100%", "a_b", "aXb", r"c\\d", "o'; drop table resource; --", "$1", "{x}", r"\u202ebidi"];

#[tokio::test]
async fn values_are_data_wherever_they_go() -> Result<()> {
    let server = Fixture::start().await?;
    for (n, family) in FAMILIES.iter().enumerate() {
        let body =
            format!(r#"{{"resourceType":"Patient","id":"{n}","name":[{{"family":"{family}"}}]}}"#);
        let answer = server.client.send("PUT", &format!("/Patient/{n}"), &body).await?;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    for (query, expected) in [
        ("family=%25", ""),
        ("family:contains=%25", "0"),
        ("family=100%25", "0"),
        ("family=a_", "1"),
        ("family:contains=_", "1"),
        ("family=_", ""),
        ("family=c%5C%5Cd", "3"),
        ("family:contains=%5C%5C", "3"),
        ("family=o%27%3B", "4"),
        ("family:contains=drop%20table", "4"),
        ("family=%27%20or%20%271%27=%271", ""),
        ("family=$1", "5"),
        ("family=%7Bx", "6"),
        ("family=a.b", ""),
        ("family=%5E", ""),
        ("identifier=%27%20or%201=1--", ""),
        ("identifier=a%7C%27%20or%201=1--", ""),
        ("_id=0%27%20or%201=1", ""),
        ("general-practitioner=Practitioner/1%27%20or%201=1", ""),
        ("gender=male%27)%20or%20(1=1", ""),
    ] {
        let found = server.client.get(&format!("/Patient?{query}&_sort=_id")).await?;
        assert_eq!(ids(&found), expected, "{query}");
    }
    alive(&server).await;
    Ok(())
}
