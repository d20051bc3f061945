//! Places for connections and handshakes: so many in all, and of those so many for one address, so that nobody by
//! himself shuts the others out.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use auth::household;

/// How many of one address hold a place. Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct Shares {
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: usize,
}

/// A place that an address holds, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
    of: IpAddr,
}

impl Shares {
    /// So many for one address; 0 is any number.
    pub(crate) fn new(most: usize) -> Self {
        Self { held: Arc::default(), most: if most == 0 { usize::MAX } else { most } }
    }

    /// One more; `None` where the address has as many as it may.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Share> {
        let of = household(address);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(of).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Share { held: Arc::clone(&self.held), of })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut count) = held.entry(self.of) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_no_more() {
        let shares = Shares::new(2);
        let [mine, other, near] =
            ["2001:db8::1", "192.0.2.1", "2001:db8::2"].map(|it| it.parse::<IpAddr>().unwrap());
        let (first, second) = (shares.take(mine), shares.take(near));
        assert!(first.is_some() && second.is_some());
        assert!(shares.take(mine).is_none(), "a network of 64 bits is one household");
        assert!(shares.take(other).is_some());
        drop(first);
        let again = shares.take(mine);
        assert!(again.is_some() && shares.take(near).is_none());
        drop((second, again));
        assert!(shares.held.lock().unwrap().is_empty(), "who has none is forgotten");
        let open = Shares::new(0);
        let many: Vec<_> = (0..100).map(|_| open.take(mine).unwrap()).collect();
        assert_eq!(many.len(), 100);
    }
}
