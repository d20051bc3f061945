//! From a name to its addresses: asked once a call, and only here.

use std::io;
use std::net::IpAddr;

use futures::future::BoxFuture;

/// What a resolver answers.
pub type Resolved = io::Result<Vec<IpAddr>>;

/// Knows the addresses of names.
pub trait Resolve: Send + Sync {
    /// The addresses of a name.
    ///
    /// # Errors
    /// It has none, or nobody knows.
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Resolved>;
}

/// The machine's own resolver: its hosts file, then the domain name system.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Resolve for System {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Resolved> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}
