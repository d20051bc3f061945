//! Who may read and write which table: the table of ADR 0010 and the rights of before it, compared with the
//! database's catalog, each role, table and right; and what the functions of the owner refuse.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use it::Database;
use sqlx::{AssertSqlSafe, PgConnection};

const ROLES: [&str; 5] = ["app", "audit", "auth", "seal", "review"];

const ADR: &str = include_str!("../../../docs/adr/0010-authorization-server-and-audit.md");

/// Tables of before ADR 0010, which says nothing of them: the application's rights.
const BEFORE: [(&str, &str); 21] = [
    ("blob", "srwd"),
    ("blob_chunk", "sw"),
    ("claim", "srwd"),
    ("date_index", "srwd"),
    ("history", "sw"),
    ("idempotency", "srwd"),
    ("inbox", "sw"),
    ("index_due", "swd"),
    ("index_param", "srwd"),
    ("index_state", "sr"),
    ("number_index", "srwd"),
    ("outbox", "sw"),
    ("reserve", ""),
    ("reserve_proof", ""),
    ("resource", "srwd"),
    ("setting", "s"),
    ("site", "s"),
    ("string_index", "srwd"),
    ("timeline_index", "srwd"),
    ("token_index", "srwd"),
    ("_sqlx_migrations", ""),
];

/// Functions that a role may run; the owner's rights are behind all of them.
const FUNCTIONS: [(&str, &str); 6] = [
    ("app", "ensure_partitions"),
    ("app", "give_reserve_back"),
    ("app", "keep_seal_proof"),
    ("app", "settle_era"),
    ("app", "take_reserve"),
    ("seal", "drop_audit_month"),
];

type Rights = BTreeMap<(String, &'static str), String>;

/// Rights by table and role as the documents say: letters of select, update, insert, delete.
fn promised() -> Result<Rights> {
    let mut rights = Rights::new();
    let mut promise = |table: &str, role: &'static str, letters: &str| {
        if !letters.is_empty() {
            rights.insert((table.to_owned(), role), sorted(letters));
        }
    };
    for (table, letters) in BEFORE {
        promise(table, "app", letters);
    }
    // The writer of the record is of before, and only writes.
    promise("audit", "audit", "w");
    let rows = ADR.lines().skip_while(|line| !line.starts_with("| table | holds |")).skip(2);
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, tables, _, app, auth, seal, review, _] = cells.as_slice() else {
            anyhow::bail!("a row of another shape: {row}");
        };
        for table in tables.split('`').skip(1).step_by(2) {
            for (role, letters) in
                [("app", app), ("auth", auth), ("seal", seal), ("review", review)]
            {
                promise(table, role, letters);
            }
        }
    }
    ensure!(rights.len() > 50, "the table was not found");
    Ok(rights)
}

fn sorted(letters: &str) -> String {
    ["s", "r", "w", "d"].into_iter().filter(|letter| letters.contains(letter)).collect()
}

/// The same as the database has them, partitions apart.
async fn given(database: &mut PgConnection) -> Result<Rights> {
    let mut rights = Rights::new();
    for role in ROLES {
        // To read, write or change one column is enough to be named here.
        let rows: Vec<(String, String)> = sqlx::query_as(
            "select c.relname::text,
                case when has_any_column_privilege(r.name, c.oid, 'select') then 's' else '' end
                || case when has_any_column_privilege(r.name, c.oid, 'update') then 'r' else '' end
                || case when has_any_column_privilege(r.name, c.oid, 'insert') then 'w' else '' end
                || case when has_table_privilege(r.name, c.oid, 'delete') then 'd' else '' end
                || case when has_table_privilege(r.name, c.oid, 'truncate, references, trigger')
                    then '!' else '' end
             from pg_class c, (select 'carebridge_' || $1 as name) r
             where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
                and not c.relispartition",
        )
        .bind(role)
        .fetch_all(&mut *database)
        .await?;
        for (table, letters) in rows.into_iter().filter(|(_, letters)| !letters.is_empty()) {
            rights.insert((table, role), letters);
        }
    }
    Ok(rights)
}

