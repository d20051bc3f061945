//! Whoever owns the database can change the record. Each way to do so is found, named, and placed by the row's
//! number; a record that nobody touched is found whole.

use std::process::Command;

use anyhow::{Context, Result, bail};
use it::{Database, Fixture, SEAL_KEY, ledger, record_keys, seal_rows};
use sqlx::{AssertSqlSafe, PgConnection};
use store::record::{Fault, KnownHead, Question, Verified, Verifier};
use store::{Keys, Notary};

/// Rows 1 to 3 of May 2019; then 4 to 7 and 8 to 11, of a transaction each, under one seal; then 12 to 15.
const MAY: &str = "create table audit_2019_05 partition of audit
    for values from ('2019-05-01T00:00:00Z') to ('2019-06-01T00:00:00Z')";

const NO_SEALS: &str =
    "delete from audit_patient; delete from audit_person; delete from audit_seal";

/// One of them.
fn no_seal(seal: i64) -> String {
    NO_SEALS.replace(';', &format!(" where seal = {seal};")) + &format!(" where seal = {seal}")
}

const TRIES: usize = 50;

/// A record that is sealed, and who may change it: the owner of the database.
struct Scene {
    database: Database,
    owner: PgConnection,
    heads: Vec<KnownHead>,
}

impl Scene {
    async fn set() -> Result<Self> {
        // A transaction of another test may have the second and the third seal divided otherwise.
        for _ in 0..TRIES {
            let scene = Self::try_to_set().await?;
            if scene.heads.len() == 3 {
                return Ok(scene);
            }
        }
        bail!("other tests' transactions divide the seals each time")
    }

    async fn try_to_set() -> Result<Self> {
        let database = Database::create().await?;
        let owner = database.connect().await?;
        let mut scene = Self { database, owner, heads: Vec::new() };
        scene.run(MAY).await?;
        let mut notary = scene.database.notary().await?;
        scene.add(3, "'2019-05-07T12:00:00Z'").await?;
        seal_rows(&mut notary, 3).await?;
        // A transaction that leaves no row, so that there is a number between.
        scene.run("insert into site (name) values ('between')").await?;
        scene.add(4, "now()").await?;
        scene.add(4, "now()").await?;
        seal_rows(&mut notary, 8).await?;
        scene.add(4, "now()").await?;
        seal_rows(&mut notary, 4).await?;
        let heads: Vec<(i64, Vec<u8>)> =
            sqlx::query_as("select seal, head from audit_seal").fetch_all(&mut scene.owner).await?;
        for (seal, head) in heads {
            let head = head.as_slice().try_into()?;
            scene.heads.push(KnownHead { seal, head });
        }
        Ok(scene)
    }

    async fn add(&mut self, rows: usize, at: &str) -> Result<()> {
        self.run(&format!(
            "insert into audit (at, request_id, action, status, client, token_id, patients, person, detail)
             select {at}, 'r' || n, 1, 200, 'c', 't', array[n], 'Practitioner/' || n, 'd'
             from generate_series(1, {rows}) n"
        ))
        .await
    }

    async fn run(&mut self, statements: &str) -> Result<()> {
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
            .execute(&mut self.owner)
            .await
            .with_context(|| statements.to_owned())?;
        Ok(())
    }

    /// As somebody would who has only the database: with a key of his own, one seal for each month.
    async fn seal_anew(&mut self) -> Result<()> {
        let store = self.database.store().await?;
        for _ in 0..TRIES {
            self.run(NO_SEALS).await?;
            let mut forger = Notary::new(&self.database.url, &store, Keys::of_root([9; 32])?)?;
            seal_rows(&mut forger, 15).await?;
            let seals = sqlx::query_scalar::<_, i64>("select count(*) from audit_seal");
            if seals.fetch_one(&mut self.owner).await? == 2 {
                return Ok(());
            }
        }
        bail!("other tests' transactions divide the seals each time")
    }

    async fn verify(&self, keys: Keys, heads: &[KnownHead]) -> Result<Verified> {
        let question = Question { heads: heads.to_vec(), ..Question::default() };
        verify(&self.database, keys, &question).await
    }

    /// What is wrong, without heads, as `edit 5, swap 6 7`.
    async fn wrong(&self) -> Result<String> {
        Ok(told(&self.verify(record_keys()?, &[]).await?))
    }
}

