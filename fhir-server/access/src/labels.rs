//! What is withheld by its security labels, and who is cleared for it, as data.
//! See docs/adr/0010-authorization-server-and-audit.md, section 3, and <https://hl7.org/fhir/R4/security-labels.html>

use std::fmt;

use crate::{Caller, Role};

/// A class of labels, withheld from users who are not cleared for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// Confidentiality V.
    VeryRestricted,
    /// Confidentiality R; what the patient or the law protects specially, and what adolescents keep from those who stand
    /// for them.
    Restricted,
    /// Notes of psychotherapy, which are their author's. 45 CFR 164.508(a)(2).
    Psychotherapy,
    /// Mental health.
    MentalHealth,
    /// Use of substances. 42 CFR Part 2.
    SubstanceUse,
    /// Sexual health, HIV among it.
    SexualHealth,
    /// Violence and abuse: whoever stands for the patient may be whom it comes from.
    Violence,
    /// Genetic disease.
    Genetic,
    /// What a patient is to be told by a person first.
    Deferred,
}

/// One row of the table.
struct Row {
    label: Label,
    /// As the record and callers are told.
    word: &'static str,
    /// Of v3-Confidentiality or of the sensitivities of v3-ActCode; a code of another system that is spelt alike counts
    /// too, for senders do not all name the same system.
    codes: &'static [&'static str],
    /// Who is cleared.
    roles: &'static [Role],
    /// For which purposes of use; none is any.
    purposes: &'static [&'static str],
}

const TREATMENT: &[&str] = &["TREAT", "ETREAT", "BTG"];
const EMERGENCY: &[&str] = &["ETREAT", "BTG"];

const TABLE: [Row; 9] = [
    Row {
        label: Label::VeryRestricted,
        word: "very-restricted",
        codes: &["V"],
        roles: &[Role::Clinician, Role::Integration],
        purposes: EMERGENCY,
    },
    Row {
        label: Label::Restricted,
        word: "restricted",
        codes: &["ADOL", "PRS", "R", "SPI"],
        roles: &[Role::Clinician, Role::Integration, Role::Patient],
        purposes: &[],
    },
    Row {
        label: Label::Psychotherapy,
        word: "psychotherapy",
        codes: &["PSYTHPN"],
        roles: &[],
        purposes: &[],
    },
    Row {
        label: Label::MentalHealth,
        word: "mental-health",
        codes: &["BH", "COGN", "DVD", "EMOTDIS", "MH", "PSY"],
        roles: &[Role::Clinician, Role::Integration, Role::Patient],
        purposes: &[],
    },
    Row {
        label: Label::SubstanceUse,
        word: "substance-use",
        codes: &["ETH", "ETHUD", "OPIOIDUD", "SUD"],
        roles: &[Role::Clinician],
        purposes: TREATMENT,
    },
    Row {
        label: Label::SexualHealth,
        word: "sexual-health",
        codes: &["HIV", "SEX", "STD"],
        roles: &[Role::Clinician, Role::Integration, Role::Patient],
        purposes: &[],
    },
    Row {
        label: Label::Violence,
        word: "violence",
        codes: &["MST", "SDV", "VIO"],
        roles: &[Role::Clinician, Role::Patient],
        purposes: &[],
    },
    Row {
        label: Label::Genetic,
        word: "genetic",
        codes: &["GDIS", "SCA", "SICKLE"],
        roles: &[Role::Clinician, Role::Integration, Role::Patient, Role::Proxy],
        purposes: &[],
    },
    Row {
        label: Label::Deferred,
        word: "deferred",
        codes: &["TBOO"],
        roles: &[Role::Clinician, Role::CareCoordinator, Role::Integration],
        purposes: &[],
    },
];

impl Label {
    /// As the record and callers are told.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().map_or("", |row| row.word)
    }

    /// The codes of its labels.
    #[must_use]
    pub fn codes(self) -> &'static [&'static str] {
        self.row().map_or(&[], |row| row.codes)
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.label == self)
    }
}

