//! What of an app's scopes a person can give: no more than the person has, and only what is offered.

use access::{Context, FhirUser, Role, Roles, Scope, Scopes};
use canonical_model::{Error, ResourceId, Result};
use store::{Account, Launched};

use super::part::parts;

/// Words that are offered beside clinical scopes.
const WORDS: [&str; 6] = [OPENID, "fhirUser", LAUNCH, "launch/patient", "online_access", OFFLINE];

/// Judges scopes that an operator registers: what nothing here grants is likely misspelt.
///
/// # Errors
/// 400, naming the first that is no clinical scope and no word that is offered.
pub fn expect_offered(scope: &str) -> Result<()> {
    let scopes = Scopes::parse(scope)?;
    match scopes.words().find(|word| !WORDS.contains(word)) {
        None => Ok(()),
        Some(unknown) => Err(Error::invalid(format!(
            "There is no scope {unknown:?}; beside clinical ones, as patient/Observation.rs, there are {}.",
            WORDS.join(", ")
        ))),
    }
}

/// The word of an app that was started from here.
const LAUNCH: &str = "launch";

/// The word that a person is asked about: who the person is.
pub(crate) const OPENID: &str = "openid";

/// The word that a person is asked about: access that goes on without the person.
pub(crate) const OFFLINE: &str = "offline_access";

/// Roles that see nothing clinical.
const BESIDE: [Role; 2] = [Role::Admin, Role::Auditor];

/// Why an account reaches nobody's record, so that there is nobody to choose and nothing clinical to give; empty where
/// it reaches some.
///
/// # Errors
/// 400 where its roles are none.
pub(crate) fn reaches_nobody(account: &Account) -> Result<&'static str> {
    let roles = Roles::parse(account.roles.iter().map(String::as_str))?;
    Ok(if roles.iter().next().is_none() {
        "Your log-in has no role here, so it opens nobody's record."
    } else if roles.iter().all(|role| BESIDE.contains(&role)) {
        "Your log-in is for running this server, or for watching over it: it opens nobody's record."
    } else if account.fhir_user.is_none() {
        // Nobody is there whose rights it could have.
        "Your log-in is nobody in the data, so it opens nobody's record."
    } else {
        ""
    })
}

/// What a person can give to an app.
#[derive(Debug)]
pub(crate) struct Grantable {
    /// Clinical scopes, each by itself.
    pub(crate) clinical: Vec<Scope>,
    /// Others.
    pub(crate) words: Vec<&'static str>,
    /// The patient who was open where the app was started.
    open: Option<ResourceId>,
    /// Those whom the person stands for.
    stands_for: Vec<ResourceId>,
}

/// Whose patients the app may be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// Nobody in particular.
    Nobody,
    /// The person's own record.
    Own(ResourceId),
    /// One who was open where the app was started.
    Open(ResourceId),
    /// One whom the person chooses.
    Chosen,
    /// One of these: the person, and those whom the person stands for.
    Among(Vec<ResourceId>),
}

impl Grantable {
    /// `asked` is within what the app is registered for.
    pub(crate) fn of(
        asked: &Scopes,
        account: &Account,
        launched: Option<&Launched>,
        stands_for: Vec<ResourceId>,
    ) -> Result<Self> {
        let clinical = reaches_nobody(account)?.is_empty();
        // `system/` is for programs.
        let given = |scope: &&Scope| clinical && scope.context() != Context::System;
        let clinical: Vec<Scope> = asked.clinical().iter().filter(given).cloned().collect();
        let offered = |word: &&str| asked.has_word(word) && (*word != LAUNCH || launched.is_some());
        let words = WORDS.into_iter().filter(offered).collect();
        let open = launched.and_then(|launched| launched.patient.as_deref());
        let open = open.map(ResourceId::parse).transpose()?;
        Ok(Self { clinical, words, open, stands_for })
    }

    /// What can be given in an emergency: of the one patient alone, and nothing that goes on.
    pub(crate) fn in_emergency(mut self) -> Self {
        self.clinical.retain(|scope| scope.context() == Context::Patient);
        self.words.retain(|word| ![OFFLINE, "online_access"].contains(word));
        self
    }

    /// Whether there is anything to give.
    pub(crate) fn is_empty(&self) -> bool {
        self.clinical.is_empty() && !self.words.contains(&OPENID)
    }

    /// Whom it is about.
    pub(crate) fn about(&self, account: &Account) -> Result<About> {
        if let Some(open) = &self.open {
            return Ok(About::Open(open.clone()));
        }
        let of_patient = |scope: &Scope| scope.context() == Context::Patient;
        let asked = self.words.contains(&"launch/patient") || self.clinical.iter().any(of_patient);
        if !asked {
            return Ok(About::Nobody);
        }
        let user = account.fhir_user.as_deref().map(FhirUser::parse).transpose()?;
        let own = user.filter(|user| user.kind.name() == "Patient").map(|user| user.id);
        let proxy = Role::Proxy.as_str();
        Ok(match own {
            Some(own) if self.stands_for.is_empty() => About::Own(own),
            None if !account.roles.iter().any(|role| role == proxy) => About::Chosen,
            own => About::Among(own.into_iter().chain(self.stands_for.clone()).collect()),
        })
    }

