//! Rows of what was refused to whoever proved nothing: forged tokens, wrong secrets, wrong passwords; and of what came to
//! nothing, as questions about tokens that are none. Anybody can send
//! as many of them as the line carries, and each row is kept for years: so of each kind an address has some rows of
//! its own in a minute, a server somewhat more, and what comes beyond is counted, and told in one row.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::Caller;
use canonical_model::Result;
use store::{AuditAction, AuditEntry, AuditInteraction, Auditor, RequestContext};
use telemetry::Clock;

use crate::limits::{REFUSALS_MAX, REFUSALS_OF_ADDRESS_MAX, REFUSED_ADDRESSES_MAX};
use crate::throttles::household;

/// The client in a row of somebody who showed none.
pub const NOBODY: &str = "(unknown)";

/// Where somebody proved nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    /// A request with a token.
    Bearer,
    /// A client that asks for a token, or about one.
    Client,
    /// A person who signs in.
    LogIn,
    /// An app that registers, or changes what it registered.
    Registration,
    /// An app that looks at what it registered, which changes nothing.
    OwnRegistration,
    /// Somebody who may take no access in an emergency.
    BreakGlass,
    /// Somebody who judges an access in an emergency that is not theirs to judge.
    Review,
    /// Somebody who looks at the list of them and may not.
    ReviewList,
}

impl Door {
    fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Client => "client",
            Self::LogIn => "log-in",
            Self::Registration => "registration",
            Self::OwnRegistration => "own registration",
            Self::BreakGlass => "break-glass",
            Self::Review => "review",
            Self::ReviewList => "list of reviews",
        }
    }

    /// What a row of several says was done, and with which status it was answered.
    fn deed(self) -> (AuditAction, u16) {
        match self {
            Self::Bearer => (AuditAction::Operation, 401),
            Self::Client => (AuditAction::Token, 401),
            Self::LogIn => (AuditAction::LogIn, 403),
            Self::Registration => (AuditAction::Accounts, 401),
            Self::OwnRegistration => (AuditAction::Accounts, 200),
            Self::BreakGlass => (AuditAction::BreakGlass, 403),
            Self::Review | Self::ReviewList => (AuditAction::Review, 403),
        }
    }

    /// What became of those that are counted.
    fn outcome(self) -> &'static str {
        match self {
            Self::Bearer
            | Self::Client
            | Self::LogIn
            | Self::Registration
            | Self::BreakGlass
            | Self::Review
            | Self::ReviewList => "were refused",
            Self::OwnRegistration => "were looked at",
        }
    }
}

/// Records what was refused, within bounds. Clones are the same one.
#[derive(Clone)]
pub struct Refusals(Arc<Parts>);

struct Parts {
    auditor: Option<Auditor>,
    clock: Clock,
    minute: Mutex<Minute>,
}

/// What came since what was counted was told last.
#[derive(Default)]
struct Minute {
    /// Of each kind, from each address; `None` is all those beyond [`REFUSED_ADDRESSES_MAX`].
    came: HashMap<(Door, Option<IpAddr>), Came>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Came {
    /// With rows of their own.
    rows: u32,
    /// Without.
    counted: u64,
}

impl Minute {
    /// Whether one more has a row of its own; else it is counted.
    fn admits(&mut self, door: Door, address: Option<IpAddr>) -> bool {
        let of_door = || self.came.iter().filter(|((of, _), _)| *of == door);
        let rows: u32 = of_door().map(|(_, came)| came.rows).sum();
        let full = of_door().count() >= REFUSED_ADDRESSES_MAX;
        let place = (door, address.map(household));
        let place = if full && !self.came.contains_key(&place) { (door, None) } else { place };
        let came = self.came.entry(place).or_default();
        if came.rows < REFUSALS_OF_ADDRESS_MAX && rows < REFUSALS_MAX {
            came.rows += 1;
            return true;
        }
        came.counted += 1;
        false
    }
}

impl Refusals {
    /// Records here; only tests have no auditor.
    #[must_use]
    pub fn new(auditor: Option<Auditor>, clock: Clock) -> Self {
        Self(Arc::new(Parts { auditor, clock, minute: Mutex::default() }))
    }

