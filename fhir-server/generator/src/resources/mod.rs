//! One file per resource type: how a fact becomes FHIR R4, after US Core where it has a profile.

pub(crate) mod allergy;
pub(crate) mod care_plan;
pub(crate) mod claim;
pub(crate) mod condition;
pub(crate) mod coverage;
pub(crate) mod encounter;
pub(crate) mod immunization;
pub(crate) mod medication;
pub(crate) mod observation;
pub(crate) mod patient;
pub(crate) mod procedure;
pub(crate) mod report;

use crate::code::Code;
use crate::date::Moment;
use crate::id::Id;

/// The visit that resources belong to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) patient: Id,
    pub(crate) encounter: Id,
    pub(crate) start: Moment,
    pub(crate) end: Moment,
    pub(crate) organization: Id,
    pub(crate) location: Id,
    pub(crate) doctor: Id,
}

/// A condition that the chart holds already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) id: Id,
    pub(crate) code: Code,
}
