//! Value sets as validation asks of them: those that FHIR publishes, and those that stored profiles bind to.

use std::sync::Arc;

use ::terminology::{Library as _, Membership, membership, package};
use conformance::profile::{Terminology, Verdict};

use super::known::Learnt;

/// What FHIR publishes, and what these profiles brought with them.
#[derive(Debug)]
pub(super) struct Codes<'a>(pub(super) &'a [Arc<Learnt>]);

impl Terminology for Codes<'_> {
    fn check(&self, value_set: &str, system: Option<&str>, code: &str) -> Verdict {
        let brought = self.0.iter().map(|it| &it.value_sets).find(|it| it.has_value_set(value_set));
        let told = match brought.map(|library| (library, library.value_set(value_set))) {
            Some((library, Ok(set))) => membership(library, &set, system, code),
            Some((_, Err(_))) => return Verdict::Unknown,
            None => package::check(value_set, system, code),
        };
        match told {
            Membership::In => Verdict::In,
            Membership::Out => Verdict::Out,
            Membership::Unknown(_) => Verdict::Unknown,
        }
    }
}
