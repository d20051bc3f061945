//! Invariants that are judged without their expression: by the structural pass, by code of ours that
//! is far quicker. The build leaves them out too.

/// Their keys. <https://hl7.org/fhir/R4/conformance-rules.html#constraints>
pub(crate) const NATIVE: [&str; 10] = [
    "ele-1", // Structural: an element has a value or children.
    "ext-1", // Structural: extensions or a value.
    "ref-1", // Structural: a local reference leads to a contained resource.
    "bdl-7", // `bundle.rs`: no two entries have one URL.
    "bdl-8", // `bundle.rs`: it says nothing of an entry without URL.
    "dom-2", // Structural: nothing is contained in what is contained.
    "dom-3", // `contained.rs`: each contained resource is referred to.
    "que-7", // `datatypes.rs`: as it is written it is true of no answer.
    "txt-1", // Structural: the narrative's markup.
    "txt-2", // Structural: the narrative's markup.
];
