//! Code systems that the operator imports, by the command itself, and what operations and searches then know of them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use canonical_model::json;
use it::ledger::binary;
use it::{Database, Fixture};
use tokio::process::Command;

use crate::search::ids;
use crate::terminology::check;

/// A folder that goes with its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let name = format!("carebridge-import-{}-{:x}", std::process::id(), fastrand::u64(..));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    fn put(&self, name: &str, content: &[u8]) -> Result<PathBuf> {
        let file = self.0.join(name);
        std::fs::create_dir_all(file.parent().context("a folder")?)?;
        std::fs::write(&file, content)?;
        Ok(file)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// The command; what it printed, and whether all went well. The server, which runs in this thread, goes on meanwhile.
async fn import(database: &Database, words: &[&str], path: &Path) -> Result<(String, bool)> {
    let mut command = Command::new(binary()?);
    command.args(["conformance", "import"]).args(words.iter().take(1)).arg(path);
    command.args(words.iter().skip(1)).env("CAREBRIDGE_DATABASE_URL", &database.url);
    let output = command.current_dir("/").output().await?;
    let text = [output.stdout, output.stderr].concat();
    Ok((String::from_utf8(text)?, output.status.success()))
}

const CVX: &str = "03|MMR|measles, mumps and rubella virus vaccine|x|Active\n90|rabies, NOS|rabies vaccine|x|Inactive\n";

#[tokio::test]
async fn what_is_imported_is_known_at_once() -> Result<()> {
    let (server, folder) = (Fixture::start().await?, Folder::new()?);
    let lookup = "/CodeSystem/$lookup?code=03&system=http://hl7.org/fhir/sid/cvx";
    assert_eq!(server.client.get(lookup).await?.status, 404);
    let file = folder.put("cvx.txt", CVX.as_bytes())?;
    let words = ["cvx", "--system-version", "2026-11", "--json"];
    let (text, good) = import(&server.database, &words, &file).await?;
    assert!(good, "{text}");
    let report = json::parse(text.trim().as_bytes())?;
    assert_eq!(report.get("concepts").and_then(|it| it.as_number()?.to_i64()), Some(2), "{text}");
    check(&server.client, &[
        (lookup, "name=CVX, version=2026-11, display=MMR, designation[language=en, value=measles, mumps and rubella virus vaccine], property[code=VaccineStatus, value=Active]"),
        ("/ValueSet/$expand?url=http://hl7.org/fhir/sid/cvx?fhir_vs&filter=rabies", "1: 90"),
        ("/ValueSet/$expand?url=http://hl7.org/fhir/sid/cvx?fhir_vs&activeOnly=true", "1: 03"),
        ("/CodeSystem/$validate-code?url=http://hl7.org/fhir/sid/cvx&code=04", "result=false…"),
    ]).await?;
    // Searches know it too.
    for (id, code) in [("a", "03"), ("b", "999")] {
        let body = format!(
            r#"{{"resourceType":"Immunization","id":"{id}","status":"completed","patient":{{"reference":"Patient/p"}},"occurrenceString":"x","vaccineCode":{{"coding":[{{"system":"http://hl7.org/fhir/sid/cvx","code":"{code}"}}]}}}}"#
        );
        let put = server.client.send("PUT", &format!("/Immunization/{id}"), &body).await?;
        assert_eq!(put.status, 201, "{}", put.text);
    }
    let path = "/Immunization?vaccine-code:in=http://hl7.org/fhir/sid/cvx?fhir_vs";
    assert_eq!(ids(&server.client.get(path).await?), "a");
    // The same version again takes its place; another stands beside it.
    let other = folder.put("other.tsv", b"04\tM/R\n")?;
    let (text, good) =
        import(&server.database, &["cvx", "--system-version", "2026-12"], &other).await?;
    assert!(
        good && text.contains("Imported http://hl7.org/fhir/sid/cvx 2026-12: 1 concepts."),
        "{text}"
    );
    check(&server.client, &[
        ("/CodeSystem/$lookup?code=04&system=http://hl7.org/fhir/sid/cvx", "name=CVX, version=2026-12, display=M/R"),
        ("/CodeSystem/$lookup?code=04&system=http://hl7.org/fhir/sid/cvx&version=2026-11", "404…"),
        ("/CodeSystem/$lookup?code=90&system=http://hl7.org/fhir/sid/cvx&version=2026-11&property=VaccineStatus", "name=CVX, version=2026-11, display=rabies, NOS, property[code=VaccineStatus, value=Inactive]"),
    ]).await?;
    let (_, good) =
        import(&server.database, &["cvx", "--system-version", "2026-11"], &other).await?;
    assert!(good);
    check(
        &server.client,
        &[(
            "/CodeSystem/$lookup?code=04&system=http://hl7.org/fhir/sid/cvx&version=2026-11",
            "name=CVX, version=2026-11, display=M/R",
        )],
    )
    .await?;
    let listed = Command::new(binary()?)
        .args(["conformance", "systems"])
        .env("CAREBRIDGE_DATABASE_URL", &server.database.url)
        .output()
        .await?;
    let listed = String::from_utf8(listed.stdout)?;
    assert_eq!(listed.lines().count(), 2, "{listed}");
    // So does the statement: nobody has asked for it before.
    let stated = server.client.get("/metadata?mode=terminology").await?;
    let cvx = r#"{"uri":"http://hl7.org/fhir/sid/cvx","version":[{"code":"2026-11"},{"code":"2026-12"}]}"#;
    assert!(stated.text.contains(cvx), "{}", stated.text);
    let mut owner = server.database.connect().await?;
    let rows: Vec<String> =
        sqlx::query_scalar("select detail from audit where detail like 'code system%' order by 1")
            .fetch_all(&mut owner)
            .await?;
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(
        rows[0].contains("http://hl7.org/fhir/sid/cvx|2026-11: imported, 1 concepts"),
        "{rows:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_bad_distribution_changes_nothing() -> Result<()> {
    let (server, folder) = (Fixture::start().await?, Folder::new()?);
    let doctype = r#"<!DOCTYPE x [<!ENTITY a "b">]><ICD10CM.tabular>&a;</ICD10CM.tabular>"#;
    let bomb = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::copy(&mut std::io::Read::take(std::io::repeat(b'1'), 200 << 20), &mut encoder)?;
        encoder.finish()?
    };
    for (format, name, content, expected) in [
        ("icd10cm", "a.xml", doctype.as_bytes(), "DOCTYPE"),
        ("icd10cm", "bomb.xml.gz", &bomb, "unpacks to far more"),
        ("loinc", "bomb.csv.gz", &bomb, "longer than a line may be"),
        ("cvx", "half.txt", b"03|MMR\nMMR\n", "half.txt, line 2"),
        ("snomed", "a.zip", b"no archive", "a.zip cannot be read"),
        ("rxnorm", "empty/x.txt", b"", "There is no RXNCONSO.RRF in it."),
    ] {
        let file = folder.put(name, content)?;
        let path =
            if format == "rxnorm" { file.parent().context("a folder")?.to_owned() } else { file };
        if format == "rxnorm" {
            folder.put("empty/y.txt", b"")?;
        }
        let (text, good) = import(&server.database, &[format], &path).await?;
        ensure!(!good && text.contains(expected), "{format} {name}: {text}");
    }
    let (text, good) = import(&server.database, &["cvx"], &folder.0.join("nothing.txt")).await?;
    ensure!(!good && text.contains("nothing.txt cannot be read"), "{text}");
    let mut owner = server.database.connect().await?;
    let count: i64 =
        sqlx::query_scalar("select count(*) from code_system").fetch_one(&mut owner).await?;
    assert_eq!(count, 0);
    // Servers may read, not change it.
    sqlx::query("set role carebridge_app").execute(&mut owner).await?;
    for statement in [
        "insert into code_system (url, concepts, size) values ('x', 1, 1)",
        "delete from code_system",
        "update code_system set url = 'x'",
        "insert into code_system_part (code_system, seq, bytes) values (1, 0, '')",
    ] {
        ensure!(sqlx::query(statement).execute(&mut owner).await.is_err(), "{statement}");
    }
    Ok(())
}