async fn verify(database: &Database, keys: Keys, question: &Question) -> Result<Verified> {
    Ok(Verifier::new(&database.url, keys)?.verify(question, &mut |_, _| ()).await?)
}

fn told(verified: &Verified) -> String {
    let one = |fault: &Fault| {
        let ids = [fault.audit_id, fault.other_id].into_iter().flatten();
        let place = ids.map(|id| format!(" {id}")).collect::<String>();
        match (place.as_str(), fault.seal) {
            ("", Some(seal)) => format!("{} of seal {seal}", fault.kind.as_str()),
            _ => format!("{}{place}", fault.kind.as_str()),
        }
    };
    verified.faults.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn a_record_that_nobody_touched_is_whole() -> Result<()> {
    let mut scene = Scene::set().await?;
    let verified = scene.verify(record_keys()?, &scene.heads).await?;
    assert_eq!((told(&verified).as_str(), verified.rows, verified.seals), ("", 15, 3));
    assert!(verified.keys_proven && verified.unsealed.rows == 0);
    // Rows that came since are told, not judged.
    scene.add(2, "now()").await?;
    let verified = scene.verify(Keys::default(), &[]).await?;
    assert_eq!((told(&verified).as_str(), verified.unsealed.rows), ("", 2));
    assert!(!verified.keys_proven && verified.unsealed.since.is_some());
    let none = Database::create().await?;
    let verified = verify(&none, record_keys()?, &Question::default()).await?;
    assert_eq!((told(&verified).as_str(), verified.rows, verified.head), ("", 0, None));
    Ok(())
}

/// Contents of two rows changed for each other.
fn swap(one: i64, other: i64) -> String {
    let columns =
        "tx, at, request_id, action, status, type, version, id, client, subject, token_id, detail,
        interaction, patients, person, address, purpose, rules, recipient";
    format!(
        "update audit a set ({columns}) = (select {columns} from audit b
            where b.audit_id = case a.audit_id when {one} then {other} else {one} end)
         where audit_id in ({one}, {other})"
    )
}

/// A copy of a row under another number and transaction.
fn copy_of(row: i64, id: i64, tx: &str) -> String {
    format!(
        "insert into audit (audit_id, at, request_id, action, status, client, token_id, tx)
         overriding system value
         select {id}, at, request_id, action, status, client, token_id, {tx} from audit where audit_id = {row}"
    )
}

#[tokio::test]
async fn each_change_of_a_row_is_named() -> Result<()> {
    let mut cases: Vec<(String, &str)> = vec![
        ("update audit set status = 403 where audit_id = 6".into(), "edit 6"),
        ("update audit set patients = array[9] where audit_id = 1".into(), "edit 1"),
        ("update audit set person = null where audit_id in (4, 15)".into(), "edit 4, edit 15"),
        ("update audit set at = at + interval '1 ms' where audit_id = 7".into(), "edit 7"),
        // Into another month, so into another table.
        ("update audit set at = '2019-05-08' where audit_id = 8".into(), "edit 8"),
        ("update audit set detail = '' where audit_id = 9".into(), "edit 9"),
        ("delete from audit where audit_id = 4".into(), "deletion 4"),
        ("delete from audit where audit_id in (6, 8)".into(), "deletion 6, deletion 8"),
        ("delete from audit where audit_id = 15".into(), "deletion 15"),
        (
            "delete from audit where audit_id between 12 and 15".into(),
            "deletion 12, deletion 13, deletion 14, deletion 15",
        ),
        ("truncate audit_2019_05".into(), "deletion 1, deletion 2, deletion 3"),
        (copy_of(5, 99, "tx"), "insertion 99"),
        (copy_of(15, 99, "tx"), "insertion 99"),
        (copy_of(4, 99, "tx - 1"), "insertion 99"),
        (copy_of(1, 99, "tx"), "insertion 99"),
        (copy_of(1, 99, "1"), "insertion 99"),
        (copy_of(1, 99, "null"), "insertion 99"),
        (copy_of(1, 99, "-5"), "insertion 99"),
        (copy_of(1, 99, "1::bigint << 60"), "insertion 99"),
        (swap(5, 6), "swap 5 6"),
        (swap(4, 11), "swap 4 11"),
        (swap(2, 13), "swap 2 13"),
        // To where nothing is sealed yet.
        ("update audit set tx = 1::bigint << 60 where audit_id = 12".into(), "edit 12"),
        ("drop table audit_2019_05".into(), "month-gone of seal 1"),
        ("alter table audit detach partition audit_2019_05".into(), "month-gone of seal 1"),
    ];
    cases.push((format!("{}; {}", swap(5, 6), copy_of(5, 99, "tx")), "swap 5 6, insertion 99"));
    for (change, expected) in cases {
        let mut scene = Scene::set().await?;
        scene.run(&change).await?;
        assert_eq!(scene.wrong().await?, expected, "{change}");
    }
    Ok(())
}

