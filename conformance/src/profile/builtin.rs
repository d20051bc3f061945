//! The profiles and types of R4's own package: unpacked and compiled when first asked for.

use std::io::Read;
use std::sync::{LazyLock, OnceLock};

use canonical_model::{Value, json};
use flate2::read::DeflateDecoder;

use super::model::Profile;
use crate::Registry;
use crate::index::{Packed, Structure};

static R4: LazyLock<Vec<(Packed, OnceLock<Option<Profile>>)>> = LazyLock::new(load);

#[expect(clippy::expect_used, reason = "the build wrote these bytes with the same code")]
fn load() -> Vec<(Packed, OnceLock<Option<Profile>>)> {
    const BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/r4-profiles.postcard"));
    let packed: Vec<Packed> = postcard::from_bytes(BYTES).expect("the list fits its own code");
    packed.into_iter().map(|packed| (packed, OnceLock::new())).collect()
}

/// A profile or type by its canonical URL, without version.
pub(super) fn find(url: &str) -> Option<&'static Profile> {
    let place = R4.binary_search_by(|(packed, _)| packed.url.cmp(url)).ok()?;
    let (packed, compiled) = R4.get(place)?;
    compiled.get_or_init(|| compile(packed)).as_ref()
}

/// The definition of a type, by its structure's number in the registry; none of backbone elements.
pub(super) fn of_structure(number: u16) -> Option<&'static Profile> {
    let place = (*PLACES.get(usize::from(number))?)?;
    let (packed, compiled) = R4.get(place)?;
    compiled.get_or_init(|| compile(packed)).as_ref()
}

/// Where each structure's definition is.
static PLACES: LazyLock<Vec<Option<usize>>> = LazyLock::new(|| {
    let place = |structure: &Structure| {
        let url = format!("http://hl7.org/fhir/StructureDefinition/{}", structure.path);
        R4.binary_search_by(|(packed, _)| packed.url.cmp(&*url)).ok()
    };
    Registry::r4().structures().iter().map(place).collect()
});

/// Whether there is one with this canonical URL, without version.
pub(super) fn has(url: &str) -> bool {
    R4.binary_search_by(|(packed, _)| packed.url.cmp(url)).is_ok()
}

/// The URLs of all, sorted.
pub(super) fn urls() -> impl Iterator<Item = &'static str> {
    R4.iter().map(|(packed, _)| packed.url)
}

fn compile(packed: &Packed) -> Option<Profile> {
    Profile::compile(&unpack(packed)?).ok()
}

/// The StructureDefinition of one, as far as it is kept.
pub(super) fn definition(url: &str) -> Option<Value> {
    let place = R4.binary_search_by(|(packed, _)| packed.url.cmp(url)).ok()?;
    unpack(&R4.get(place)?.0)
}

fn unpack(packed: &Packed) -> Option<Value> {
    let mut text = Vec::with_capacity(usize::try_from(packed.size).ok()?);
    let size = u64::from(packed.size);
    DeflateDecoder::new(packed.deflated).take(size).read_to_end(&mut text).ok()?;
    json::parse(&text).ok()
}