/// The published ICD-10-CM, by the command, and what is said of it.
#[tokio::test]
async fn the_whole_of_icd10cm() -> Result<()> {
    let folder =
        std::env::var("CAREBRIDGE_SHARED_DATA").unwrap_or_else(|_| "../../shared/data".into());
    let file = Path::new(&folder).join("terminology/icd10cm-tabular-2026-04.xml.gz");
    if !file.exists() {
        use std::io::Write as _;
        writeln!(std::io::stderr().lock(), "SKIPPED: the_whole_of_icd10cm: no {}", file.display())?;
        return Ok(());
    }
    let file = std::fs::canonicalize(&file)?;
    let server = Fixture::start().await?;
    let (text, good) = import(&server.database, &["icd10cm", "--json"], &file).await?;
    assert!(good, "{text}");
    check(&server.client, &[
        ("/CodeSystem/$validate-code?url=http://hl7.org/fhir/sid/icd-10-cm&code=E11.9", "result=true, display=Type 2 diabetes mellitus without complications"),
        ("/CodeSystem/$validate-code?url=http://hl7.org/fhir/sid/icd-10-cm&code=E11.XX", "result=false…"),
        ("/CodeSystem/$subsumes?system=http://hl7.org/fhir/sid/icd-10-cm&codeA=E11&codeB=E11.9", "outcome=subsumes"),
        ("/ValueSet/$expand?url=http://hl7.org/fhir/sid/icd-10-cm?fhir_vs&filter=pyelonephritis%20salmonella", "1: A02.25"),
        ("/ValueSet/$expand?url=http://hl7.org/fhir/sid/icd-10-cm?fhir_vs=isa/A02.2&count=3", "8: A02.2 A02.20 A02.21"),
        ("/ValueSet/$expand?url=http://hl7.org/fhir/sid/icd-10-cm?fhir_vs", "413 the value set has…"),
    ]).await?;
    let all = server
        .client
        .get("/ValueSet/$expand?url=http://hl7.org/fhir/sid/icd-10-cm?fhir_vs&count=1")
        .await?;
    let total = all.at("expansion.total").and_then(|it| it.as_number()?.to_i64()).unwrap_or(0);
    assert!(total > 70_000, "{}", all.text);
    Ok(())
}
