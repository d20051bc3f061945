//! What the journals hold beside the resources, who may change them, and how they are partitioned.

use std::collections::BTreeSet;

use anyhow::Result;
use it::{Answer, Fixture};
use sqlx::{AssertSqlSafe, PgConnection};

fn patient(id: &str, family: &str) -> String {
    format!(r#"{{"resourceType":"Patient","id":"{id}","name":[{{"family":"{family}"}}]}}"#)
}

fn observation(id: &str, patient: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"text":"x"}},"subject":{{"reference":"Patient/{patient}"}}}}"#
    )
}

/// A server on which all kinds of writes were made, some in vain.
async fn written() -> Result<Fixture> {
    let server = Fixture::start().await?;
    let transaction = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[
        {{"resource":{},"request":{{"method":"PUT","url":"Patient/b"}}}},
        {{"resource":{},"request":{{"method":"PUT","url":"Observation/t"}}}},
        {{"resource":{},"request":{{"method":"PUT","url":"Patient/a"}}}}]}}"#,
        patient("b", "Two"),
        observation("t", "b"),
        patient("a", "Third")
    );
    for (method, path, body, status) in [
        ("PUT", "/Patient/a", patient("a", "First").as_str(), 201),
        ("PUT", "/Patient/a", &patient("a", "Second"), 200),
        ("PUT", "/Patient/a", &patient("a", "Second"), 200),
        ("PUT", "/Patient/a", &patient("x", "Refused"), 400),
        ("PUT", "/Observation/o", &observation("o", "a"), 201),
        ("POST", "", &transaction, 200),
        ("PUT", "/Observation/o", &observation("o", "b"), 200),
        ("DELETE", "/Observation/t", "", 204),
        ("PUT", "/Observation/t", &observation("t", "a"), 201),
        ("DELETE", "/Patient/b", "", 204),
        ("POST", "", &transaction.replace("Patient/a\"", "Patient/%\""), 400),
    ] {
        let answer = match method {
            "DELETE" => Answer::of(server.client.request(method, path)).await?,
            _ => server.client.send(method, path, body).await?,
        };
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
    }
    Ok(server)
}

async fn texts(database: &mut PgConnection, query: &str) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_all(database).await?)
}

const VERSIONS: &str = "(select rid, type, id, version, method, site, xid, patients from resource
    union all select rid, type, id, version, method, site, xid, patients from history) v";

#[tokio::test]
async fn the_outbox_names_each_version_once() -> Result<()> {
    let server = written().await?;
    let database = &mut server.database.connect().await?;
    let line = |from: &str| {
        format!(
            "select concat_ws(' ', rid, type, id, version, method, site, xid, patients::text)
             from {from} order by rid, version"
        )
    };
    let versions = texts(database, &line(VERSIONS)).await?;
    let outbox = texts(database, &line("outbox")).await?;
    assert_eq!(outbox, versions);
    assert_eq!(outbox.len(), 10, "{outbox:?}");
    let gaps = "select id from (select id, version, row_number() over (partition by rid order by version) n
        from outbox) v where version <> n";
    assert!(texts(database, gaps).await?.is_empty(), "versions are contiguous");
    let together = texts(
        database,
        "select string_agg(id || version, ' ' order by id) from outbox group by xid having count(*) > 1",
    )
    .await?;
    assert_eq!(together, ["a3 b1 t1"], "a transaction has one id, others have their own");
    Ok(())
}

#[tokio::test]
async fn a_version_knows_its_patients() -> Result<()> {
    let server = written().await?;
    let database = &mut server.database.connect().await?;
    let owned = format!(
        "select v.id || v.version || ' ' || coalesce(string_agg(p.id, ',' order by p.id), '')
         from {VERSIONS} left join resource p on p.type = v.type_of_patient and p.id_hash = any (v.patients)
         group by v.id, v.version order by 1"
    )
    .replace(" v left join", " versions cross join lateral (select versions.*, (select type from resource where id = 'a') as type_of_patient) v left join");
    assert_eq!(
        texts(database, &owned).await?,
        ["a1 a", "a2 a", "a3 a", "b1 b", "b2 b", "o1 a", "o2 b", "t1 b", "t2 b", "t3 a"]
    );
    Ok(())
}

#[tokio::test]
async fn the_columns_that_cannot_be_added_later() -> Result<()> {
    let server = Fixture::start().await?;
    let database = &mut server.database.connect().await?;
    let found = texts(
        database,
        "select table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable
         from information_schema.columns
         where table_name in ('resource', 'history', 'outbox') and column_name in ('xid', 'site', 'patients', 'rid')
         order by 1",
    )
    .await?;
    let mut expected: Vec<String> = ["history", "outbox", "resource"]
        .iter()
        .flat_map(|table| {
            ["patients _int8", "rid int8", "site int2", "xid xid8"]
                .map(|column| format!("{table}.{column} NO"))
        })
        .collect();
    expected.sort();
    assert_eq!(found, expected);
    Ok(())
}

