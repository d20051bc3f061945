//! A FHIR package (`package.tgz` of an implementation guide): what of it a server judges by, as lines of JSON that
//! `load` sends. The archive is somebody else's: what leads out of it, or grows without end, is refused.
//! <https://confluence.hl7.org/display/FHIR/NPM+Package+Specification>

use std::fs::File;
use std::io::{BufWriter, Read, Seek, Write};
use std::path::{Component, Path};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use serde::Deserialize;
use tar::{Archive, Entry, EntryType};

use crate::limits::{
    PACKAGE_BYTES_MAX, PACKAGE_ENTRIES_MAX, PACKAGE_NAME_BYTES_MAX, PACKAGE_RATIO_MAX,
    PACKAGE_RESOURCE_BYTES_MAX, PACKAGE_SMALL_BYTES,
};

/// The types that are taken.
const TAKEN: [&str; 6] = [
    "CodeSystem",
    "ConceptMap",
    "NamingSystem",
    "Questionnaire",
    "StructureDefinition",
    "ValueSet",
];

/// What a package held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Resources that were taken.
    pub taken: usize,
    /// Files that are none of those, or only describe the package.
    pub left: usize,
    /// Profiles without a snapshot, by their URLs: they are of use only over a definition of R4 itself.
    pub without_snapshot: Vec<String>,
}

/// What is looked at of a resource.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "resourceType")]
    kind: Option<String>,
    id: Option<String>,
    url: Option<String>,
    snapshot: Option<serde::de::IgnoredAny>,
}

/// Reads a package and writes its resources to a file, a line each. Nothing is written to where an entry's name says.
///
/// # Errors
/// The archive cannot be read, leads out of itself, or is over a limit: with the entry that does.
pub fn unpack(package: &Path, lines: &Path) -> Result<Unpacked> {
    let mut file =
        File::open(package).with_context(|| format!("{} cannot be read", package.display()))?;
    let packed = file.metadata()?.len();
    let mut out = BufWriter::new(File::create_new(lines)?);
    let most =
        PACKAGE_BYTES_MAX.min(packed.saturating_mul(PACKAGE_RATIO_MAX).max(PACKAGE_SMALL_BYTES));
    let refused = || format!("{} is no package that can be installed", package.display());
    expect_bounded(GzDecoder::new(&file), most).with_context(refused)?;
    file.rewind()?;
    let unpacked = read(GzDecoder::new(&file), most, &mut out).with_context(refused)?;
    out.flush()?;
    ensure!(unpacked.taken > 0, "{} holds no profile and no terminology.", package.display());
    Ok(unpacked)
}

/// Makes sure of every limit, before anything of the archive is held in memory: what describes an entry (a long name,
/// say) is an entry too, and would be read whole.
fn expect_bounded(packed: impl Read, most: u64) -> Result<()> {
    // One byte more than may be tells that there are more.
    let mut archive = Archive::new(packed.take(most + 1));
    let (mut entries, mut bytes) = (0, 0_u64);
    for entry in archive.entries()?.raw(true) {
        let entry = entry.context("the archive breaks off, or is larger than it may be")?;
        entries += 1;
        ensure!(entries <= PACKAGE_ENTRIES_MAX, "it has more than {PACKAGE_ENTRIES_MAX} entries");
        bytes = bytes.saturating_add(entry.size());
        ensure!(bytes <= most, "unpacked it is larger than {} MiB", most / (1024 * 1024));
        let describes = matches!(
            entry.header().entry_type(),
            EntryType::GNULongName | EntryType::XHeader | EntryType::XGlobalHeader
        );
        let size = entry.size();
        ensure!(!describes || size <= PACKAGE_NAME_BYTES_MAX, "an entry's name is too long");
    }
    Ok(())
}

fn read(packed: impl Read, most: u64, out: &mut impl Write) -> Result<Unpacked> {
    let mut archive = Archive::new(packed.take(most + 1));
    let mut unpacked = Unpacked::default();
    for entry in archive.entries()? {
        let entry = entry.context("the archive breaks off, or is larger than it may be")?;
        let name = name(&entry)?;
        match entry.header().entry_type() {
            EntryType::Directory | EntryType::XGlobalHeader => {}
            EntryType::Regular => one(entry, &name, &mut unpacked, out)?,
            other => bail!("{name} is neither a file nor a folder but {other:?}"),
        }
    }
    Ok(unpacked)
}

/// An entry's name, which must stay below the archive's root.
fn name(entry: &Entry<'_, impl Read>) -> Result<String> {
    let path = entry.path().context("an entry has no name")?;
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    let name = path.display().to_string();
    ensure!(path.components().all(plain), "{name:?} leads out of the archive");
    Ok(name)
}