#[tokio::test]
async fn each_change_of_a_seal_is_named() -> Result<()> {
    for (change, expected) in [
        ("update audit_seal set month = '2019-06-01' where seal = 2", "rewrite of seal 2"),
        ("update audit_seal set sealed_at = now() where seal = 2", "rewrite of seal 2"),
        ("update audit_seal set signature = sha512('x') where seal = 3", "rewrite of seal 3"),
        (
            "update audit_seal set head = sha256('x') where seal = 2",
            "rewrite of seal 2, rewrite of seal 3, edit of seal 2",
        ),
        (
            "update audit_seal set leaves = overlay(leaves placing '\\x00' from 30 for 1) where seal = 2",
            "edit 5",
        ),
        ("update audit_seal set leaves = '' where seal = 1", "rewrite of seal 1"),
        (
            "update audit_seal set leaves = '' where seal = 1; delete from audit where audit_id = 2",
            "rewrite of seal 1, insertion 1, insertion 3",
        ),
        (&no_seal(2), "truncation of seal 3"),
        (&no_seal(1), "truncation of seal 2"),
        (
            "delete from audit_seal where false; update audit_key set private = null",
            "rewrite of seal 1",
        ),
    ] {
        let mut scene = Scene::set().await?;
        scene.run(change).await?;
        assert_eq!(scene.wrong().await?, expected, "{change}");
    }
    Ok(())
}

/// A row and what was listed of it changed together: the chain tells, though not which row.
#[tokio::test]
async fn the_list_of_a_seal_does_not_hide_a_change() -> Result<()> {
    let mut scene = Scene::set().await?;
    scene
        .run(
            "create table kept as select * from audit_seal;
             update audit set status = 403 where audit_id = 6",
        )
        .await?;
    scene.seal_anew().await?;
    scene
        .run(
            "update kept k set leaves = s.leaves from audit_seal s where s.month = k.month and s.id_lo = k.id_lo
                and s.count = k.count;
             update kept k set leaves = (select substr(s.leaves, 1, 16 * 8) from audit_seal s where s.id_lo = k.id_lo)
                where k.seal = 2;
             update kept k set leaves = (select substr(s.leaves, 16 * 8 + 1) from audit_seal s where s.id_lo = 4)
                where k.seal = 3;
             delete from audit_patient; delete from audit_person; delete from audit_seal;
             insert into audit_seal select * from kept",
        )
        .await?;
    // The third one's list counts from another number.
    let wrong = scene.wrong().await?;
    // Its lists went with the seals: what is sound besides is not found any more.
    assert!(wrong.starts_with("unlisted 1, edit of seal 2"), "{wrong}");
    Ok(())
}

/// Seals that are gone with their rows are missed by whoever kept their heads.
#[tokio::test]
async fn truncation_is_found_by_known_heads() -> Result<()> {
    let mut scene = Scene::set().await?;
    scene
        .run(
            "delete from audit_patient where seal = 3; delete from audit_person where seal = 3;
             delete from audit_seal where seal = 3; delete from audit where audit_id > 11",
        )
        .await?;
    assert_eq!(scene.wrong().await?, "", "nothing in the database knows");
    let verified = scene.verify(record_keys()?, &scene.heads).await?;
    assert_eq!(told(&verified), "truncation of seal 3");
    Ok(())
}