    /// Records one, or counts it where there were many.
    ///
    /// # Errors
    /// Unavailable where its row could not be written: then the answer must not leave.
    pub async fn record(&self, door: Door, entry: AuditEntry) -> Result<()> {
        let Some(auditor) = &self.0.auditor else { return Ok(()) };
        let admitted = self.minute().admits(door, entry.context.address);
        if admitted { auditor.record(entry).await } else { Ok(()) }
    }

    /// Tells what was only counted, a row for each address, and begins anew. To be asked each minute, and at the end.
    ///
    /// # Errors
    /// Unavailable where a row could not be written: what it would have said is counted on.
    pub async fn settle(&self) -> Result<()> {
        let Some(auditor) = &self.0.auditor else { return Ok(()) };
        let came = std::mem::take(&mut self.minute().came);
        let counted = came.into_iter().filter(|(_, came)| came.counted > 0);
        let mut outcome = Ok(());
        for ((door, address), came) in counted {
            if let Err(fault) = auditor.record(self.sum(door, address, came.counted)).await {
                self.minute().came.entry((door, address)).or_default().counted += came.counted;
                outcome = Err(fault);
            }
        }
        outcome
    }

    fn sum(&self, door: Door, address: Option<IpAddr>, counted: u64) -> AuditEntry {
        let context = RequestContext {
            request_id: Arc::default(),
            caller: Arc::new(Caller::of_client(NOBODY)),
            address,
            interaction: AuditInteraction::Operation,
        };
        let (action, status) = door.deed();
        let whence = if address.is_some() { "this address" } else { "many addresses" };
        let detail = format!("{}: {counted} more {} from {whence}", door.as_str(), door.outcome());
        AuditEntry {
            detail: Some(detail),
            ..AuditEntry::new(self.0.clock.now(), context, action, status)
        }
    }

    fn minute(&self) -> MutexGuard<'_, Minute> {
        self.0.minute.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(n: u32) -> Option<IpAddr> {
        Some(IpAddr::from(std::net::Ipv4Addr::from_bits(n)))
    }

    #[test]
    fn an_address_has_some_rows_and_the_rest_is_counted() {
        let mut minute = Minute::default();
        for door in [
            Door::Bearer,
            Door::Client,
            Door::LogIn,
            Door::Registration,
            Door::OwnRegistration,
            Door::BreakGlass,
            Door::Review,
            Door::ReviewList,
        ] {
            let rows = (0..1_000).filter(|_| minute.admits(door, from(1))).count();
            assert_eq!(rows, REFUSALS_OF_ADDRESS_MAX as usize, "{door:?}");
            assert!(minute.admits(door, from(2)), "another address");
            let counted = minute.came[&(door, from(1))].counted;
            assert_eq!(counted, 1_000 - u64::from(REFUSALS_OF_ADDRESS_MAX));
        }
    }

    #[test]
    fn many_addresses_have_no_more_rows_and_places_than_a_server_keeps() {
        let mut minute = Minute::default();
        let rows = (0..100_000).filter(|n| minute.admits(Door::Bearer, from(*n))).count();
        assert_eq!(rows, REFUSALS_MAX as usize);
        // A row for each place to come, one of which is all the others'.
        assert_eq!(minute.came.len(), REFUSED_ADDRESSES_MAX + 1);
        let counted: u64 = minute.came.values().map(|came| came.counted).sum();
        assert_eq!(counted + rows as u64, 100_000, "none is lost");
        assert!(minute.admits(Door::LogIn, from(1)), "another kind");
    }

    #[test]
    fn neighbours_of_version_6_are_one_address() {
        let mut minute = Minute::default();
        let address = |n: u32| format!("2606:4700:0:1::{n:x}").parse().ok();
        let rows = (0..100).filter(|n| minute.admits(Door::Bearer, address(*n))).count();
        assert_eq!(rows, REFUSALS_OF_ADDRESS_MAX as usize);
    }
}
