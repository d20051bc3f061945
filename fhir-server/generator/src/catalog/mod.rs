//! What people have, get and are given: tables of real codes with plausible frequencies.

pub(crate) mod allergens;
pub(crate) mod diseases;
pub(crate) mod drugs;
pub(crate) mod episodes;
pub(crate) mod labs;
pub(crate) mod procedures;
pub(crate) mod vaccines;
