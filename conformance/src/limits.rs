//! Every limit of this crate, with its unit and its reason.

/// Characters of one string: FHIR allows no more. <https://hl7.org/fhir/R4/datatypes.html#string>
pub const STRING_CHARS_MAX: usize = 1024 * 1024;
/// Codes that a message lists; longer value sets are named by their URL.
pub const CODES_LISTED_MAX: usize = 16;
/// Attributes of one element of XML: FHIR's have three, those of narratives under 20.
pub const XML_ATTRIBUTES_MAX: usize = 32;
/// Nesting of a narrative's markup, in levels. Real ones stay under 20.
pub const XHTML_DEPTH_MAX: usize = 100;
/// Elements of a profile's snapshot. R4's largest has 600; with all slices of a guide some 2,000.
pub const PROFILE_ELEMENTS_MAX: usize = 10_000;
/// Bytes of what the slices of a differential take over from what they are slices of, as text.
pub const SNAPSHOT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Patterns in the invariants of a profile. R4's own types have a handful, and none takes a kilobyte.
pub const PROFILE_PATTERNS_MAX: usize = 32;
/// Nesting of a snapshot's elements, in levels: compiling and validating recurse.
pub const PROFILE_DEPTH_MAX: usize = 32;
/// Invariants of one profile: each is compiled, which takes up to some 100 KiB.
pub const PROFILE_INVARIANTS_MAX: usize = 5_000;
/// Bytes of an invariant's text that an answer repeats.
pub const INVARIANT_TEXT_BYTES_MAX: usize = 400;
/// Steps of all invariants over one resource together: about a second of work. A large bundle takes a
/// tenth of it.
pub const INVARIANT_STEPS_MAX: u32 = 20_000_000;
/// Profiles that lead from one to another at one element: a profile may name itself.
pub const PROFILES_NESTED_MAX: usize = 16;
/// Definitions of elements that one validation looks at: about a second of work.
pub const ELEMENTS_JUDGED_MAX: usize = 4_000_000;
/// Profiles that one resource may claim, or one request ask for.
pub const PROFILES_CLAIMED_MAX: usize = 32;

/// Resources that one may contain: each local reference is looked for among them.
pub const CONTAINED_MAX: usize = 1_000;
