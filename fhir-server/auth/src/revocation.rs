//! Where revoked tokens are known. Asked at every request, so that a revocation acts at once; told by the database
//! twice a second. Who has not been told for four seconds does not know, and says so.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use access::Caller;
use compact_str::CompactString;
use store::{AuthChange as Change, Told};
use telemetry::Ticks;

use crate::limits::{KNOWN_FOR_MS, OVER_MAX};

/// What is known of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing against it.
    Good,
    /// It is over.
    Over,
    /// Whether it is over is not known at the moment.
    Unknown,
}

/// Knows what has been revoked. It answers from memory: every request waits for it.
pub trait Revocations: Send + Sync {
    /// How it stands with the caller's token.
    fn standing(&self, caller: &Caller) -> Standing;
}

/// Nothing is ever revoked: right where there are only clients of the settings file, whose tokens live for minutes.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Revocations for Nothing {
    fn standing(&self, _caller: &Caller) -> Standing {
        Standing::Good
    }
}

/// What the database told.
#[derive(Debug)]
pub struct Known {
    ticks: Ticks,
    over: RwLock<Over>,
}

/// What is over, each with the moment from which nobody asks for it any more, in nanoseconds of [`Ticks`].
#[derive(Debug, Default)]
struct Over {
    /// When the database told last; none before it did.
    told_at: Option<u64>,
    approvals: HashMap<i64, u64>,
    tokens: HashMap<CompactString, u64>,
    accounts: HashMap<CompactString, (i32, u64)>,
    clients: HashMap<CompactString, (i32, u64)>,
}

impl Known {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(ticks: Ticks) -> Self {
        Self { ticks, over: RwLock::default() }
    }

    /// Takes in what the database told, asked at this moment of [`Known::now`].
    pub fn hear(&self, asked_at: u64, all: Vec<Told>) {
        let mut over = self.over.write().unwrap_or_else(PoisonError::into_inner);
        for Told { change, left_s } in all {
            let left = Duration::from_secs(u64::try_from(left_s).unwrap_or_default());
            let until = asked_at.saturating_add(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX));
            over.take(change, until);
        }
        over.told_at = Some(asked_at);
        if over.len() > OVER_MAX {
            over.forget(asked_at);
        }
    }

    /// The moment, in nanoseconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.ticks.nanos()
    }
}

impl Over {
    fn take(&mut self, change: Change, until: u64) {
        match change {
            Change::Approval(approval) => drop(self.approvals.insert(approval, until)),
            Change::Token(jti) => drop(self.tokens.insert(jti.into(), until)),
            Change::Account(sub, generation) => raise(&mut self.accounts, sub, generation, until),
            Change::Client(id, generation) => raise(&mut self.clients, id, generation, until),
            Change::Other => {}
        }
    }

    fn len(&self) -> usize {
        self.approvals.len() + self.tokens.len() + self.accounts.len() + self.clients.len()
    }

    fn forget(&mut self, now: u64) {
        self.approvals.retain(|_, until| *until > now);
        self.tokens.retain(|_, until| *until > now);
        self.accounts.retain(|_, (_, until)| *until > now);
        self.clients.retain(|_, (_, until)| *until > now);
    }

    fn has(&self, caller: &Caller) -> bool {
        let below = |known: &HashMap<CompactString, (i32, u64)>, name: &str, own: i32| {
            known.get(name).is_some_and(|(generation, _)| own < *generation)
        };
        let subject = caller.subject.as_deref();
        caller.grant.is_some_and(|grant| self.approvals.contains_key(&grant))
            || self.tokens.contains_key(&caller.token_id)
            || subject.is_some_and(|sub| below(&self.accounts, sub, caller.generations.account))
            || below(&self.clients, &caller.client_id, caller.generations.client)
    }
}

/// A generation never falls: rows may be told out of order.
fn raise(
    known: &mut HashMap<CompactString, (i32, u64)>,
    name: String,
    generation: i32,
    until: u64,
) {
    let kept = known.entry(name.into()).or_insert((generation, until));
    *kept = (kept.0.max(generation), kept.1.max(until));
}

impl Revocations for Known {
    fn standing(&self, caller: &Caller) -> Standing {
        let over = self.over.read().unwrap_or_else(PoisonError::into_inner);
        let fresh = Duration::from_millis(KNOWN_FOR_MS).as_nanos();
        let told = over.told_at.map(|at| u128::from(self.ticks.nanos().saturating_sub(at)));
        match told {
            _ if over.has(caller) => Standing::Over,
            Some(since) if since <= fresh => Standing::Good,
            _ => Standing::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use access::Generations;

    use super::*;

    fn caller() -> Caller {
        Caller {
            subject: Some("sub".into()),
            token_id: "jti".into(),
            grant: Some(7),
            generations: Generations { account: 3, client: 2 },
            ..Caller::of_client("app")
        }
    }

    #[test]
    fn each_change_ends_what_it_names() {
        for (change, standing) in [
            (Change::Approval(7), Standing::Over),
            (Change::Approval(8), Standing::Good),
            (Change::Token("jti".into()), Standing::Over),
            (Change::Token("sub".into()), Standing::Good),
            (Change::Account("sub".into(), 4), Standing::Over),
            (Change::Account("sub".into(), 3), Standing::Good),
            (Change::Account("app".into(), 9), Standing::Good),
            (Change::Client("app".into(), 3), Standing::Over),
            (Change::Client("app".into(), 2), Standing::Good),
            (Change::Other, Standing::Good),
        ] {
            let known = Known::new(Ticks::manual());
            assert_eq!(known.standing(&caller()), Standing::Unknown, "nothing was told");
            known.hear(known.now(), vec![Told { change: change.clone(), left_s: 60 }]);
            assert_eq!(known.standing(&caller()), standing, "{change:?}");
        }
    }

    #[test]
    fn who_is_not_told_for_long_does_not_know() {
        let ticks = Ticks::manual();
        let known = Known::new(ticks.clone());
        known.hear(known.now(), Vec::new());
        ticks.advance(Duration::from_secs(4));
        assert_eq!(known.standing(&caller()), Standing::Good);
        ticks.advance(Duration::from_nanos(1));
        assert_eq!(known.standing(&caller()), Standing::Unknown);
        known.hear(known.now(), vec![Told { change: Change::Approval(7), left_s: 60 }]);
        ticks.advance(Duration::from_secs(30));
        assert_eq!(known.standing(&caller()), Standing::Over, "that much is known");
    }

    #[test]
    fn a_generation_never_falls_and_memory_is_bounded() {
        let ticks = Ticks::manual();
        let known = Known::new(ticks.clone());
        let told =
            |generation| Told { change: Change::Account("sub".into(), generation), left_s: 9 };
        known.hear(known.now(), vec![told(4), told(2)]);
        assert_eq!(known.standing(&caller()), Standing::Over);
        let many = |from: i64| {
            let approval = |n| Told { change: Change::Approval(n), left_s: 10 };
            (from..from + 60_000).map(approval).collect::<Vec<_>>()
        };
        for round in 0..4 {
            known.hear(known.now(), many(round * 60_000 + 100));
            ticks.advance(Duration::from_secs(11));
        }
        assert!(known.over.read().unwrap().len() <= OVER_MAX + 60_000);
    }
}
