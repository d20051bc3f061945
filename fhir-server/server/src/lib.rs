//! The one binary `carebridge`: the only place that wires parts and reads the environment.
//!
//! Tests start a server in their own process: [`start`] with [`Settings`] and a bound listener.

mod background;
mod cli;
mod commands;
#[cfg(feature = "dev")]
mod dev;
mod fault;
mod http;
mod keys;
pub mod limits;
mod metrics;
mod output;
mod places;
mod safety;
mod sealing;
mod settings;
mod start;
mod stop;
mod terminal;
mod tls;

pub use auth::Rates;
pub use cli::run;
pub use http::routes;
pub use settings::{
    AuditSettings, AuthSettings, AwsFlags, DatabaseSettings, DatabaseUrl, HttpSettings,
    KmsSettings, LogSettings, MetricsSettings, Network, OutboundSettings, Roles, SealKey,
    SealSettings, Settings, TlsSettings,
};
pub use start::{Drain, Running, start};
