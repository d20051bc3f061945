//! The one expression that every read of the store demands.

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;

use canonical_model::{Error, Issue, IssueCode, Kind, ResourceId, ResourceType, Result};
use search::{Hasher, IndexEntries, label_keys};

use crate::{
    Action, Asker, Caller, Clause, Condition, Conditions, Consent, Context, Filter, Labels,
    Relations, Rules,
};

/// What has been decided: which resources may be reached, and by what right.
///
/// It reaches every type that the caller's scopes grant for the action, not only the type that was
/// asked about, so that the same access bounds the includes and chains of a search.
#[derive(Clone, Debug)]
pub struct Access {
    filter: Filter,
    /// What is withheld of that.
    withheld: Labels,
    /// Whom Consent resources may deny something.
    asker: Option<Arc<Asker>>,
    right: Right,
    whose: u64,
}

#[derive(Clone, Copy, Debug)]
enum Right {
    Caller(Action),
    Internal(&'static str),
}

/// A hash of who asks.
fn name(caller: &Caller) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&caller.client_id, &caller.subject).hash(&mut hasher);
    hasher.finish()
}

impl Access {
    /// Decides whether the caller may do `action` to resources of type `kind`, and to which.
    ///
    /// # Errors
    /// 403, naming the scope that would be needed, where the caller reaches none of the type.
    pub fn decide(
        rules: &Rules,
        caller: &Caller,
        kind: ResourceType,
        action: Action,
        conditions: &dyn Conditions,
    ) -> Result<Self> {
        let filter = rules.filter(caller, action, conditions);
        let decided = Self::of(rules, caller, action, filter)?;
        if decided.reaches(kind) {
            Ok(decided)
        } else {
            Err(forbidden(rules, caller, Some(kind), action, conditions))
        }
    }

    /// Decides on an interaction with the whole system: its search and history. Reaches the types
    /// that the caller's scopes grant.
    ///
    /// # Errors
    /// 403 where the caller reaches no type.
    pub fn decide_system(
        rules: &Rules,
        caller: &Caller,
        action: Action,
        conditions: &dyn Conditions,
    ) -> Result<Self> {
        match rules.filter(caller, action, conditions) {
            Filter::Nothing => Err(forbidden(rules, caller, None, action, conditions)),
            filter => Self::of(rules, caller, action, filter),
        }
    }

    fn of(rules: &Rules, caller: &Caller, action: Action, filter: Filter) -> Result<Self> {
        let asker = match &caller.consent {
            _ if !rules.binds(caller) => None,
            Consent::Unasked => return Err(Error::internal("nobody asked for consent")),
            Consent::None => None,
            Consent::Some(asker) => Some(Arc::clone(asker)),
        };
        let withheld = Labels::withheld_from(caller);
        Ok(Self { filter, withheld, asker, right: Right::Caller(action), whose: name(caller) })
    }

    /// The server's own work on behalf of nobody. `reason` says why it may reach everything.
    #[must_use]
    pub fn internal(reason: &'static str) -> Self {
        let (filter, withheld) = (Filter::Everything, Labels::NONE);
        Self { filter, withheld, asker: None, right: Right::Internal(reason), whose: 0 }
    }

    /// The expression.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The labels of what is withheld, of all that the expression reaches.
    #[must_use]
    pub fn withheld(&self) -> Labels {
        self.withheld
    }

    /// Whom Consent resources may deny some of that; `None` where they do not bind.
    #[must_use]
    pub fn asker(&self) -> Option<&Asker> {
        self.asker.as_deref()
    }