#[tokio::test]
async fn each_role_has_just_the_rights_that_are_documented() -> Result<()> {
    let mut database = Database::create().await?.connect().await?;
    let (promised, given) = (promised()?, given(&mut database).await?);
    let wrong: Vec<String> = promised
        .keys()
        .chain(given.keys())
        .filter(|place| promised.get(*place) != given.get(*place))
        .map(|place| format!("{place:?}: {:?}, not {:?}", given.get(place), promised.get(place)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// A partition is reached through its journal: for itself it belongs to the owner.
#[tokio::test]
async fn partitions_are_nobodys() -> Result<()> {
    let mut database = Database::create().await?.connect().await?;
    let open: Vec<String> = sqlx::query_scalar(
        "select r.rolname || ' ' || c.relname from pg_class c, pg_roles r
         where c.relispartition and c.relkind = 'r' and r.rolname ~ '^carebridge_(app|audit|auth|seal|review)$'
            and (has_any_column_privilege(r.rolname, c.oid, 'select, insert, update')
                or has_table_privilege(r.rolname, c.oid, 'delete, truncate'))",
    )
    .fetch_all(&mut database)
    .await?;
    assert!(open.is_empty(), "{open:?}");
    Ok(())
}

#[tokio::test]
async fn each_role_runs_just_its_functions() -> Result<()> {
    let mut database = Database::create().await?.connect().await?;
    let given: Vec<(String, String)> = sqlx::query_as(
        "select replace(r.rolname, 'carebridge_', ''), p.proname::text from pg_proc p, pg_roles r
         where p.pronamespace = 'public'::regnamespace
            and r.rolname ~ '^carebridge_(app|audit|auth|seal|review)$'
            and has_function_privilege(r.rolname, p.oid, 'execute')
         order by 1, 2",
    )
    .fetch_all(&mut database)
    .await?;
    let given: Vec<(&str, &str)> =
        given.iter().map(|(role, name)| (role.as_str(), name.as_str())).collect();
    assert_eq!(given, FUNCTIONS);
    Ok(())
}

async fn run(database: &mut PgConnection, statement: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(database).await?;
    Ok(())
}

/// The SQLSTATE of a refusal.
async fn refusal(database: &mut PgConnection, statement: &str) -> Result<String> {
    let refused = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(database).await;
    let error = refused.err().with_context(|| format!("was done: {statement}"))?;
    let error = error.into_database_error().context("the database's own")?;
    Ok(error.code().context("a code")?.into_owned())
}

/// A statement in the role of a session that takes no other.
#[tokio::test]
async fn the_record_is_closed_to_all_who_write_it() -> Result<()> {
    let mut database = Database::create().await?.connect().await?;
    for (role, statements) in [
        (
            "app",
            "select from audit; update audit set status = 0; delete from audit; truncate audit",
        ),
        ("audit", "select from audit; update audit set status = 0; select from resource"),
        ("auth", "select from audit; select from resource; update audit set status = 0"),
        (
            "seal",
            "update audit set status = 0; delete from audit; insert into audit default values",
        ),
        ("review", "delete from audit; update audit_seal set count = 1; select from credential"),
        (
            "app",
            "select from account; select from client; select from session; select from approval",
        ),
        (
            "app",
            "select from signing_key; select from audit_seal; update data_key set retired_at = now()",
        ),
    ] {
        run(&mut database, &format!("set role carebridge_{role}")).await?;
        for statement in statements.split("; ") {
            assert_eq!(refusal(&mut database, statement).await?, "42501", "{role}: {statement}");
        }
        run(&mut database, "reset role").await?;
    }
    Ok(())
}

const PEOPLE: &str = "
    insert into account (sub, login) values ('a', 'ada'), ('b', 'bob');
    insert into session (digest, account, factors, ends_at)
        values (sha256('c'), 1, 1, now() + interval '1 hour');
    insert into approval (account, client, scopes, offline, session, salt, ends_at)
        values (1, 'app', 'user/*.rs', false, 1, sha256('s'), now() + interval '1 hour');
    insert into client (client, name, kind, class, scopes) values ('app', 'An app', 0, 1, 'user/*.rs')";

#[tokio::test]
async fn the_tables_refuse_what_cannot_be() -> Result<()> {
    let mut database = Database::create().await?.connect().await?;
    run(&mut database, PEOPLE).await?;
    for statement in [
        "insert into client (client, name, kind, class, scopes) values ('a b', 'x', 0, 1, '')",
        "insert into client (client, name, kind, class, scopes) values ('conf', 'x', 1, 1, '')",
        "insert into client (client, name, kind, class, scopes, jwks_url)
            values ('key', 'x', 2, 1, '', 'http://x.example/')",
        "insert into account (sub, login) values ('d', 'Dora')",
        "insert into account (sub, login, fhir_user) values ('d', 'dora', 'Device/1')",
        "insert into credential (account, kind, password) values (1, 0, 'hunter2')",
        "insert into credential (account, kind, password, digest)
            values (1, 0, '$argon2id$', sha256('x'))",
        "insert into credential (account, kind, digest) values (1, 2, '\\x00')",
        "insert into session (digest, account, factors, ends_at)
            values (sha256('x'), 1, 0, now() + interval '1 h')",
        "insert into code (digest, approval, redirect, challenge, ends_at)
            values (sha256('x'), 1, 'https://x', 'plain', now())",
        "insert into break_glass (account, approval, patient, reason, ends_at)
            values (1, 1, 'p', 'sealed', now() + interval '61 minutes')",
        "insert into break_glass (account, approval, patient, reason, ends_at, reviewed_by, reviewed_at, verdict)
            values (1, 1, 'p', 'sealed', now() + interval '1 minute', 1, now(), 1)",
        "insert into auth_change (kind, name, until) values (3, '1', now())",
        "insert into audit_seal (seal, month, tx_lo, id_lo, tx_hi, id_hi, count, leaves, head_before, head,
                kid, signature)
            values (1, '2020-01-01', 1, 1, 1, 2, 2, '\\x00', sha256('a'), sha256('b'), 'k', '')",
    ] {
        assert_eq!(refusal(&mut database, statement).await?, "23514", "{statement}");
    }
    run(&mut database, "insert into data_key (purpose, kek, wrapped) values (0, 'file', '')")
        .await?;
    let second = "insert into data_key (purpose, kek, wrapped) values (0, 'file', '')";
    assert_eq!(refusal(&mut database, second).await?, "23505", "two keys seal at once");
    // An online approval stays, and says that its session is gone; so does what an account did.
    run(&mut database, "delete from session").await?;
    let left: (i64, i64) = sqlx::query_as("select count(*), count(session) from approval")
        .fetch_one(&mut database)
        .await?;
    assert_eq!(left, (1, 0));
    assert_eq!(refusal(&mut database, "delete from account").await?, "23503");
    Ok(())
}

/// A month long gone with rows, and seals of so many of them.
fn month(rows: i32, sealed: i32) -> String {
    format!(
        "create table audit_2019_05 partition of audit for values from ('2019-05-01') to ('2019-06-01');
         insert into audit (at, request_id, action, status, client, token_id)
            select '2019-05-03', 'r', 1, 200, 'c', 't' from generate_series(1, {rows});
         insert into audit_key (kid, public) values ('k', '{{}}');
         insert into audit_seal (seal, month, tx_lo, id_lo, tx_hi, id_hi, count, leaves, head_before, head, kid,
                signature)
            select 1, '2019-05-01', 0, 1, 0, {sealed}, {sealed}, decode(repeat('00', 16 * {sealed}), 'hex'),
                sha256('a'), sha256('b'), 'k', decode(repeat('00', 64), 'hex');
         insert into audit_patient (patient, seal) values (7, 1);
         insert into audit_person (person, seal) values ('Practitioner/1', 1)"
    )
}

const DROP: &str = "set role carebridge_seal;
    select drop_audit_month('2019-05-01', 72, 'k', decode(repeat('00', 64), 'hex'));
    reset role";

#[tokio::test]
async fn a_month_goes_only_when_it_may() -> Result<()> {
    for (hold, rows, sealed, goes) in [
        ("", 3, 3, true),
        ("", 3, 2, false),
        ("(null, null, null, null)", 3, 3, false),
        ("(7, null, null, null)", 3, 3, false),
        ("(8, null, null, null)", 3, 3, true),
        ("(null, 'Practitioner/1', null, null)", 3, 3, false),
        ("(null, 'Practitioner/2', null, null)", 3, 3, true),
        ("(null, null, '2019-05-31', '2019-08-01')", 3, 3, false),
        ("(null, null, '2019-06-01', null)", 3, 3, true),
        ("(7, null, null, '2019-04-30')", 3, 3, true),
    ] {
        let mut database = Database::create().await?.connect().await?;
        run(&mut database, &month(rows, sealed)).await?;
        if !hold.is_empty() {
            let hold = format!(
                "insert into audit_hold (patient, person, begins, ends, reason, made_by)
                 select v.a::bigint, v.b, v.c::date, v.d::date, 'a case', 'ada' from (values {hold}) v (a, b, c, d)"
            );
            run(&mut database, &hold).await?;
        }
        if goes {
            run(&mut database, DROP).await.with_context(|| hold.to_owned())?;
            let left: (i64, i64, i64, i64) = sqlx::query_as(
                "select (select count(*) from audit), (select sum(rows)::bigint from audit_drop),
                    (select count(*) from audit_patient), (select count(*) from audit_seal where leaves = '')",
            )
            .fetch_one(&mut database)
            .await?;
            assert_eq!(left, (0, 3, 0, 1), "{hold}");
        } else {
            assert_eq!(refusal(&mut database, DROP).await?, "CB002", "{hold} {rows} {sealed}");
        }
    }
    Ok(())
}

/// Six years, whatever retention is asked for; and a month is the first of one.
#[tokio::test]
async fn a_young_month_stays() -> Result<()> {
    let mut database = Database::create().await?.connect().await?;
    for gone in [
        "date_trunc('month', now())::date",
        "(date_trunc('month', now()) - interval '72 months')::date",
        "'2019-05-02'",
    ] {
        let statement = format!("select drop_audit_month({gone}, 1, 'k', '')");
        assert_eq!(refusal(&mut database, &statement).await?, "CB002", "{gone}");
    }
    Ok(())
}
