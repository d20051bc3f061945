//! The package's code systems, value sets and concept maps, as far as terminology is answered by them: without
//! narratives, contacts and what else only its publisher needs. They are compressed some at a time, so that one is read
//! without the others.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Map, Value, json};

use crate::index::{Definition, Definitions};
use crate::package::Package;
use crate::{Built, keep};

/// Bytes of text that are compressed together, about: one definition may be larger.
const CHUNK_BYTES: usize = 64 * 1024;

/// What all of them keep.
const OF_ALL: [&str; 6] = ["url", "version", "name", "title", "status", "copyright"];
/// What a code system keeps besides.
const OF_CODE_SYSTEM: [&str; 6] =
    ["content", "caseSensitive", "hierarchyMeaning", "supplements", "property", "concept"];
/// What a concept keeps, below its top too.
const OF_CONCEPT: [&str; 6] =
    ["code", "display", "definition", "designation", "property", "concept"];
/// What a value set keeps besides.
const OF_VALUE_SET: [&str; 1] = ["compose"];
/// What a concept map keeps besides.
const OF_CONCEPT_MAP: [&str; 5] =
    ["sourceUri", "sourceCanonical", "targetUri", "targetCanonical", "group"];

/// All of them, sorted by URL.
pub(crate) fn read(package: &Package) -> Built<Definitions> {
    let mut chunks = Chunks::default();
    let code_systems = all(package, &mut chunks, "CodeSystem", &OF_CODE_SYSTEM)?;
    let value_sets = all(package, &mut chunks, "ValueSet", &OF_VALUE_SET)?;
    let concept_maps = all(package, &mut chunks, "ConceptMap", &OF_CONCEPT_MAP)?;
    Ok(Definitions { code_systems, value_sets, concept_maps, chunks: chunks.finish()? })
}

fn all(
    package: &Package,
    chunks: &mut Chunks,
    kind: &'static str,
    members: &[&str],
) -> Built<Vec<Definition>> {
    let mut list = Vec::new();
    for mut found in package.all::<Map<String, Value>>(kind)? {
        let part = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default();
        let (url, version) = (part("url").to_owned(), part("version").to_owned());
        if url.is_empty() {
            continue;
        }
        found.retain(|name, _| OF_ALL.contains(&name.as_str()) || members.contains(&name.as_str()));
        trim(found.get_mut("concept"));
        found.insert("resourceType".to_owned(), json!(kind));
        list.push((url, version, Value::Object(found).to_string()));
    }
    list.sort();
    list.into_iter()
        .map(|(url, version, text)| {
            let (chunk, at) = chunks.add(&text)?;
            let len = u32::try_from(text.len()).map_err(|e| e.to_string())?;
            Ok(Definition { url: keep(url), version: keep(version), chunk, at, len })
        })
        .collect()
}

fn trim(concepts: Option<&mut Value>) {
    for concept in concepts.and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(concept) = concept.as_object_mut() else { continue };
        concept.retain(|name, _| OF_CONCEPT.contains(&name.as_str()));
        trim(concept.get_mut("concept"));
    }
}

#[derive(Default)]
struct Chunks {
    done: Vec<&'static [u8]>,
    open: Vec<u8>,
}

impl Chunks {
    /// Where the text will be.
    fn add(&mut self, text: &str) -> Built<(u16, u32)> {
        if self.open.len() + text.len() > CHUNK_BYTES && !self.open.is_empty() {
            self.close()?;
        }
        let place = (self.done.len(), self.open.len());
        self.open.extend_from_slice(text.as_bytes());
        let chunk = u16::try_from(place.0).map_err(|e| e.to_string())?;
        Ok((chunk, u32::try_from(place.1).map_err(|e| e.to_string())?))
    }

    fn close(&mut self) -> Built<()> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        let written = encoder.write_all(&self.open).and_then(|()| encoder.finish());
        let bytes = written.map_err(|e| format!("cannot compress: {e}"))?;
        self.done.push(bytes.leak());
        self.open.clear();
        Ok(())
    }

    fn finish(mut self) -> Built<Vec<&'static [u8]>> {
        self.close()?;
        Ok(self.done)
    }
}
