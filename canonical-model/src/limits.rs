//! Every limit of this crate, with its unit and its reason.

/// Nesting of JSON, in levels. Real resources stay under 20; the reader recurses, so it must end.
pub const JSON_DEPTH_MAX: usize = 64;
/// Levels that this server's own answers have around a resource: a bundle, its list of entries, an entry.
pub const JSON_DEPTH_AROUND: usize = 4;
/// Length of one number's text, in bytes. FHIR asks for 18 digits; PostgreSQL stores far more.
pub const JSON_NUMBER_BYTES_MAX: usize = 64;
/// Absolute exponent of a number: `1e99999` would grow to 100 kB of digits in JSONB.
pub const JSON_EXPONENT_MAX: u32 = 300;
/// Members of one JSON object. FHIR's widest element has under 100.
pub const JSON_MEMBERS_MAX: usize = 1_000;
/// Values of one JSON text, of every depth. A 16 MB bundle has some 600,000; each costs 32 bytes.
pub const JSON_VALUES_MAX: usize = 1_000_000;
/// Issues gathered before validation stops: an answer must stay readable.
pub const ISSUES_MAX: usize = 100;
/// Length of one FHIRPath expression, in bytes. The longest search parameter of R4 has 4 KiB.
pub const FHIRPATH_BYTES_MAX: usize = 16 * 1024;
/// Tokens of one FHIRPath expression: bounds what compiling and running one step costs.
pub const FHIRPATH_TOKENS_MAX: usize = 4_096;
/// Nesting of brackets and arguments in FHIRPath: parser, compiler and evaluator recurse.
pub const FHIRPATH_DEPTH_MAX: usize = 48;
/// Bytes that a compiled pattern of FHIRPath's `matches` may take: one of R4 takes a few hundred.
pub const FHIRPATH_PATTERN_BYTES_MAX: usize = 1024 * 1024;
/// The same of a pattern that a resource has, and not the expression: each may be another.
pub const FHIRPATH_FOUND_PATTERN_BYTES_MAX: usize = 16 * 1024;
/// Steps that such a pattern costs: to compile one takes as long as some thousand steps.
pub const FHIRPATH_PATTERN_STEPS: u32 = 4_000;
/// Bytes of a text that a function goes through in the time of a step.
pub const FHIRPATH_TEXT_BYTES_A_STEP: usize = 64;
/// Steps of one evaluation: an expression over the largest bundle needs some 100,000.
pub const FHIRPATH_STEPS_MAX: u32 = 1_000_000;
/// Bytes of what one evaluation computes: texts can be joined to longer texts again and again.
pub const FHIRPATH_MADE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Operations of one patch. Larger changes are an update.
pub const PATCH_OPERATIONS_MAX: usize = 1_000;
/// Text that the `copy` operations of one JSON Patch may copy, in bytes: repeated doubling is a bomb.
pub const PATCH_COPY_BYTES_MAX: usize = 16 * 1024 * 1024;
