//! Every limit of this crate, with its unit and its reason.

/// Characters of one string: FHIR allows no more. <https://hl7.org/fhir/R4/datatypes.html#string>
pub const STRING_CHARS_MAX: usize = 1024 * 1024;
/// Codes that a message lists; longer value sets are named by their URL.
pub const CODES_LISTED_MAX: usize = 16;
/// Nesting of a narrative's markup, in levels. Real ones stay under 20.
pub const XHTML_DEPTH_MAX: usize = 100;
