//! One clinical scope: `patient/Observation.rs?category=laboratory`.
//! <https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#scopes-for-requesting-fhir-resources>

use std::fmt;

use canonical_model::{Error, Phi, ResourceType, Result};

use crate::constraint::Constraint;
use crate::{Action, Actions, TypeSet};

/// Whose rights a scope speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// The data of the one patient whom the launch chose.
    Patient,
    /// What the user who signed in may reach.
    User,
    /// What the client itself may reach, no user being there.
    System,
}

impl Context {
    /// SMART's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::User => "user",
            Self::System => "system",
        }
    }

    fn find(word: &str) -> Option<Self> {
        [Self::Patient, Self::User, Self::System].into_iter().find(|it| it.as_str() == word)
    }
}

/// One clinical scope.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    context: Context,
    /// `None` is `*`.
    kind: Option<ResourceType>,
    actions: Actions,
    /// What follows `?`. Only where one type is named.
    constraint: Option<Constraint>,
    /// Asked for in the words of SMART version 1, so answered in them.
    v1: bool,
}

impl Scope {
    /// Reads a clinical scope; `None` where the word is another kind of scope, as `openid`.
    ///
    /// # Errors
    /// 400, saying what to change, where the word begins as a clinical scope and goes on otherwise, or with what is
    /// no constraint.
    pub fn parse(word: &str) -> Result<Option<Self>> {
        let Some((context, rest)) =
            word.split_once('/').and_then(|(context, rest)| Some((Context::find(context)?, rest)))
        else {
            return Ok(None);
        };
        let (rest, constraint) = match rest.split_once('?') {
            Some((rest, constraint)) => (rest, Some(constraint)),
            None => (rest, None),
        };
        let Some((kind, actions)) = rest.split_once('.') else {
            return Err(refused("a scope is context/Type.cruds, as `system/Patient.rs`"));
        };
        let kind = match kind {
            "*" => None,
            name => match ResourceType::find(name) {
                Some(kind) => Some(kind),
                None => return Err(refused("its type is `*` or a resource type of FHIR R4")),
            },
        };
        let v1 = v1_actions(actions);
        let Some(actions) = v1.or_else(|| Actions::parse(actions)) else {
            return Err(refused("its letters are some of `cruds`, in that order"));
        };
        let constraint =
            constraint.map(|text| constrained(kind, v1.is_some(), text)).transpose()?;
        Ok(Some(Self { context, kind, actions, constraint, v1: v1.is_some() }))
    }

    /// Whose rights.
    #[must_use]
    pub fn context(&self) -> Context {
        self.context
    }

    /// Which types.
    #[must_use]
    pub fn types(&self) -> TypeSet {
        self.kind.map_or(TypeSet::ALL, TypeSet::of)
    }

    /// What may be done.
    #[must_use]
    pub fn actions(&self) -> Actions {
        self.actions
    }

    /// The search that narrows the scope to some resources of the type, as it was written.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        self.constraint.as_ref().map(Constraint::as_str)
    }

    /// The constraint, with the type whose resources it is on.
    pub(crate) fn constrained(&self) -> Option<(ResourceType, &str)> {
        self.kind.zip(self.constraint())
    }

    /// Whether it grants `action`: to all of its types, or where it has a constraint to those that meet it.
    #[must_use]
    pub fn grants(&self, action: Action) -> bool {
        self.actions.contains(action)
    }

    /// What both grant, in the words of this one. Of two constraints the narrower; two of which neither is have
    /// nothing in common that one of them says.
    #[must_use]
    pub fn narrowed_to(&self, other: &Self) -> Option<Self> {
        let kind = match (self.kind, other.kind) {
            (None, kind) | (kind, None) => kind,
            (a, b) if a == b => a,
            _ => return None,
        };
        let constraint = match (&self.constraint, &other.constraint) {
            (None, constraint) | (constraint, None) => constraint.clone(),
            (Some(mine), Some(theirs)) if mine.implies(theirs) => Some(mine.clone()),
            (Some(mine), Some(theirs)) if theirs.implies(mine) => Some(theirs.clone()),
            (Some(_), Some(_)) => return None,
        };
        let actions = self.actions.intersection(other.actions);
        let same = self.context == other.context && !actions.is_empty();
        let v1 = self.v1 && constraint.is_none();
        same.then_some(Self { context: self.context, kind, actions, constraint, v1 })
    }

    /// Whether it says all that the other says.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let within = match (&self.constraint, &other.constraint) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wide), Some(narrow)) => narrow.implies(wide),
        };
        within
            && self.context == other.context
            && (self.kind.is_none() || self.kind == other.kind)
            && self.actions.union(other.actions) == self.actions
    }

    /// Takes over the actions of a scope that differs in nothing else; says whether it did.
    pub(crate) fn absorb(&mut self, other: &Self) -> bool {
        let alike = self.context == other.context
            && self.kind == other.kind
            && self.constraint == other.constraint;
        if alike {
            self.actions = self.actions.union(other.actions);
        }
        alike
    }
}

const V1: [(&str, Actions); 3] =
    [("read", Actions::READ), ("write", Actions::WRITE), ("*", Actions::ALL)];

fn v1_actions(word: &str) -> Option<Actions> {
    V1.iter().find(|(name, _)| *name == word).map(|(_, actions)| *actions)
}

/// Reads the constraint of a scope of this type.
fn constrained(kind: Option<ResourceType>, v1: bool, text: &str) -> Result<Constraint> {
    if v1 {
        return Err(refused(
            "`?` goes with the letters of version 2, as in `.rs?category=laboratory`",
        ));
    }
    if !is_query(text) {
        return Err(refused("after `?` come parameters, as `category=laboratory`"));
    }
    let kind =
        kind.ok_or_else(|| refused("with `?` it names one type, whose parameters these are"))?;
    Constraint::parse(kind, text)
}

/// `name=value`, any number, joined by `&`.
fn is_query(text: &str) -> bool {
    let whole = |part: &str| {
        part.split_once('=').is_some_and(|(name, value)| !name.is_empty() && !value.is_empty())
    };
    text.split('&').all(whole)
}

fn refused(what: &str) -> Error {
    Error::invalid(format!("scope: {what}"))
}

impl Scope {
    /// Writes the scope, with a constraint as it is given.
    fn write(&self, f: &mut fmt::Formatter<'_>, constraint: &dyn fmt::Display) -> fmt::Result {
        write!(f, "{}/{}.", self.context.as_str(), self.kind.map_or("*", ResourceType::name))?;
        let v1 = self.v1 && self.constraint.is_none();
        match V1.iter().find(|(_, actions)| v1 && *actions == self.actions) {
            Some((word, _)) => f.write_str(word)?,
            None => write!(f, "{}", self.actions)?,
        }
        match self.constraint {
            Some(_) => write!(f, "?{constraint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, &self.constraint().unwrap_or_default())
    }
}

impl fmt::Debug for Scope {
    /// A constraint may name a patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, &Phi(()))
    }
}
