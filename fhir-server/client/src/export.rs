//! `carebridge export`: a file of NDJSON per type, through the pages of a search.
//! <https://hl7.org/fhir/R4/http.html#paging>

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::connection::Connection;
use crate::folder::{self, part, unwritable};
use crate::http::{Refusal, Server};
use crate::limits::{EXPORT_BYTES_AT_ONCE, EXPORT_PARALLEL, PAGE_ENTRIES};
use crate::outcome;
use crate::progress::Progress;
use crate::raw::{Bundle, push_line};
use crate::text::{counted, sentence};

/// What to export, and where to.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// The server.
    pub connection: Connection,
    /// The folder of the files, made with the first of them if it is not there.
    pub folder: PathBuf,
    /// Use a folder that holds files, and replace them.
    pub force: bool,
    /// Types; all that the server can search where empty.
    pub types: Vec<String>,
    /// Write `.ndjson.gz`.
    pub gzip: bool,
    /// A progress bar, where a terminal is there.
    pub progress: bool,
}

/// What an export did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ExportReport {
    /// Resources written, by type; a type without any has no file.
    pub resources: BTreeMap<String, u64>,
    /// Why a type could not be exported, by type.
    pub errors: BTreeMap<String, String>,
    /// Resources of all types.
    pub total: u64,
    /// Wall clock.
    pub seconds: f64,
}

impl ExportReport {
    /// Whether all types were exported: the exit code.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.errors.is_empty()
    }
}

impl fmt::Display for ExportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, count) in &self.resources {
            writeln!(f, "{kind:<32} {count:>12}")?;
        }
        for (kind, error) in &self.errors {
            writeln!(f, "{kind} failed: {error}")?;
        }
        let rate = self.total as f64 / self.seconds.max(0.001);
        let total = counted(self.total, "resource");
        write!(f, "Exported {total} in {:.1} s ({rate:.0}/s).", self.seconds)
    }
}

#[derive(Deserialize)]
struct Capabilities {
    #[serde(default)]
    rest: Vec<Rest>,
}

#[derive(Deserialize)]
struct Rest {
    #[serde(default)]
    resource: Vec<Offered>,
}

#[derive(Deserialize)]
struct Offered {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    interaction: Vec<Interaction>,
}

#[derive(Deserialize)]
struct Interaction {
    code: String,
}

/// Exports all types asked for. A type's file appears whole or not at all.
///
/// # Errors
/// The URL, the folder or the server's capabilities are unusable, or the server went away or refuses
/// the credentials on the way: then files of types that were whole by then are there.
pub async fn export(options: ExportOptions) -> Result<ExportReport> {
    let server = Server::new(&options.connection)?;
    folder::check(&options.folder, options.force)?;
    drop(server.probe().await?);
    let types = match options.types.is_empty() {
        true => searchable(&server).await?,
        false => options.types.clone(),
    };
    let progress =
        Arc::new(Progress::new(options.progress, Some(types.len() as u64), Some(server.trouble())));
    let mut work = futures::stream::iter(types)
        .map(|kind| {
            let (server, progress) = (Arc::clone(&server), Arc::clone(&progress));
            let target = Target::new(&options, &kind);
            async move {
                let counted = export_type(&server, &kind, target, &progress).await;
                (kind, counted)
            }
        })
        .buffer_unordered(EXPORT_PARALLEL);
    let mut report = ExportReport::default();
    while let Some((kind, counted)) = work.next().await {
        match counted {
            Ok(0) => {}
            Ok(count) => drop(report.resources.insert(kind, count)),
            // It would meet the other types as well.
            Err(error) if error.is::<Refusal>() => {
                progress.finish();
                return Err(error);
            }
            Err(error) => drop(report.errors.insert(kind, sentence(&error))),
        }
    }
    progress.finish();
    report.total = report.resources.values().sum();
    report.seconds = progress.seconds();
    Ok(report)
}

async fn get(server: &Server, url: Url) -> Result<bytes::Bytes> {
    let answer = server.send(server.http().get(url.clone())).await?;
    match answer.status {
        200 => Ok(answer.body),
        status => bail!("{url} answered {status}: {}", outcome::read(&answer.body).text),
    }
}

async fn searchable(server: &Server) -> Result<Vec<String>> {
    let url = server.url("metadata");
    let body = get(server, url.clone()).await?;
    let capabilities: Capabilities = serde_json::from_slice(&body)
        .with_context(|| format!("{url} is no CapabilityStatement"))?;
    let offered = capabilities.rest.into_iter().flat_map(|rest| rest.resource);
    let can_search = |offered: &Offered| {
        let codes = &offered.interaction;
        codes.is_empty() || codes.iter().any(|interaction| interaction.code == "search-type")
    };
    Ok(offered.filter(can_search).map(|offered| offered.kind).collect())
}

