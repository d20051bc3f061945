//! Bundles in and out. <https://hl7.org/fhir/R4/bundle.html>

pub(crate) mod entry;
pub(crate) mod fill;
pub(crate) mod form;
pub(crate) mod render;
