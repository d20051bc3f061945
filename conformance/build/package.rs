//! HL7's package: an archive with a JSON file per definition, and the parts of them that we read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Built;

/// The kinds of definitions that we read.
const KINDS: [&str; 6] = [
    "CodeSystem",
    "CompartmentDefinition",
    "ConceptMap",
    "SearchParameter",
    "StructureDefinition",
    "ValueSet",
];

/// The files by kind and id, unparsed: most value sets are never needed.
pub(crate) struct Package(BTreeMap<(&'static str, String), Vec<u8>>);

impl Package {
    pub(crate) fn read(path: &Path) -> Built<Self> {
        let told = |e: std::io::Error| format!("cannot read {}: {e}", path.display());
        let file = File::open(path).map_err(told)?;
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
        let mut files = BTreeMap::new();
        for entry in archive.entries().map_err(told)? {
            let mut entry = entry.map_err(told)?;
            let Some((kind, id)) = entry.path().ok().as_deref().and_then(split) else { continue };
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(told)?;
            files.insert((kind, id), bytes);
        }
        Ok(Self(files))
    }

    /// Every definition of a kind, in the order of ids.
    pub(crate) fn all<T: DeserializeOwned>(&self, kind: &'static str) -> Built<Vec<T>> {
        let files = self.0.iter().filter(|((each, _), _)| *each == kind);
        files.map(|((_, id), bytes)| parse(kind, id, bytes)).collect()
    }

    /// The definition of a kind with this canonical URL. Files are named after the URL's end.
    pub(crate) fn find<T: Canonical>(&self, kind: &'static str, url: &str) -> Built<Option<T>> {
        let id = url.rsplit('/').next().unwrap_or(url).to_owned();
        let Some(bytes) = self.0.get(&(kind, id.clone())) else { return Ok(None) };
        let found: T = parse(kind, &id, bytes)?;
        Ok((found.url() == url).then_some(found))
    }
}

/// `package/ValueSet-days-of-week.json` to `ValueSet`, `days-of-week`.
fn split(path: &Path) -> Option<(&'static str, String)> {
    let (kind, id) = path.file_stem()?.to_str()?.split_once('-')?;
    Some((KINDS.into_iter().find(|each| *each == kind)?, id.to_owned()))
}

fn parse<T: DeserializeOwned>(kind: &str, id: &str, bytes: &[u8]) -> Built<T> {
    serde_json::from_slice(bytes).map_err(|e| format!("{kind}/{id} in the definitions: {e}"))
}

pub(crate) trait Canonical: DeserializeOwned {
    fn url(&self) -> &str;
}

#[derive(Deserialize)]
pub(crate) struct StructureDefinition {
    #[serde(rename = "type")]
    pub(crate) name: String,
    pub(crate) kind: String,
    #[serde(rename = "abstract")]
    pub(crate) is_abstract: bool,
    pub(crate) derivation: Option<String>,
    #[serde(rename = "baseDefinition")]
    pub(crate) base: Option<String>,
    #[serde(default)]
    pub(crate) snapshot: Snapshot,
}

#[derive(Default, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) element: Vec<ElementDefinition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ElementDefinition {
    pub(crate) path: String,
    pub(crate) min: u32,
    pub(crate) max: String,
    #[serde(default)]
    pub(crate) is_summary: bool,
    #[serde(default)]
    pub(crate) is_modifier: bool,
    #[serde(default)]
    pub(crate) representation: Vec<String>,
    pub(crate) content_reference: Option<String>,
    #[serde(default, rename = "type")]
    pub(crate) types: Vec<TypeRef>,
    pub(crate) binding: Option<Binding>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TypeRef {
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) target_profile: Vec<String>,
    #[serde(default)]
    pub(crate) extension: Vec<TypeExtension>,
}

#[derive(Deserialize)]
pub(crate) struct TypeExtension {
    pub(crate) url: String,
    #[serde(rename = "valueUrl")]
    pub(crate) value: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Binding {
    pub(crate) strength: String,
    #[serde(rename = "valueSet")]
    pub(crate) value_set: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchParameter {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) base: Vec<String>,
    pub(crate) expression: Option<String>,
    #[serde(default)]
    pub(crate) target: Vec<String>,
    #[serde(default)]
    pub(crate) component: Vec<SearchComponent>,
    #[serde(default)]
    pub(crate) comparator: Vec<String>,
    #[serde(default)]
    pub(crate) modifier: Vec<String>,
    pub(crate) multiple_or: Option<bool>,
    pub(crate) multiple_and: Option<bool>,
}

#[derive(Deserialize)]
pub(crate) struct SearchComponent {
    pub(crate) definition: String,
    pub(crate) expression: String,
}

#[derive(Deserialize)]
pub(crate) struct CompartmentDefinition {
    pub(crate) id: String,
    pub(crate) code: String,
    pub(crate) resource: Vec<CompartmentMember>,
}

#[derive(Deserialize)]
pub(crate) struct CompartmentMember {
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) param: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct ValueSetDefinition {
    url: String,
    pub(crate) compose: Option<Compose>,
}

impl Canonical for ValueSetDefinition {
    fn url(&self) -> &str {
        &self.url
    }
}

#[derive(Deserialize)]
pub(crate) struct Compose {
    pub(crate) include: Vec<ConceptSet>,
    #[serde(default)]
    pub(crate) exclude: Vec<ConceptSet>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConceptSet {
    pub(crate) system: Option<String>,
    #[serde(default)]
    pub(crate) concept: Vec<Concept>,
    #[serde(default)]
    pub(crate) filter: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    pub(crate) value_set: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Concept {
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) concept: Vec<Concept>,
}

#[derive(Deserialize)]
pub(crate) struct CodeSystemDefinition {
    url: String,
    pub(crate) content: String,
    #[serde(default)]
    pub(crate) concept: Vec<Concept>,
}

impl Canonical for CodeSystemDefinition {
    fn url(&self) -> &str {
        &self.url
    }
}
