//! Whom users reach, as far as an operator chooses that.

use access::{Binding, Treatment};
use serde::Deserialize;

use super::Settings;

/// `[access]` of the settings file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Access {
    treatment: Option<Word>,
    consent: Option<Bound>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Bound {
    All,
    Users,
    Nobody,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Related,
    Open,
}

impl Access {
    pub(crate) fn apply(self, settings: &mut Settings) {
        if let Some(word) = self.treatment {
            settings.policy.treatment = match word {
                Word::Related => Treatment::Related,
                Word::Open => Treatment::Open,
            };
        }
        if let Some(bound) = self.consent {
            settings.policy.consent = match bound {
                Bound::All => Binding::All,
                Bound::Users => Binding::Users,
                Bound::Nobody => Binding::Nobody,
            };
        }
    }
}
