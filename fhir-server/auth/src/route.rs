//! Routes as data: a router is made of a table, so what is not listed is not routed, and what is listed says
//! what it asks of whoever calls it. The list of all routes, by which rights are tested, comes from the tables.

use std::borrow::Cow;
use std::fmt;

use axum::Router;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter};

/// What a route asks of whoever calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Nothing: it is where callers come from, or tells nothing about anybody.
    Open,
    /// What proves a client, in the request.
    Client,
    /// What the settings ask of whoever registers an app: nothing, or a token.
    Registrar,
    /// The token that an app got when it registered.
    Registered,
    /// A registered app, named in the request, that wants a person's word.
    App,
    /// A browser on its way to another provider, or back from it.
    Away,
    /// A form that this server gave to the browser it comes from.
    Form,
    /// Whoever watches the server, as the settings name them.
    Monitor,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Client => "client",
            Self::Registrar => "registrar",
            Self::Registered => "registered",
            Self::App => "app",
            Self::Away => "away",
            Self::Form => "form",
            Self::Monitor => "monitor",
        })
    }
}

/// One route of a table.
pub struct Route<S> {
    /// The method.
    pub method: MethodFilter,
    /// The path, as the router reads it.
    pub path: &'static str,
    /// What it asks.
    pub rule: Rule,
    /// Its handler, on that method.
    pub serve: fn(MethodFilter) -> MethodRouter<S>,
}

/// A route as the list of all routes has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The method.
    pub method: Method,
    /// The path, with names in braces for what is chosen by the caller.
    pub path: Cow<'static, str>,
    /// What it asks, in a word or two.
    pub rule: String,
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.method, self.path, self.rule)
    }
}

/// The router of a table.
pub fn routed<S: Clone + Send + Sync + 'static>(table: &[Route<S>]) -> Router<S> {
    table
        .iter()
        .fold(Router::new(), |router, route| router.route(route.path, (route.serve)(route.method)))
}

/// The list of a table. A route that answers GET answers HEAD alike.
#[must_use]
pub fn listed<S>(table: &[Route<S>]) -> Vec<Listed> {
    let one = |route: &Route<S>| {
        let methods = [
            (MethodFilter::GET, Method::GET),
            (MethodFilter::GET, Method::HEAD),
            (MethodFilter::POST, Method::POST),
            (MethodFilter::PUT, Method::PUT),
            (MethodFilter::PATCH, Method::PATCH),
            (MethodFilter::DELETE, Method::DELETE),
        ];
        let (method, path, rule) = (route.method, route.path, route.rule);
        let of_route = methods.into_iter().filter(move |(filter, _)| *filter == method);
        of_route.map(move |(_, method)| Listed {
            method,
            path: path.into(),
            rule: rule.to_string(),
        })
    };
    table.iter().flat_map(one).collect()
}
