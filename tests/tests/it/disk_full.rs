//! A full disk: what cannot be written is refused with 507 or 503, and all is well again as soon as
//! there is space, with nobody's help.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, Options};
use it::ledger::{Ledger, Operation, ServerProcess, report, until, verify};
use it::{Answer, Client};
use sqlx::{Connection, PgConnection};

/// A new cluster with two log segments, the schema, and some room.
const DISK_MIB: u64 = 160;
/// Held back for the audit records of reads.
const RESERVE_MIB: u16 = 8;
/// Writes that must be refused before there is space again.
const REFUSALS: usize = 30;
/// Reads that must go on while the disk stays full.
const READS: usize = 3_000;
/// Writes that may still find room in pages that are there.
const TRIES_MAX: usize = 2_000;
const BACK_MAX: Duration = Duration::from_secs(30);

/// A small disk in memory; dropping it takes it away.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where this process may not mount.
    fn mount() -> Result<Option<Self>> {
        let name = format!("carebridge-disk-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder)?;
        let size = format!("size={DISK_MIB}m,mode=755");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&folder)
            .output()
            .is_ok_and(|done| done.status.success());
        if !mounted {
            std::fs::remove_dir(&folder)?;
        }
        Ok(mounted.then_some(Self(folder)))
    }

    /// Takes all space that is left.
    fn fill(&self) -> Result<()> {
        let (mut ballast, block) = (File::create(self.ballast())?, vec![0; 1 << 16]);
        while ballast.write_all(&block).is_ok() {}
        // Less than a block is left: fill that too.
        while ballast.write_all(&[0; 512]).is_ok() {}
        Ok(())
    }

    fn free(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.ballast())?)
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let gone = Command::new("umount").arg(&self.0).status();
        if gone.is_ok_and(|status| status.success()) {
            std::fs::remove_dir(&self.0).unwrap_or_default();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_loses_nothing_and_recovers_unaided() -> Result<()> {
    let Some(disk) = SmallDisk::mount()? else {
        eprintln!(
            "SKIPPED: the full disk; a small tmpfs cannot be mounted here (that needs root)."
        );
        return Ok(());
    };
    let small = ["min_wal_size", "max_wal_size"].map(|name| (name.to_owned(), "32MB".to_owned()));
    let options = Options {
        shared_buffers_mib: Some(32),
        settings: small.to_vec(),
        ..Options::at(disk.path().join("pg"))
    };
    let cluster = tokio::task::block_in_place(|| Cluster::open(options))?;
    let mut owner = PgConnection::connect(&cluster.url("postgres")).await?;
    sqlx::query("create database small").execute(&mut owner).await?;
    owner.close().await?;
    let url = cluster.url("small");
    store::migrate(&url).await?;
    let server = ServerProcess::start_with_reserve(&url, RESERVE_MIB).await?;
    let (client, ledger) = (server.client().await?, Ledger::default());
    let kept = write(&client, &ledger).await?;
    assert_eq!(kept.status, 201, "{}", kept.text);

    let mut owner = PgConnection::connect(&url).await?;
    until("the reserve is held", BACK_MAX, async || {
        let held = sqlx::query_scalar("select pg_relation_size('reserve')").fetch_one(&mut owner);
        held.await.is_ok_and(|held: i64| held >= i64::from(RESERVE_MIB) << 20)
    })
    .await?;
    owner.close().await?;
    disk.fill()?;
    let mut refused = 0;
    for _ in 0..TRIES_MAX {
        let answer = write(&client, &ledger).await?;
        ensure!(matches!(answer.status, 201 | 503 | 507), "{} {}", answer.status, answer.text);
        if answer.status != 201 {
            assert_eq!(answer.text_at("resourceType"), "OperationOutcome", "{}", answer.text);
            refused += 1;
        }
        let read = client.get(&format!("/DocumentManifest/{}", kept.id())).await?;
        assert_eq!(read.status, 200, "reads go on: {}\n{}", read.text, server.said());
        assert_eq!(read.text, kept.text);
        if refused == REFUSALS {
            break;
        }
    }
    assert_eq!(refused, REFUSALS, "the disk is full");
    // Long enough to span tries to take the reserve back.
    for n in 0..READS {
        let read = client.get(&format!("/DocumentManifest/{}", kept.id())).await?;
        assert_eq!(read.status, 200, "read {n} of a full disk: {}\n{}", read.text, server.said());
    }

    disk.free()?;
    until("reads succeed again", BACK_MAX, async || {
        let read = client.get(&format!("/DocumentManifest/{}", kept.id())).await;
        read.is_ok_and(|read| read.status == 200 && read.text == kept.text)
    })
    .await?;
    let took = until("writes succeed again", BACK_MAX, async || {
        write(&client, &ledger).await.is_ok_and(|answer| answer.status == 201)
    })
    .await?;
    let verdict = verify(&url, &ledger).await?;
    let note = format!("  writes again {} ms after there was space", took.as_millis());
    report("a full disk", &verdict, &[note]);
    drop(server);
    drop(cluster);
    Ok(())
}

/// A write that needs new pages.
async fn write(client: &Client, ledger: &Ledger) -> Result<Answer> {
    let id = format!("{:032x}", fastrand::u128(..));
    let data: String = std::iter::repeat_with(fastrand::alphanumeric).take(16_000).collect();
    let body = format!(
        r#"{{"resourceType":"DocumentManifest","identifier":[{{"system":"urn:ledger","value":"{id}"}}],"status":"current","content":[{{"display":"{data}"}}]}}"#
    );
    let operation = Operation {
        id: id.clone(),
        method: "POST",
        path: "/DocumentManifest".to_owned(),
        body,
        headers: Vec::new(),
        writes: 1,
        repeatable: false,
    };
    let place = ledger.sending(&id, 1);
    let answer = Answer::of(operation.request(client, &id)).await.context("no answer")?;
    ledger.answered(place, operation.outcome(&answer)?);
    Ok(answer)
}