/// A set of labels.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Labels(u16);

impl Labels {
    /// None.
    pub const NONE: Self = Self(0);

    /// One alone.
    #[must_use]
    pub fn of(label: Label) -> Self {
        Self(1 << label as u16)
    }

    /// Those that the caller is not cleared for. A client that acts for itself is cleared for all: whoever registered
    /// it chose what it may have. A user is by one of their roles, for the purpose that their token states.
    pub(crate) fn withheld_from(caller: &Caller) -> Self {
        if caller.subject.is_none() {
            return Self::NONE;
        }
        let purpose = caller.purpose.as_deref();
        let cleared = |row: &Row| {
            row.roles.iter().any(|role| caller.roles.contains(*role))
                && (row.purposes.is_empty()
                    || purpose.is_some_and(|purpose| row.purposes.contains(&purpose)))
        };
        let withheld = TABLE.iter().filter(|row| !cleared(row));
        Self(withheld.fold(0, |all, row| all | 1 << row.label as u16))
    }

    /// Those that are in.
    pub fn iter(self) -> impl Iterator<Item = Label> {
        let is_in = move |label: &Label| self.0 & 1 << *label as u16 != 0;
        TABLE.iter().map(|row| row.label).filter(is_in)
    }

    /// The codes of all that are in.
    pub fn codes(self) -> impl Iterator<Item = &'static str> {
        self.iter().flat_map(|label| label.codes().iter().copied())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Label::as_str)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Roles;

    /// Who is cleared for what: a row for each label, each role's letter where it is, in brackets for treatment alone,
    /// in braces for an emergency alone.
    #[test]
    fn clearances() {
        let cleared = |label: Label, role: Role, purpose: Option<&str>| {
            let caller = Caller {
                subject: Some("a user".into()),
                roles: Roles::parse([role.as_str()]).unwrap(),
                purpose: purpose.map(Into::into),
                ..Caller::of_client("app")
            };
            !Labels::withheld_from(&caller).iter().any(|withheld| withheld == label)
        };
        let row = |row: &Row| {
            let name = |role: Role| {
                let letter = role.as_str();
                let [plain, treatment, emergency] =
                    [None, Some("TREAT"), Some("BTG")].map(|it| cleared(row.label, role, it));
                assert_eq!(plain, cleared(row.label, role, Some("HPAYMT")), "{letter}");
                match (plain, treatment, emergency) {
                    (true, true, true) => Some(letter.to_owned()),
                    (false, true, true) => Some(format!("({letter})")),
                    (false, false, true) => Some(format!("{{{letter}}}")),
                    (false, false, false) => None,
                    other => panic!("{letter}: {other:?}"),
                }
            };
            let names: Vec<String> = Role::ALL.into_iter().filter_map(name).collect();
            format!("{}: {}", row.word, names.join(" "))
        };
        let rows: Vec<String> = TABLE.iter().map(row).collect();
        assert_eq!(
            rows,
            [
                "very-restricted: {clinician} {integration}",
                "restricted: clinician integration patient",
                "psychotherapy: ",
                "mental-health: clinician integration patient",
                "substance-use: (clinician)",
                "sexual-health: clinician integration patient",
                "violence: clinician patient",
                "genetic: clinician integration patient proxy",
                "deferred: clinician care-coordinator integration",
            ]
        );
    }

    #[test]
    fn who_has_no_role_is_cleared_for_nothing_and_a_client_itself_for_all() {
        let client = Caller::of_client("app");
        assert!(Labels::withheld_from(&client).is_empty());
        let user = Caller { subject: Some("a user".into()), ..client };
        let withheld = Labels::withheld_from(&user);
        assert_eq!(withheld.iter().count(), TABLE.len());
        let mut codes: Vec<&str> = withheld.codes().collect();
        codes.sort_unstable();
        assert!(codes.windows(2).all(|two| two[0] != two[1]), "{codes:?}");
        for row in &TABLE {
            assert_eq!((row.label.as_str(), row.label.codes()), (row.word, row.codes));
        }
    }
}
