//! The defaults. `config.default.toml` says the same; a test compares them.

use std::net::{Ipv4Addr, SocketAddr};

use auth::Rates;
use domain::{Hooks, Policy};
use rest::Bodies;
use telemetry::Clock;

use super::{
    AuditSettings, AuthSettings, DatabaseSettings, HttpSettings, LogSettings, MetricsSettings,
    OutboundSettings, Roles, SealSettings, Settings,
};
use crate::limits::{
    CONNECTIONS_DEFAULT_MIN, CONNECTIONS_PER_CORE, DATABASE_CONNECTIONS_MAX, RESERVE_MIB_DEFAULT,
    SEARCH_MS_DEFAULT,
};

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            base_url: None,
            http: HttpSettings::default(),
            database: DatabaseSettings::default(),
            auth: AuthSettings::default(),
            clients: Vec::new(),
            policy: Policy::default(),
            seal: SealSettings::default(),
            audit: AuditSettings::default(),
            bodies: Bodies::default(),
            throttle: Rates::default(),
            outbound: OutboundSettings::default(),
            metrics: MetricsSettings::default(),
            log: LogSettings::default(),
            roles: Roles::default(),
            hooks: Hooks::default(),
            clock: Clock::system(),
        }
    }
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let connections = u32::try_from(cores).unwrap_or(1).saturating_mul(CONNECTIONS_PER_CORE);
        let connections = connections.clamp(CONNECTIONS_DEFAULT_MIN, DATABASE_CONNECTIONS_MAX);
        Self {
            url: None,
            connections,
            reserve_mib: RESERVE_MIB_DEFAULT,
            clear: false,
            search_ms: SEARCH_MS_DEFAULT,
            probed_entries: store::limits::PROBED_ENTRIES_MAX,
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { filter: "info,sqlx=warn".to_owned(), format: None }
    }
}

impl Default for Roles {
    fn default() -> Self {
        Self { api: true, worker: true }
    }
}
