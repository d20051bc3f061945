//! The one door for URLs that come out of data: keys of a client, endpoints of a subscription.
//!
//! Whoever can write such a URL would otherwise have this server send requests to the machines beside
//! it. So a name is resolved once, every address is judged, and the connection goes to an address that
//! was judged; there is no redirect to follow, no proxy, no cookie, no second host. What is not here is
//! what makes it safe: neither a connection pool nor a client that others configure.

mod address;
mod allow;
mod call;
mod credential;
mod door;
mod fault;
mod host;
pub mod limits;
mod resolve;
mod target;
mod wire;

pub use allow::Allow;
pub use call::{Answer, Call};
pub use credential::Credential;
pub use door::{Options, Outbound};
pub use fault::Fault;
pub use resolve::{Resolve, Resolved, System};