/// A whole new chain over a record that was changed: its key is foreign, and its heads are others.
#[tokio::test]
async fn a_rewrite_is_found_by_its_key_and_by_known_heads() -> Result<()> {
    let mut scene = Scene::set().await?;
    scene
        .run(
            "update audit set status = 403 where audit_id = 6; delete from audit_patient; delete from audit_person;
             delete from audit_seal; delete from audit_key",
        )
        .await?;
    scene.seal_anew().await?;
    assert_eq!(scene.wrong().await?, "rewrite of seal 1", "the key is foreign");
    let verified = scene.verify(Keys::default(), &scene.heads).await?;
    let wrong = told(&verified);
    assert!(
        wrong.contains("rewrite of seal 2") && wrong.contains("truncation of seal 3"),
        "{wrong}"
    );
    let verified = scene.verify(Keys::default(), &[]).await?;
    assert_eq!(told(&verified), "", "without key and heads nobody can tell");
    assert!(!verified.keys_proven);
    Ok(())
}

#[tokio::test]
async fn only_the_months_that_are_asked_for_are_compared() -> Result<()> {
    let mut scene = Scene::set().await?;
    scene.run("update audit set status = 403 where audit_id in (2, 6)").await?;
    let day = |text: &str| text.parse().ok();
    for (from, to, expected, rows) in [
        (None, None, "edit 2, edit 6", 15),
        (None, day("2019-05-31"), "edit 2", 3),
        (day("2019-05-02"), day("2019-05-02"), "edit 2", 3),
        (day("2019-06-01"), None, "edit 6", 12),
        (day("2018-01-01"), day("2018-12-31"), "", 0),
    ] {
        let question = Question { from, to, ..Question::default() };
        let verified = verify(&scene.database, record_keys()?, &question).await?;
        assert_eq!((told(&verified).as_str(), verified.rows), (expected, rows), "{from:?} {to:?}");
    }
    Ok(())
}

/// A version without a row: nothing was sealed of it, so only this comparison finds it. And what an operator sees.
#[tokio::test]
async fn each_version_has_its_row() -> Result<()> {
    let server = Fixture::start().await?;
    for id in ["a", "b"] {
        for gender in ["male", "female"] {
            let body = format!(r#"{{"resourceType":"Patient","id":"{id}","gender":"{gender}"}}"#);
            server.client.send("PUT", &format!("/Patient/{id}"), &body).await?;
        }
    }
    server.client.send("DELETE", "/Patient/b", "").await?;
    server.client.get("/Patient/a").await?;
    let mut owner = server.database.connect().await?;
    let changes = Question { changes: true, ..Question::default() };
    let verified = verify(&server.database, record_keys()?, &changes).await?;
    assert_eq!((told(&verified).as_str(), verified.versions), ("", 5));
    sqlx::query("delete from audit where action = 2 and id = 'a' and version = 1")
        .execute(&mut owner)
        .await?;
    server.database.notary().await?.seal_all().await?;
    let verified = verify(&server.database, record_keys()?, &changes).await?;
    assert_eq!(told(&verified), "unrecorded");
    let text = &verified.faults.first().context("a fault")?.text;
    assert!(text.starts_with("Patient/a, version 1,"), "{text}");
    for (arguments, code, part) in [
        (&["--json"][..], 0, "\"sound\":true"),
        (&["--changes", "--json"], 1, "\"kind\":\"unrecorded\""),
        (&["--changes"], 1, "unrecorded: Patient/a, version 1, has no row in the record"),
        (&[], 0, "all is as it was sealed."),
        (&["--heads", "/nowhere"], 1, ""),
    ] {
        let answer = Command::new(ledger::binary()?)
            .args(["audit", "verify"])
            .args(arguments)
            .env("CAREBRIDGE_DATABASE_URL", &server.database.url)
            .env("CAREBRIDGE_SEAL_KEY", SEAL_KEY)
            .output()?;
        let said = String::from_utf8_lossy(&answer.stdout).into_owned();
        assert_eq!(answer.status.code(), Some(code), "{arguments:?} {said}");
        assert!(said.contains(part), "{arguments:?} {said}");
    }
    Ok(())
}

/// Whoever empties the lists beside the seals hides the rows from reports and holds.
#[tokio::test]
async fn what_is_hidden_from_its_patient_is_named() -> Result<()> {
    for statement in ["delete from audit_patient", "delete from audit_person where seal = 2"] {
        let mut scene = Scene::set().await?;
        scene.run(statement).await?;
        let wrong = scene.wrong().await?;
        assert!(wrong.starts_with("unlisted"), "{statement}: {wrong}");
    }
    Ok(())
}
