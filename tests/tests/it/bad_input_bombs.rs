//! Bodies that unfold: refused at the limit, with little memory. Measured in a process of its own,
//! because other tests need memory too.

use std::io::Write;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use it::{Client, Database, Fixture};
use reqwest::RequestBuilder;

use crate::bad_input::refused;

/// Set in the process of its own.
const ALONE: &str = "CAREBRIDGE_TEST_ALONE";
/// How much the process may grow, in KiB.
const GROWTH_MAX: u64 = 50 * 1024;

/// A body that unfolds to so many bytes.
fn gzip(unfolded: usize) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(br#"{"resourceType":"Patient","language":""#)?;
    let block = vec![b'a'; 1 << 20];
    for _ in 0..unfolded >> 20 {
        encoder.write_all(&block)?;
    }
    Ok(encoder.finish()?)
}

/// A Zstandard frame with a window of 128 MiB, of blocks that repeat one byte 128 Ki times.
fn zstd(blocks: usize) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3];
    let header = (128_u32 << 10) << 3 | 1 << 1;
    for _ in 0..blocks {
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(b' ');
    }
    frame.extend_from_slice(&[1, 0, 0]);
    frame
}

fn post(client: &Client, encoding: &str, body: Vec<u8>) -> RequestBuilder {
    client
        .request("POST", "/Patient")
        .header("content-type", "application/fhir+json")
        .header("content-encoding", encoding)
        .body(body)
}

#[tokio::test]
async fn bombs_are_refused() -> Result<()> {
    let server = Fixture::start().await?;
    let gzip = gzip(64 << 20)?;
    assert!(gzip.len() < 128 << 10, "{} bytes", gzip.len());
    refused(&server, "gzip", post(&server.client, "gzip", gzip.clone()), 413).await;
    refused(&server, "zstd", post(&server.client, "zstd", zstd(2_000)), 413).await;
    let cut = gzip[..gzip.len() / 32].to_vec();
    refused(&server, "a broken gzip", post(&server.client, "gzip", cut), 400).await;
    refused(&server, "not zstd", post(&server.client, "zstd", vec![0x28, 0xb5, 0x2f]), 400).await;
    let plain = vec![b' '; (16 << 20) + 1];
    refused(&server, "16 MiB and a byte", post(&server.client, "identity", plain), 413).await;
    let plain = vec![b' '; 17_000_000];
    refused(&server, "17 MB", post(&server.client, "identity", plain), 413).await;
    Ok(())
}

#[tokio::test]
async fn bombs_need_little_memory() -> Result<()> {
    if std::env::var_os(ALONE).is_some() {
        return measure().await;
    }
    let database = Database::create().await?;
    let (server, _) = database.url.rsplit_once('/').context("a path")?;
    let output = Command::new(std::env::current_exe()?)
        .args(["--exact", "bad_input_bombs::bombs_need_little_memory", "--nocapture"])
        .env(ALONE, "1")
        .env("CAREBRIDGE_TEST_DATABASE_URL", format!("{server}/postgres"))
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success() && said.contains("1 passed"), "{said}");
    Ok(())
}

async fn measure() -> Result<()> {
    // Before there is a server in this thread: it takes long, and a server that hears nothing from its database for so
    // long knows of no token whether it is good.
    let gzip = gzip(1 << 30)?;
    let server = Fixture::start().await?;
    refused(&server, "to warm up", post(&server.client, "gzip", vec![7; 1024]), 400).await;
    let before = peak()?;
    for _ in 0..4 {
        refused(&server, "gzip", post(&server.client, "gzip", gzip.clone()), 413).await;
        refused(&server, "zstd", post(&server.client, "zstd", zstd(50_000)), 413).await;
    }
    let grown = peak()? - before;
    assert!(grown < GROWTH_MAX, "the process grew by {grown} KiB");
    Ok(())
}

/// The most memory this process has had, in KiB.
pub(crate) fn peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
