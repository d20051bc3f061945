//! Who may ask how often: by address before anything is read, then by client and user, and by what is asked.
//!
//! Per process: several servers of one tenant let through as much each. It is a guard against a client
//! gone wrong and a flood from one place, not an account of what was sold.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use access::Caller;
use canonical_model::{Error, Kind};
use telemetry::event::Throttled;
use telemetry::{Emit, Ticks};

use crate::bucket::{Buckets, Empty, Rate};
use crate::limits::{DEPARTURES_PER_S, LOG_IN_FAILURES_DEFAULT};

/// What is asked, as far as its cost is of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A resource or a version by its id.
    Read,
    /// Searches and histories.
    Search,
    /// Whatever changes something, and each entry of a bundle that does.
    Write,
}

/// Requests a second, 0 for any number, and how much more may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Any request, by address; of version 6, by the network of its first 64 bits.
    pub address: u32,
    /// Token requests, by client and address.
    pub token: u32,
    /// Reads by id, by client and user.
    pub read: u32,
    /// Searches and histories, by client and user.
    pub search: u32,
    /// Writes, by client and user.
    pub write: u32,
    /// Connections open at once, by address.
    pub connections: u32,
    /// Wrong passwords in a quarter of an hour, by address, before those whom it is strange to have to wait there.
    pub log_in_failures: u32,
    /// A bucket holds as much as comes in this many seconds.
    pub burst_s: u32,
}

/// So high that they are not met where nobody sets others: what one server on a few cores can do at all.
impl Default for Rates {
    fn default() -> Self {
        Self {
            address: 200_000,
            token: 2_000,
            read: 100_000,
            search: 50_000,
            write: 50_000,
            connections: 512,
            log_in_failures: LOG_IN_FAILURES_DEFAULT,
            burst_s: 2,
        }
    }
}

/// All throttles of a process. Clones are the same.
#[derive(Clone)]
pub struct Throttles(Arc<Parts>);

struct Parts {
    rates: Rates,
    buckets: Buckets,
}

impl Class {
    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Search => "search",
            Self::Write => "write",
        }
    }
}

impl Throttles {
    /// Throttles by these rates.
    #[must_use]
    pub fn new(rates: Rates, ticks: Ticks) -> Self {
        Self(Arc::new(Parts { rates, buckets: Buckets::new(ticks) }))
    }

    /// The rates.
    #[must_use]
    pub fn rates(&self) -> Rates {
        self.0.rates
    }

    /// Whether an address may send a request.
    ///
    /// # Errors
    /// It has sent too many.
    pub fn by_address(&self, address: IpAddr) -> Result<(), Empty> {
        self.take(self.0.rates.address, "address", household(address))
    }

    /// Whether somebody at an address may ask for a token as this client.
    ///
    /// # Errors
    /// It was asked too often.
    pub fn by_token(&self, client_id: &str, address: Option<IpAddr>) -> Result<(), Empty> {
        self.take(self.0.rates.token, "token", (client_id, address.map(household)))
    }

    /// Whether somebody at an address may go off to another provider, which leaves a row for some minutes.
    ///
    /// # Errors
    /// Too many went from there.
    pub fn by_departure(&self, address: Option<IpAddr>) -> Result<(), Empty> {
        self.take(DEPARTURES_PER_S, "departure", address.map(household))
    }

    /// Whether a caller may ask something of this class.
    ///
    /// # Errors
    /// 429, with [`Empty`] as its cause: it has asked too often.
    pub fn by_caller(&self, caller: &Caller, class: Class) -> Result<(), Error> {
        self.take(self.rate(class), class.as_str(), named(caller)).map_err(|empty| {
            let text = "This client sends more requests than one may here; wait as long as Retry-After says.";
            Error::new(Kind::TooManyRequests, text).caused_by(empty)
        })
    }

    /// Counts what a bundle asks, which is let in as one request.
    pub fn charge(&self, caller: &Caller, class: Class, many: usize) {
        let many = u32::try_from(many).unwrap_or(u32::MAX);
        let key = (class.as_str(), named(caller));
        self.0.buckets.charge(self.sized(self.rate(class)), key, many);
    }

