//! Cases of our own in tables, then the official ones where they are at hand.

mod fhirpath_patch;
mod fhirpath_refusals;
mod json_patch;
mod official;
mod property;

use super::*;
use crate::fhirpath::fake::FAKE;
use crate::json;

fn read(text: &str) -> Value {
    json::parse(text.as_bytes()).expect(text)
}