#[tokio::test]
async fn journals_are_partitioned_by_month() -> Result<()> {
    let server = written().await?;
    let database = &mut server.database.connect().await?;
    let partitioned = texts(
        database,
        "select p.partrelid::regclass::text from pg_partitioned_table p order by 1",
    )
    .await?;
    assert_eq!(partitioned, ["audit", "history", "inbox", "outbox"]);
    for journal in &partitioned {
        let months = texts(
            database,
            "select to_char(date_trunc('month', now() at time zone 'UTC') + n * interval '1 month', '_YYYY_MM')
             from generate_series(0, 3) n",
        )
        .await?;
        let parts: BTreeSet<String> = texts(
            database,
            &format!("select inhrelid::regclass::text from pg_inherits where inhparent = '{journal}'::regclass"),
        )
        .await?
        .into_iter()
        .collect();
        for month in months {
            assert!(parts.contains(&format!("{journal}{month}")), "{journal}: {parts:?}");
        }
        assert!(parts.contains(&format!("{journal}_default")), "{journal}: {parts:?}");
        let used =
            texts(database, &format!("select distinct tableoid::regclass::text from {journal}"))
                .await?;
        assert_eq!(used.len(), usize::from(journal != "inbox"), "{used:?}");
        assert!(!used.contains(&format!("{journal}_default")), "{used:?}");
    }
    Ok(())
}

#[tokio::test]
async fn roles_may_append_and_nothing_else() -> Result<()> {
    let server = written().await?;
    let database = &mut server.database.connect().await?;
    let partition = texts(database, "select distinct tableoid::regclass::text from audit").await?;
    let [partition] = partition.as_slice() else { panic!("{partition:?}") };
    let in_partition = format!("delete from {partition}");
    let mut allowed = Vec::new();
    for (role, statement) in [
        ("carebridge_app", "update audit set status = 0"),
        ("carebridge_app", "delete from audit"),
        ("carebridge_app", in_partition.as_str()),
        ("carebridge_app", "truncate audit"),
        ("carebridge_app", "select * from audit"),
        ("carebridge_app", "update history set version = 0"),
        ("carebridge_app", "delete from history"),
        ("carebridge_app", "truncate history"),
        ("carebridge_app", "update outbox set version = 0"),
        ("carebridge_app", "delete from outbox"),
        ("carebridge_app", "truncate outbox"),
        ("carebridge_app", "update inbox set raw = ''"),
        ("carebridge_app", "delete from inbox"),
        ("carebridge_app", "truncate resource"),
        ("carebridge_app", "drop table audit"),
        ("carebridge_app", "alter table audit add column x int"),
        ("carebridge_app", "create table mine (x int)"),
        ("carebridge_app", "update setting set value = ''"),
        ("carebridge_app", "insert into site (name) values ('x')"),
        ("carebridge_app", "delete from _sqlx_migrations"),
        ("carebridge_audit", "select * from audit"),
        ("carebridge_audit", "update audit set status = 0"),
        ("carebridge_audit", "delete from audit"),
        ("carebridge_audit", "truncate audit"),
        ("carebridge_audit", "select * from resource"),
        ("carebridge_audit", "select * from history"),
        ("carebridge_audit", "select * from setting"),
        ("carebridge_audit", "delete from resource"),
        (
            "carebridge_audit",
            "insert into outbox (rid, version, type, site, method, id, patients) values (1, 1, 1, 0, 0, 'x', '{}')",
        ),
        ("carebridge_audit", "create table mine (x int)"),
    ] {
        let whole = format!("set role {role}; {statement}");
        let refused = sqlx::raw_sql(AssertSqlSafe(whole)).execute(&mut *database).await;
        let code = refused
            .err()
            .and_then(|error| error.as_database_error()?.code().map(|c| c.into_owned()));
        if code.as_deref() != Some("42501") {
            allowed.push(format!("{role}: {statement}: {code:?}"));
        }
    }
    assert!(allowed.is_empty(), "{}", allowed.join("\n"));
    Ok(())
}

/// A clock that ran ahead leaves a row where a month's partition should be made: that month stays
/// there, and all else goes on.
#[tokio::test]
async fn a_row_in_a_default_partition_stops_nothing() -> Result<()> {
    let server = Fixture::start().await?;
    let mut owner = server.database.connect().await?;
    sqlx::raw_sql(
        "insert into outbox (created_at, rid, version, type, site, method, id, patients)
            values (now() + interval '5 months', 1, 1, 1, 0, 0, 'early', '{}');
         select ensure_partitions(now() + interval '8 months')",
    )
    .execute(&mut owner)
    .await?;
    store::migrate(&server.database.url).await?;
    let made = "select count(*) from pg_inherits where inhparent = $1::regclass";
    let count = async |owner: &mut PgConnection, journal: &str| -> Result<i64> {
        Ok(sqlx::query_scalar(made).bind(journal).fetch_one(owner).await?)
    };
    let audit = count(&mut owner, "audit").await?;
    assert_eq!(count(&mut owner, "outbox").await?, audit - 1, "all months but one");
    Ok(())
}