    /// The action decided on; `None` for the server's own work.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        match self.right {
            Right::Caller(action) => Some(action),
            Right::Internal(_) => None,
        }
    }

    /// Why the server works for itself; `None` for a caller's access.
    #[must_use]
    pub fn internal_reason(&self) -> Option<&'static str> {
        match self.right {
            Right::Caller(_) => None,
            Right::Internal(reason) => Some(reason),
        }
    }

    /// Tells one caller from another, a user's of a client or the client's own: of what all share, each has a part.
    #[must_use]
    pub fn whose(&self) -> u64 {
        self.whose
    }

    /// Whether anything of the type is reached.
    #[must_use]
    pub fn reaches(&self, kind: ResourceType) -> bool {
        self.filter == Filter::Everything || self.filter.clauses_for(kind).next().is_some()
    }

    /// Whether everything of the type is reached, whatever its patients, labels and Consents are.
    #[must_use]
    pub fn is_whole(&self, kind: ResourceType) -> bool {
        let open = |it: &Clause| it.patients.is_none() && it.related.is_none() && it.when.is_none();
        let all = self.filter == Filter::Everything || self.filter.clauses_for(kind).any(open);
        all && self.withheld.is_empty() && self.asker.is_none()
    }

    /// The patient whose resources alone are reached, of this type, if it is one.
    #[must_use]
    pub fn only_patient(&self, kind: ResourceType) -> Option<&ResourceId> {
        let mut clauses = self.filter.clauses_for(kind);
        let first = clauses.next()?.only_patient()?;
        clauses.all(|clause| clause.only_patient() == Some(first)).then_some(first)
    }

    /// The condition that all that is reached of this type meets, if there is but one way in.
    #[must_use]
    pub fn only_condition(&self, kind: ResourceType) -> Option<&Condition> {
        let mut clauses = self.filter.clauses_for(kind);
        match (clauses.next(), clauses.next()) {
            (Some(only), None) => only.when.as_deref(),
            _ => None,
        }
    }

    /// Whether all that is reached of this type meets the constraint of a scope.
    #[must_use]
    pub fn is_constrained(&self, kind: ResourceType) -> bool {
        let mut clauses = self.filter.clauses_for(kind).peekable();
        clauses.peek().is_some() && clauses.all(|clause| clause.when.is_some())
    }

    /// Whether one resource in memory is reached: its type, and what it is indexed under.
    ///
    /// To read it, one of its patients must be reached. To write it, all of them, and at least one:
    /// who may write for one patient must not write into the record of another. On an update ask
    /// for the old and for the new content. What has a label that is withheld is not reached.
    ///
    /// `related` says whether there is a relationship to a patient who is not known one by one.
    #[must_use]
    pub fn permits(
        &self,
        kind: ResourceType,
        entries: &IndexEntries,
        hasher: &Hasher,
        related: &dyn Fn(&Relations, &ResourceId) -> bool,
    ) -> bool {
        if label_keys(hasher, kind, self.withheld.codes()).any(|key| entries.keys.contains(&key)) {
            return false;
        }
        if self.filter == Filter::Everything {
            return true;
        }
        let admitting = || self.filter.clauses_for(kind).filter(|clause| clause.admits(entries));
        if admitting().any(|clause| clause.patients.is_none() && clause.related.is_none()) {
            return true;
        }
        let reached = |patient: &ResourceId| {
            admitting().any(|Clause { patients, related: relations, .. }| {
                let known = |it: &Relations| it.has(patient) || related(it, patient);
                let bounded = patients.is_some() || relations.is_some();
                bounded
                    && patients.as_ref().is_none_or(|patients| patients.contains(patient))
                    && relations.as_deref().is_none_or(known)
            })
        };
        match self.right {
            Right::Caller(action) if !action.writes() => entries.owners.iter().any(reached),
            _ => !entries.owners.is_empty() && entries.owners.iter().all(reached),
        }
    }

    /// The relationships that reach something of the type, each once.
    #[must_use]
    pub fn relations(&self, kind: ResourceType) -> Vec<&Arc<Relations>> {
        let mut all: Vec<&Arc<Relations>> = Vec::new();
        for relations in self.filter.clauses_for(kind).filter_map(|it| it.related.as_ref()) {
            if !all.iter().any(|known| Arc::ptr_eq(known, relations)) {
                all.push(relations);
            }
        }
        all
    }
}

impl Clause {
    /// Whether its condition, where it has one, lets through what is indexed under this.
    fn admits(&self, entries: &IndexEntries) -> bool {
        self.when.as_ref().is_none_or(|when| when.admits(entries))
    }
}

/// Names the scope that would do, in the caller's own context; never says what exists.
fn forbidden(
    rules: &Rules,
    caller: &Caller,
    kind: Option<ResourceType>,
    action: Action,
    conditions: &dyn Conditions,
) -> Error {
    let scopes = caller.scopes.clinical();
    let context = scopes.first().map_or(Context::System, crate::Scope::context);
    let outside = kind.is_some_and(|kind| !rules.belongs_to_patients(kind));
    let context = if outside && context == Context::Patient { Context::User } else { context };
    let shut = rules.shut_by_roles(caller, kind, action);
    let (kind, letter) = (kind.map_or("*", ResourceType::name), action.letter());
    let needed = match shut {
        false => format!("This needs the scope {}/{kind}.{letter}.", context.as_str()),
        true => format!(
            "No role of this user reaches {kind}.{letter}, or only for patients to whom there is a relationship."
        ),
    };
    let mut issues = vec![Issue::error(IssueCode::Forbidden, needed)];
    let mut add = |text: &str| issues.push(Issue::information(IssueCode::Informational, text));
    if outside && scopes.iter().any(|scope| scope.context() == Context::Patient) {
        add("patient/ scopes reach only types of the Patient compartment.");
    }
    let inapplicable = |scope: &crate::Scope| {
        scope.constrained().is_some_and(|(of, text)| conditions.of(of, text).is_none())
    };
    if scopes.iter().filter(|scope| scope.grants(action)).any(inapplicable) {
        add(
            "The `?` of a scope cannot be applied here, so it grants nothing: name other parameters.",
        );
    }
    if caller.patient.is_none() && scopes.iter().any(|s| s.context() == Context::Patient) {
        add("patient/ scopes need a token with a patient in its launch context.");
    }
    if caller.fhir_user.is_none() && scopes.iter().any(|s| s.context() == Context::User) {
        add("user/ scopes need a token of a user who signed in.");
    }
    Error::from_issues(Kind::Forbidden, issues)
}
