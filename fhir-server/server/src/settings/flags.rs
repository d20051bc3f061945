//! The flags of commands that run a server or reach its database; each has its variable.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::file::File;
use super::{AwsFlags, DatabaseUrl, Roles, SealKey, Settings};

/// Where settings come from.
#[derive(Args, Debug)]
pub(crate) struct ConfigFlag {
    /// The settings file; by default `carebridge.toml`, if it is there
    #[arg(long, env = "CAREBRIDGE_CONFIG", value_name = "FILE", hide_env_values = true)]
    config: Option<PathBuf>,
    /// What is logged to standard error, as `info,store=debug`
    #[arg(long, env = "CAREBRIDGE_LOG", value_name = "FILTER", hide_env_values = true)]
    log: Option<String>,
}

/// The database.
#[derive(Args, Debug)]
pub(crate) struct DatabaseFlag {
    /// postgres://user:password@host:port/name; others can see flags, so rather set the variable
    #[arg(long, env = "CAREBRIDGE_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<DatabaseUrl>,
}

/// What a server is told by flags.
#[derive(Args, Debug)]
pub(crate) struct ServerFlags {
    #[command(flatten)]
    config: ConfigFlag,
    #[command(flatten)]
    database: DatabaseFlag,
    /// Where HTTP is served; by default 127.0.0.1:8080
    #[arg(long, env = "CAREBRIDGE_LISTEN", value_name = "ADDRESS", hide_env_values = true)]
    listen: Option<SocketAddr>,
    /// The public origin; by default http:// and the address of --listen
    #[arg(long, env = "CAREBRIDGE_BASE_URL", value_name = "URL", hide_env_values = true)]
    base_url: Option<String>,
    /// The key of sealed elements; a variable only, for others can see flags
    #[arg(long, hide = true, env = "CAREBRIDGE_SEAL_KEY", hide_env_values = true)]
    seal_key: Option<SealKey>,
    #[command(flatten)]
    aws: AwsFlags,
}

/// What a command is told that works on a database beside its servers.
#[derive(Args, Debug)]
pub(crate) struct DomainFlags {
    #[command(flatten)]
    config: ConfigFlag,
    #[command(flatten)]
    database: DatabaseFlag,
    /// Nothing is served; without --base-url it is the servers' origin.
    #[arg(long, hide = true, env = "CAREBRIDGE_LISTEN", hide_env_values = true)]
    listen: Option<SocketAddr>,
    /// The servers' public origin: references below it lead to resources here; by default
    /// http://127.0.0.1:8080
    #[arg(long, env = "CAREBRIDGE_BASE_URL", value_name = "URL", hide_env_values = true)]
    base_url: Option<String>,
    /// The key of sealed elements; a variable only, for others can see flags
    #[arg(long, hide = true, env = "CAREBRIDGE_SEAL_KEY", hide_env_values = true)]
    seal_key: Option<SealKey>,
    #[command(flatten)]
    aws: AwsFlags,
}

/// A part of what a process may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Answers FHIR and token requests
    Api,
    /// Does what no request asks for
    Worker,
}

impl ConfigFlag {
    /// Defaults, file and log.
    pub(crate) fn settings(self) -> Result<Settings> {
        let mut settings = Settings::default();
        File::read(self.config.as_deref())?.apply(&mut settings)?;
        settings.log.filter = self.log.unwrap_or(settings.log.filter);
        Ok(settings)
    }
}

impl DatabaseFlag {
    pub(crate) fn apply(self, settings: &mut Settings) {
        settings.database.url = self.database_url.or(settings.database.url.take());
    }
}

impl ServerFlags {
    /// All layers.
    pub(crate) fn settings(self) -> Result<Settings> {
        let mut settings = self.config.settings()?;
        self.database.apply(&mut settings);
        settings.listen = self.listen.unwrap_or(settings.listen);
        settings.base_url = self.base_url.or(settings.base_url);
        settings.seal.key = self.seal_key;
        settings.seal.aws = self.aws;
        Ok(settings)
    }
}

impl DomainFlags {
    /// All layers.
    pub(crate) fn settings(self) -> Result<Settings> {
        let Self { config, database, listen, base_url, seal_key, aws } = self;
        ServerFlags { config, database, listen, base_url, seal_key, aws }.settings()
    }
}

impl Roles {
    /// The roles that were named.
    pub(crate) fn of(named: &[Role]) -> Self {
        Self { api: named.contains(&Role::Api), worker: named.contains(&Role::Worker) }
    }
}
