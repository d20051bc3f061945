//! Every limit of this crate, with its unit and its reason.

/// Bytes of a string that are compared, in its folded form. What is longer is compared by its beginning.
pub const STRING_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a string in the index that finds it: a row of an index is a third of a page at most.
pub const STRING_KEY_BYTES_MAX: usize = 256;
/// Index values of one resource. One with more is refused: a list of ten thousand codes is data, not
/// an index.
pub const ENTRIES_MAX: usize = 4_000;
/// Index values of one resource by all search parameters of one's own. Those that would need more are left out
/// for it, and searches by them say so.
pub const CUSTOM_ENTRIES_MAX: usize = 4_000;
/// Steps of evaluation of all search parameters of one's own over one resource: some milliseconds. None takes
/// more than half of what is left, so that the others have theirs.
pub const CUSTOM_STEPS_MAX: u32 = 200_000;
/// Elements of one resource that a composite with several ordered parts tells apart: each is a test of its own
/// in a search. A resource with more is refused.
pub const TIED_ELEMENTS_MAX: usize = 64;
/// Resources on one page (`_count`). A greater wish is lowered to this, as the specification allows.
pub const COUNT_MAX: usize = 1_000;
/// Resources on a page when the client names no number.
pub const COUNT_DEFAULT: usize = 20;
/// Bytes of a search parameter's code; FHIR's longest has 40.
pub const CODE_BYTES_MAX: usize = 64;
/// Bytes of a search parameter's expression: it is compiled for each type.
pub const EXPRESSION_BYTES_MAX: usize = 4 * 1024;
/// Search parameters of one's own: each is evaluated on each write of its types.
pub const CUSTOMS_MAX: usize = 500;
/// Parameters of one query.
pub const PARAMS_MAX: usize = 100;
/// Provisions within the one of a Consent: each is a test for each candidate of its patient's.
pub const CONSENT_PROVISIONS_MAX: usize = 64;
/// Keys that one Consent looks for in each of its patient's resources: half a millisecond for each of them.
pub const CONSENT_KEYS_MAX: usize = 4_000;
/// Units of measure that are remembered. Systems use a few hundred.
pub const UNITS_MAX: usize = 10_000;
/// Bytes of a UCUM code that is analysed and kept: the longest in use have some forty.
pub const UNIT_BYTES_MAX: usize = 256;
/// Comma-separated values of one parameter.
pub const OR_VALUES_MAX: usize = 1_000;
/// Codes that one value may mean, by a value set or a hierarchy. Each is a test of its own.
pub const CONCEPTS_MAX: usize = 1_000;
/// Parts of a canonical's version that it is found by, apart from the whole. Real ones have three.
pub const VERSION_PARTS_MAX: usize = 8;
/// Bytes of one query string.
pub const QUERY_BYTES_MAX: usize = 64 * 1024;
/// Types that a bare id may stand for. Each is a test of its own, for each value.
pub const BARE_ID_TYPES_MAX: usize = 16;
/// Fields of `_sort`.
pub const SORT_FIELDS_MAX: usize = 8;
/// Tests of one query, all values of all parameters together: each is bound to the statement.
pub const TESTS_MAX: usize = 4_000;
/// Links of one chain: each is a lookup for each candidate.
pub const CHAIN_DEPTH_MAX: usize = 8;
/// Ways to read a chain that does not name its types.
pub const CHAIN_READINGS_MAX: usize = 64;
/// Parentheses of a `_filter` within each other.
pub const FILTER_DEPTH_MAX: usize = 16;
/// Resources that includes may add to one page.
pub const INCLUDED_MAX: usize = 1_000;
/// Includes of one query, each a statement for each round; `_revinclude=*` alone is some 100.
pub const INCLUDES_MAX: usize = 200;
/// Degrees of latitude, either way, that are on earth.
pub const LATITUDE_MAX: f64 = 90.0;
/// Degrees of longitude, either way.
pub const LONGITUDE_MAX: f64 = 180.0;