fn one(
    entry: Entry<'_, impl Read>,
    name: &str,
    unpacked: &mut Unpacked,
    out: &mut impl Write,
) -> Result<()> {
    let in_package = Path::new(name).components().count() == 2 && name.ends_with(".json");
    if !in_package || name.ends_with("/package.json") || name.ends_with("/.index.json") {
        unpacked.left += 1;
        return Ok(());
    }
    let size = entry.size();
    ensure!(size <= PACKAGE_RESOURCE_BYTES_MAX, "{name} is larger than a resource may be");
    let mut text = Vec::new();
    entry.take(size).read_to_end(&mut text)?;
    let head: Head = serde_json::from_slice(&text).with_context(|| format!("{name} is no JSON"))?;
    let kind = head.kind.as_deref().unwrap_or_default();
    if !TAKEN.contains(&kind) || head.id.is_none() {
        unpacked.left += 1;
        return Ok(());
    }
    if kind == "StructureDefinition" && head.snapshot.is_none() {
        unpacked.without_snapshot.extend(head.url);
    }
    // A line end is never within a JSON string, so this leaves its meaning as it is.
    text.retain(|byte| !matches!(byte, b'\n' | b'\r'));
    out.write_all(&text)?;
    out.write_all(b"\n")?;
    unpacked.taken += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use tar::{Builder, Header};

    use super::*;

    const PROFILE: &str =
        "{\"resourceType\":\"StructureDefinition\",\n\"id\":\"p\",\"url\":\"https://a.example/p\"}";

    /// An archive of entries as they are named, whatever the name.
    fn archive(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (name, kind, text) in entries {
            let mut header = Header::new_ustar();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(text.len() as u64);
            if *kind == EntryType::Symlink {
                header.set_link_name("/etc/passwd").expect("a name");
            }
            header.set_cksum();
            builder.append(&header, text.as_bytes()).expect("room");
        }
        builder.into_inner().expect("an archive")
    }

    fn reading(entries: &[(&str, EntryType, &str)]) -> Result<(Unpacked, String)> {
        const MOST: u64 = 64 * 1024 * 1024;
        let mut out = Vec::new();
        let archive = archive(entries);
        expect_bounded(archive.as_slice(), MOST)?;
        let unpacked = read(archive.as_slice(), MOST, &mut out)?;
        Ok((unpacked, String::from_utf8(out)?))
    }

    #[test]
    fn takes_what_a_server_judges_by() {
        let file = EntryType::Regular;
        let long = format!("package/ValueSet-{}.json", "w".repeat(200));
        let (unpacked, lines) = reading(&[
            ("package/package.json", file, "{}"),
            ("package/.index.json", file, "{}"),
            ("package/StructureDefinition-p.json", file, PROFILE),
            ("package/ValueSet-v.json", file, r#"{"resourceType":"ValueSet","id":"v"}"#),
            ("package/Patient-x.json", file, r#"{"resourceType":"Patient","id":"x"}"#),
            ("package/example/ValueSet-e.json", file, r#"{"resourceType":"ValueSet","id":"e"}"#),
            ("package/readme.md", file, "a"),
            ("long", EntryType::GNULongName, &long),
            ("package/ValueSet-cut", file, r#"{"resourceType":"ValueSet","id":"w"}"#),
        ])
        .expect("a package");
        assert_eq!((unpacked.taken, unpacked.left), (3, 5));
        assert_eq!(unpacked.without_snapshot, ["https://a.example/p"]);
        assert_eq!(lines.lines().count(), 3);
        assert!(lines.contains("\"StructureDefinition\",\"id\""), "{lines}");
    }

    #[test]
    fn refuses_what_leads_out_or_never_ends() {
        let file = EntryType::Regular;
        let many: Vec<_> = (0..=PACKAGE_ENTRIES_MAX).map(|_| ("package/a", file, "")).collect();
        let large = "a".repeat(40 * 1024 * 1024);
        for (entries, said) in [
            (vec![("package/../../a.json", file, PROFILE)], "leads out"),
            (vec![("/etc/a.json", file, PROFILE)], "leads out"),
            (vec![("package/a.json", EntryType::Symlink, "")], "neither"),
            (vec![("package/a.json", EntryType::Link, "")], "neither"),
            (vec![("package/a.json", EntryType::Fifo, "")], "neither"),
            (vec![("package/a.json", file, "{")], "no JSON"),
            (vec![("long", EntryType::GNULongName, &large), ("a", file, "")], "too long"),
            (vec![("long", EntryType::XHeader, &large), ("a", file, "")], "too long"),
            (vec![("package/a", file, &large), ("package/b", file, &large)], "larger than"),
            (many, "entries"),
        ] {
            let fault = reading(&entries).expect_err(said);
            assert!(format!("{fault:#}").contains(said), "{fault:#}");
        }
    }
}