    /// Whether all that was asked about was left in.
    pub(crate) fn is_whole(&self, left: &[String]) -> bool {
        let is_left = |scope: &str| left.iter().any(|it| it == scope);
        let asked = self.words.iter().filter(|word| [OPENID, OFFLINE].contains(*word));
        self.clinical.iter().all(|scope| is_left(&scope.to_string())) && asked.copied().all(is_left)
    }

    /// What is given where these were left in, as text; `None` where nothing was.
    pub(crate) fn chosen(&self, left: &[String]) -> Option<String> {
        let is_left = |scope: &str| left.iter().any(|it| it == scope);
        // A whole, or else those of its parts that were put in its place.
        let of = |scope: &Scope| match scope.to_string() {
            whole if is_left(&whole) => vec![whole],
            _ => parts(scope).into_iter().map(|(part, _)| part).filter(|it| is_left(it)).collect(),
        };
        let kept: Vec<String> = self.clinical.iter().flat_map(of).collect();
        let known = self.words.contains(&OPENID) && is_left(OPENID);
        if kept.is_empty() && !known {
            return None;
        }
        let words = self.words.iter().filter(|word| match **word {
            OPENID | "fhirUser" => known,
            OFFLINE => is_left(OFFLINE),
            _ => true,
        });
        let words = words.map(|word| (*word).to_owned());
        Some(words.chain(kept).collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_are_offered_are_registered() {
        expect_offered("openid launch/patient patient/*.rs system/Observation.rs").unwrap();
        for misspelt in ["openid launch/patients", "offline patient/*.rs"] {
            let said = expect_offered(misspelt).unwrap_err().to_string();
            assert!(said.contains("There is no scope"), "{misspelt}: {said}");
        }
    }

    fn account(user: Option<&str>, roles: &[&str]) -> Account {
        Account {
            account: 1,
            sub: "s".into(),
            login: "l".into(),
            fhir_user: user.map(str::to_owned),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            orgs: Vec::new(),
            generation: 0,
            locked: false,
            disabled: false,
        }
    }

    #[test]
    fn nobody_gives_more_than_there_is_to_give() {
        let asked = "launch/patient patient/*.rs user/Patient.rs system/*.cruds";
        let asked = Scopes::parse(asked).unwrap();
        let (doctor, all) = (Some("Practitioner/1"), "launch/patient patient/*.rs user/Patient.rs");
        for (user, roles, given, about) in [
            (doctor, &["clinician"][..], Some(all), About::Chosen),
            (doctor, &["clinician", "admin"], Some(all), About::Chosen),
            (doctor, &["admin"], None, About::Chosen),
            (doctor, &["auditor", "admin"], None, About::Chosen),
            (doctor, &[], None, About::Chosen),
            (None, &["clinician"], None, About::Chosen),
            (
                Some("Patient/7"),
                &["patient"],
                Some(all),
                About::Own(ResourceId::parse("7").unwrap()),
            ),
        ] {
            let account = account(user, roles);
            let grantable = Grantable::of(&asked, &account, None, Vec::new()).unwrap();
            let left = ["patient/*.rs", "user/Patient.rs", "system/*.cruds", "patient/*.cruds"];
            let left = left.map(str::to_owned);
            assert_eq!(grantable.chosen(&left).as_deref(), given, "{account:?}");
            assert_eq!(grantable.is_empty(), given.is_none());
            assert_eq!(grantable.about(&account).unwrap(), about);
            assert_eq!(grantable.chosen(&[]), None);
        }
        let ids = |all: &[&str]| -> Vec<_> {
            all.iter().map(|id| ResourceId::parse(id).unwrap()).collect()
        };
        for (user, roles, stands_for, about) in [
            (Some("RelatedPerson/1"), &["proxy"][..], &["8", "9"][..], &["8", "9"][..]),
            (Some("RelatedPerson/1"), &["proxy"], &[], &[]),
            (Some("Patient/7"), &["patient", "proxy"], &["8"], &["7", "8"]),
        ] {
            let account = account(user, roles);
            let grantable = Grantable::of(&asked, &account, None, ids(stands_for)).unwrap();
            assert_eq!(grantable.about(&account).unwrap(), About::Among(ids(about)));
        }
        let account = account(doctor, &["clinician"]);
        let asked = Scopes::parse("user/Patient.rs").unwrap();
        let grantable = Grantable::of(&asked, &account, None, Vec::new()).unwrap();
        assert_eq!(grantable.about(&account).unwrap(), About::Nobody);
    }
}