    fn rate(&self, class: Class) -> u32 {
        match class {
            Class::Read => self.0.rates.read,
            Class::Search => self.0.rates.search,
            Class::Write => self.0.rates.write,
        }
    }

    fn sized(&self, per_s: u32) -> Rate {
        Rate { per_s, burst: per_s.saturating_mul(self.0.rates.burst_s) }
    }

    fn take(
        &self,
        per_s: u32,
        class: &'static str,
        key: impl std::hash::Hash,
    ) -> Result<(), Empty> {
        let taken = self.0.buckets.take(self.sized(per_s), (class, key));
        taken.inspect_err(|_| Throttled { class }.emit())
    }
}

/// The client for each of its users: one of them cannot stop the others.
fn named(caller: &Caller) -> (&str, Option<&str>) {
    (caller.client_id.as_str(), caller.subject.as_deref())
}

/// Whoever has one address of version 6 has the 2⁶⁴ beside it.
#[must_use]
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use access::{Generations, Roles, Scopes};

    use super::*;

    fn caller(client: &str, user: Option<&str>) -> Caller {
        Caller {
            client_id: client.into(),
            subject: user.map(Into::into),
            scopes: Scopes::parse("system/*.rs").unwrap(),
            patient: None,
            fhir_user: None,
            token_id: "t".into(),
            site: 0,
            related: None,
            consent: access::Consent::Unasked,
            roles: Roles::default(),
            orgs: Box::default(),
            purpose: None,
            grant: None,
            generations: Generations::default(),
        }
    }

    #[test]
    fn each_has_a_bucket_for_each_class() {
        let rates = Rates {
            address: 1,
            token: 1,
            read: 1,
            search: 2,
            write: 1,
            connections: 1,
            log_in_failures: 1,
            burst_s: 1,
        };
        let throttles = Throttles::new(rates, Ticks::manual());
        let (client, user, other) =
            (caller("a", None), caller("a", Some("u")), caller("a", Some("v")));
        for caller in [&client, &user, &other, &caller("b", None)] {
            assert!(throttles.by_caller(caller, Class::Read).is_ok());
            let refused = throttles.by_caller(caller, Class::Read).unwrap_err();
            assert_eq!(refused.kind, Kind::TooManyRequests);
            let empty = refused.cause.unwrap().downcast::<Empty>().unwrap();
            assert_eq!(*empty, Empty { wait_s: 1 });
            assert!(throttles.by_caller(caller, Class::Search).is_ok());
            assert!(throttles.by_caller(caller, Class::Search).is_ok());
            assert!(throttles.by_caller(caller, Class::Search).is_err());
        }
        throttles.charge(&client, Class::Write, 5);
        assert!(throttles.by_caller(&client, Class::Write).is_err());
        assert!(throttles.by_caller(&user, Class::Write).is_ok());
    }

    #[test]
    fn addresses_are_told_apart_by_whose_they_are() {
        let rates = Rates { address: 1, burst_s: 1, ..Rates::default() };
        let throttles = Throttles::new(rates, Ticks::manual());
        for (address, admitted) in [
            ("1.2.3.4", true),
            ("::ffff:1.2.3.4", false),
            ("1.2.3.5", true),
            ("2606:4700:0:1::1", true),
            ("2606:4700:0:1:ffff::2", false),
            ("2606:4700:0:2::1", true),
        ] {
            let taken = throttles.by_address(address.parse().unwrap());
            assert_eq!(taken.is_ok(), admitted, "{address}");
        }
        let rates = Rates { token: 1, burst_s: 1, ..Rates::default() };
        let throttles = Throttles::new(rates, Ticks::manual());
        for (client, address, admitted) in [
            ("a", "1.2.3.4", true),
            ("a", "1.2.3.4", false),
            ("b", "1.2.3.4", true),
            ("a", "1.2.3.5", true),
        ] {
            let taken = throttles.by_token(client, address.parse().ok());
            assert_eq!(taken.is_ok(), admitted, "{client} at {address}");
        }
    }
}
