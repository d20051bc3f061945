//! Every limit of this crate, with its unit and its reason.

/// Patients of one population: an MRN has eight digits for the index.
pub const PATIENTS_MAX: u64 = 100_000_000;
/// Years of records: the oldest living person.
pub const YEARS_MAX: u32 = 100;
/// Hospitals: beyond this a directory is no longer read in one transaction.
pub const FACILITIES_MAX: u32 = 400;
/// Patients who share one hospital by default: a town's practice panel a few times over.
pub const PATIENTS_PER_FACILITY: u64 = 250;
/// Hospitals of the smallest population, so that patients differ in where they go.
pub const FACILITIES_DEFAULT_MIN: u64 = 4;
