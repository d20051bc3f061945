//! Every limit of this crate, with its unit and its reason.

/// Concepts of one code system. SNOMED CT has half a million, LOINC a quarter of one.
pub const CONCEPTS_MAX: usize = 4_000_000;
/// Bytes of all text of one code system: its places are numbers of 32 bits.
pub const TEXT_BYTES_MAX: usize = 1 << 30;
/// Value sets within value sets.
pub const VALUE_SET_DEPTH_MAX: usize = 8;
/// Parts of value sets that are looked at to tell whether one code is in one: sets may be made of each other many times
/// over.
pub const PARTS_LOOKED_AT_MAX: usize = 10_000;
/// Concepts and codes that are looked at to compose one value set, counted each time: about a second of work.
pub const CONCEPTS_LOOKED_AT_MAX: usize = 8_000_000;
/// Codes of one expansion that are given out at once.
pub const EXPANSION_CODES_MAX: usize = 10_000;
/// Nesting of an expansion, in levels. What is deeper stands at the top.
pub const NESTING_MAX: usize = 64;
/// Bytes of a filter's regular expression.
pub const REGEX_BYTES_MAX: usize = 1_000;
/// Bytes that a compiled regular expression may take.
pub const REGEX_PROGRAM_BYTES_MAX: usize = 1 << 20;
/// Bytes of the text that an expansion is narrowed by.
pub const FILTER_BYTES_MAX: usize = 200;
/// Concept maps that one leads on to.
pub const MAPS_FOLLOWED_MAX: usize = 4;
/// Children of a concept that are named: the top of a large code system has thousands.
pub const CHILDREN_NAMED_MAX: usize = 1_000;
/// Bytes of a unit of measure: its parentheses are read within each other.
pub const UNIT_BYTES_MAX: usize = 200;
/// Bytes of one line, or one record of several lines, of a distribution.
pub const LINE_BYTES_MAX: usize = 1 << 20;
/// Bytes of an XML document: it is read into memory whole. ICD-10-CM has 10 MB.
pub const XML_BYTES_MAX: u64 = 64 << 20;
/// Elements and texts of an XML document. ICD-10-CM has half a million.
pub const XML_NODES_MAX: u32 = 4_000_000;
/// Bytes of all text of one distribution that are read. SNOMED CT has 2 GB.
pub const DISTRIBUTION_BYTES_MAX: u64 = 8 << 30;