/// A type's file: written under another name, then put in its place.
struct Target {
    path: PathBuf,
    part: PathBuf,
    gzip: bool,
}

impl Target {
    fn new(options: &ExportOptions, kind: &str) -> Self {
        let name = format!("{kind}.ndjson{}", if options.gzip { ".gz" } else { "" });
        let part = part(&options.folder, &name);
        Self { path: options.folder.join(name), part, gzip: options.gzip }
    }

    fn create(&self) -> Result<Box<dyn Finish + Send>> {
        self.path.parent().map_or(Ok(()), folder::make)?;
        let file =
            BufWriter::new(File::create(&self.part).with_context(|| unwritable(&self.part))?);
        Ok(match self.gzip {
            true => Box::new(GzEncoder::new(file, Compression::fast())),
            false => Box::new(file),
        })
    }
}

/// A writer that has an end.
trait Finish: Write {
    fn finish(self: Box<Self>) -> std::io::Result<()>;
}

impl Finish for BufWriter<File> {
    fn finish(self: Box<Self>) -> std::io::Result<()> {
        self.into_inner()?.sync_all()
    }
}

impl Finish for GzEncoder<BufWriter<File>> {
    fn finish(self: Box<Self>) -> std::io::Result<()> {
        GzEncoder::finish(*self)?.into_inner()?.sync_all()
    }
}

async fn export_type(
    server: &Server,
    kind: &str,
    target: Target,
    progress: &Progress,
) -> Result<u64> {
    let count = write_pages(server, kind, &target, progress).await?;
    progress.add(1, 0);
    match count {
        // A file of an earlier export would say otherwise.
        0 if target.path.exists() => fs::remove_file(&target.path),
        0 => Ok(()),
        _ => fs::rename(&target.part, &target.path),
    }
    .with_context(|| unwritable(&target.path))?;
    Ok(count)
}

/// However it ends, no part stays.
impl Drop for Target {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.part));
    }
}

async fn write_pages(
    server: &Server,
    kind: &str,
    target: &Target,
    progress: &Progress,
) -> Result<u64> {
    let mut url = server.url(kind);
    url.set_query(Some(&format!("_count={PAGE_ENTRIES}")));
    let (mut count, mut page) = (0, Vec::new());
    let mut body = get(server, url.clone()).await?;
    // Not before: refused credentials leave nothing behind.
    let mut file = target.create()?;
    loop {
        let (matches, next) = read_page(&body).with_context(|| format!("{url}"))?;
        for text in &matches {
            match left_out(kind, text) {
                Some(path) => push_line(whole(server, &path).await?.as_str(), &mut page),
                None => push_line(text, &mut page),
            }
            if page.len() > EXPORT_BYTES_AT_ONCE {
                file.write_all(&page).with_context(|| unwritable(&target.part))?;
                page.clear();
            }
        }
        file.write_all(&page).with_context(|| unwritable(&target.part))?;
        page.clear();
        let written = matches.len() as u64;
        count += written;
        progress.add(0, written);
        let Some(next) = next else { break };
        let next = server.follow(&next)?;
        if next == url {
            bail!("{url} names itself as the next page.");
        }
        url = next;
        body = get(server, url.clone()).await?;
    }
    file.finish().with_context(|| unwritable(&target.part))?;
    Ok(count)
}

/// A page's matches, and the link to the next page.
fn read_page(body: &[u8]) -> Result<(Vec<&str>, Option<String>)> {
    let bundle: Bundle<'_> = serde_json::from_slice(body).context("The page is no Bundle")?;
    let mut matches = Vec::with_capacity(bundle.entry.len());
    for entry in &bundle.entry {
        let mode = entry.search.as_ref().and_then(|search| search.mode.as_deref());
        if let (Some(resource), None | Some("match")) = (entry.resource, mode) {
            matches.push(resource.get());
        }
    }
    let next = bundle.link.iter().find(|link| link.relation == "next");
    Ok((matches, next.map(|link| link.url.to_string())))
}

#[derive(Deserialize)]
struct Partial {
    id: String,
    meta: Meta,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "versionId")]
    version: String,
    #[serde(default)]
    tag: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    code: Option<String>,
}

/// Where the whole of a Binary is, of which a page shows a part only: its content is large.
fn left_out(kind: &str, text: &str) -> Option<String> {
    let partial = (kind == "Binary").then(|| serde_json::from_str::<Partial>(text).ok())??;
    let subsetted = |tag: &Tag| tag.code.as_deref() == Some("SUBSETTED");
    let Partial { id, meta } = partial;
    meta.tag.iter().any(subsetted).then(|| format!("Binary/{id}/_history/{}", meta.version))
}

async fn whole(server: &Server, path: &str) -> Result<String> {
    let body = get(server, server.url(path)).await?;
    String::from_utf8(body.into()).with_context(|| format!("{path} is no text."))
}
