//! The settings file. `config.default.toml` describes it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::auth::{ClientConfig, Rates, SecretHash};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::access::Access;
use super::auth::Auth;
use super::validation::Validation;
use super::{
    AuditSettings, DatabaseUrl, HttpSettings, KmsSettings, MetricsSettings, SealSettings, Settings,
    TlsSettings,
};
use crate::limits::{
    BURST_S_MAX, DATABASE_CONNECTIONS_MAX, KEEP_MONTHS_MIN, PROXIES_MAX, SEAL_EVERY_MAX,
    SEARCH_MS_MAX, UNSEALED_MAX,
};

/// Read where nobody names another.
const USUAL: &str = "carebridge.toml";

/// A settings file; what it leaves out stays as it was.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    listen: Option<SocketAddr>,
    base_url: Option<String>,
    #[serde(default)]
    http: Http,
    #[serde(default)]
    database: Database,
    #[serde(default)]
    auth: Auth,
    #[serde(default, rename = "client")]
    clients: Vec<ClientConfig>,
    #[serde(default)]
    access: Access,
    #[serde(default)]
    policy: Policy,
    #[serde(default)]
    validation: Validation,
    #[serde(default)]
    seal: Seal,
    #[serde(default)]
    audit: Audit,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    throttle: Throttle,
    #[serde(default)]
    outbound: Outbound,
    #[serde(default)]
    metrics: Metrics,
    #[serde(default)]
    log: Log,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Http {
    trusted_proxies: Option<Vec<String>>,
    tls: Option<Tls>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
    #[serde(default)]
    client_required: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Database {
    url: Option<DatabaseUrl>,
    clear: Option<bool>,
    connections: Option<u32>,
    reserve_mib: Option<u16>,
    search_ms: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    update_as_create: Option<bool>,
    delete_multiple: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    paths: Option<Vec<String>>,
    key_file: Option<PathBuf>,
    older_key_files: Option<Vec<PathBuf>>,
    none: Option<bool>,
    kms: Option<Kms>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kms {
    key_id: String,
    region: String,
    endpoint: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Audit {
    seal_every_s: Option<u16>,
    unsealed_max_s: Option<u32>,
    keep_months: Option<u16>,
    heads: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metrics {
    from: Option<Vec<String>>,
    token: Option<SecretHash>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    binary_mib: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Throttle {
    address_per_s: Option<u32>,
    token_per_s: Option<u32>,
    read_per_s: Option<u32>,
    search_per_s: Option<u32>,
    write_per_s: Option<u32>,
    connections_per_address: Option<u32>,
    log_in_failures: Option<u32>,
    burst_s: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outbound {
    allow: Option<Vec<String>>,
    ca_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    filter: Option<String>,
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Text,
    Json,
}

impl File {
    /// Reads the file that was named, else the usual one where it is there.
    pub(crate) fn read(named: Option<&Path>) -> Result<Self> {
        let path = named.unwrap_or(Path::new(USUAL));
        let text = match std::fs::read_to_string(path) {
            Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            text => text.with_context(|| format!("{} cannot be read", path.display()))?,
        };
        let mut file = Self::parse(&text, path)?;
        let beside = |key: PathBuf| path.parent().map_or(key.clone(), |folder| folder.join(key));
        file.auth.signing_key = file.auth.signing_key.map(beside);
        file.seal.key_file = file.seal.key_file.map(beside);
        for older in file.seal.older_key_files.iter_mut().flatten() {
            *older = beside(std::mem::take(older));
        }
        file.audit.heads = file.audit.heads.map(beside);
        if let Some(tls) = &mut file.http.tls {
            let Tls { certificate, key, client_ca, .. } = tls;
            [Some(certificate), Some(key), client_ca.as_mut()]
                .into_iter()
                .flatten()
                .for_each(|path| *path = beside(std::mem::take(path)));
        }
        file.outbound.ca_file = file.outbound.ca_file.map(beside);
        Ok(file)
    }

    /// The parser's own text would repeat the line, and with it a secret; so it is not used.
    fn parse(text: &str, path: &Path) -> Result<Self> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.as_bytes().iter().take(start);
            let line = 1 + before.filter(|byte| **byte == b'\n').count();
            anyhow::anyhow!("{}, line {line}: {}.", path.display(), error.message())
        })
    }

    /// Lays the file over what was known before.
    pub(crate) fn apply(self, settings: &mut Settings) -> Result<()> {
        let Self { listen, base_url, http, database, auth, clients, policy, seal, .. } = self;
        let Self { audit, limits, throttle, outbound, metrics, log, access, validation, .. } = self;
        set(&mut settings.listen, listen);
        settings.base_url = base_url.or(settings.base_url.take());
        http.apply(&mut settings.http)?;
        settings.database.url = database.url.or(settings.database.url.take());
        if let Some(connections) = database.connections {
            ensure!(
                (1..=DATABASE_CONNECTIONS_MAX).contains(&connections),
                "`connections` under `[database]` must be 1 to {DATABASE_CONNECTIONS_MAX}."
            );
            settings.database.connections = connections;
        }
        set(&mut settings.database.reserve_mib, database.reserve_mib);
        if let Some(clear) = database.clear {
            settings.database.clear = clear;
        }
        if let Some(search_ms) = database.search_ms {
            // PostgreSQL takes 0 for no limit at all.
            ensure!(
                (1..=SEARCH_MS_MAX).contains(&search_ms),
                "`search_ms` under `[database]` must be 1 to {SEARCH_MS_MAX}."
            );
            settings.database.search_ms = search_ms;
        }
        auth.apply(&mut settings.auth)?;
        settings.clients.extend(clients);
        access.apply(settings);
        set(&mut settings.policy.update_as_create, policy.update_as_create);
        set(&mut settings.policy.delete_multiple, policy.delete_multiple);
        validation.apply(&mut settings.policy.validation)?;
        seal.apply(&mut settings.seal);
        audit.apply(&mut settings.audit)?;
        set(
            &mut settings.bodies.content_bytes_max,
            limits.binary_mib.map(|mib| u64::from(mib) * 1024 * 1024),
        );
        throttle.apply(&mut settings.throttle)?;
        set(&mut settings.outbound.allow, outbound.allow);
        settings.outbound.ca_file = outbound.ca_file.or(settings.outbound.ca_file.take());
        metrics.apply(&mut settings.metrics)?;
        set(&mut settings.log.filter, log.filter);
        settings.log.format = log.format.map(Into::into).or(settings.log.format);
        if settings.base_url.as_deref() == Some("") {
            bail!("`base_url` is empty: leave it out, or set the public origin.");
        }
        Ok(())
    }
}

impl Http {
    fn apply(self, settings: &mut HttpSettings) -> Result<()> {
        if let Some(networks) = self.trusted_proxies {
            ensure!(
                networks.len() <= PROXIES_MAX,
                "`trusted_proxies` under `[http]` may name {PROXIES_MAX} networks at most."
            );
            let networks = networks.iter().map(|text| text.parse()).collect::<Result<_>>();
            settings.trusted_proxies = networks.context("`trusted_proxies` under `[http]`")?;
        }
        let Some(Tls { certificate, key, client_ca, client_required }) = self.tls else {
            return Ok(());
        };
        ensure!(
            client_ca.is_some() || !client_required,
            "`client_required` under `[http.tls]` needs `client_ca`: whose certificates are taken?"
        );
        settings.tls = Some(TlsSettings { certificate, key, client_ca, client_required });
        Ok(())
    }
}

impl Metrics {
    fn apply(self, settings: &mut MetricsSettings) -> Result<()> {
        if let Some(networks) = self.from {
            ensure!(
                networks.len() <= PROXIES_MAX,
                "`from` under `[metrics]` may name {PROXIES_MAX} networks at most."
            );
            let networks = networks.iter().map(|text| text.parse()).collect::<Result<_>>();
            settings.from = networks.context("`from` under `[metrics]`")?;
        }
        settings.token = self.token.or(settings.token.take());
        Ok(())
    }
}

impl Seal {
    fn apply(self, settings: &mut SealSettings) {
        let Self { paths, key_file, older_key_files, none, kms } = self;
        set(&mut settings.paths, paths);
        set(&mut settings.none, none);
        settings.key_file = key_file.or(settings.key_file.take());
        set(&mut settings.older_key_files, older_key_files);
        if let Some(Kms { key_id, region, endpoint }) = kms {
            settings.kms = Some(KmsSettings { key_id, region, endpoint });
        }
    }
}

impl Audit {
    fn apply(self, settings: &mut AuditSettings) -> Result<()> {
        let every = self.seal_every_s.map(|s| Duration::from_secs(s.into()));
        set(&mut settings.seal_every, every);
        ensure!(
            (Duration::from_secs(1)..=SEAL_EVERY_MAX).contains(&settings.seal_every),
            "`seal_every_s` under `[audit]` must be 1 to {}.",
            SEAL_EVERY_MAX.as_secs()
        );
        let most = self.unsealed_max_s.map(|s| Duration::from_secs(s.into()));
        set(&mut settings.unsealed_max, most);
        ensure!(
            (settings.seal_every * 2..=UNSEALED_MAX).contains(&settings.unsealed_max),
            "`unsealed_max_s` under `[audit]` must be twice `seal_every_s` at least, and {} at most.",
            UNSEALED_MAX.as_secs()
        );
        set(&mut settings.keep_months, self.keep_months);
        ensure!(
            settings.keep_months >= KEEP_MONTHS_MIN,
            "`keep_months` under `[audit]` must be {KEEP_MONTHS_MIN} at least: six years are the law's."
        );
        settings.heads = self.heads.or(settings.heads.take());
        Ok(())
    }
}

impl Throttle {
    fn apply(self, rates: &mut Rates) -> Result<()> {
        set(&mut rates.address, self.address_per_s);
        set(&mut rates.token, self.token_per_s);
        set(&mut rates.read, self.read_per_s);
        set(&mut rates.search, self.search_per_s);
        set(&mut rates.write, self.write_per_s);
        set(&mut rates.connections, self.connections_per_address);
        set(&mut rates.log_in_failures, self.log_in_failures);
        set(&mut rates.burst_s, self.burst_s);
        ensure!(
            (1..=BURST_S_MAX).contains(&rates.burst_s),
            "`burst_s` under `[throttle]` must be 1 to {BURST_S_MAX}."
        );
        Ok(())
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

impl From<Format> for telemetry::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::Json => Self::Json,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: &str = include_str!("../../config.default.toml");

    const TABLES: [&str; 16] = [
        "",
        "[http]",
        "[http.tls]\ncertificate = 'c'\nkey = 'k'",
        "[database]",
        "[auth]",
        "[[auth.provider]]\nname = 'n'\nissuer = 'http://i'\nclient_id = 'c'\nsecret = 's'",
        "[[client]]",
        "[access]",
        "[policy]",
        "[seal]",
        "[audit]",
        "[limits]",
        "[throttle]",
        "[outbound]",
        "[metrics]",
        "[log]",
    ];

    fn parse(text: &str) -> Result<Settings> {
        let mut settings = Settings::default();
        File::parse(text, Path::new("x.toml"))?.apply(&mut settings)?;
        Ok(settings)
    }

    #[test]
    fn the_default_file_says_what_the_defaults_are() {
        let shown = format!("{:?}", parse(DEFAULTS).unwrap());
        assert_eq!(shown, format!("{:?}", Settings::default()));
    }

    #[test]
    fn the_default_file_names_every_key_and_none_that_is_not() {
        let is_key = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase() || c == '[');
        let all: Vec<&str> = DEFAULTS
            .lines()
            .map(|line| line.strip_prefix('#').unwrap_or(line))
            .filter(is_key)
            .collect();
        let settings = parse(&all.join("\n")).unwrap();
        assert_eq!(settings.clients.len(), 1);
        // An unknown key makes the parser name the known ones.
        for table in TABLES {
            let error = parse(&format!("{table}\nnonsense = 1")).unwrap_err().to_string();
            let known = error.split('`').skip(3).step_by(2);
            let named = |key: &str| {
                all.iter().any(|line| {
                    line.strip_prefix(key).is_some_and(|rest| rest.starts_with(" ="))
                        || line.trim_matches(['[', ']']).rsplit('.').next() == Some(key)
                })
            };
            let missing: Vec<&str> = known.filter(|key| !named(key)).collect();
            assert!(missing.is_empty(), "{table}: {missing:?} of {error}");
        }
    }

    #[test]
    fn faults_are_named_with_their_line_and_secrets_are_not() {
        for (text, expected) in [
            ("listen = '127.0.0.1:1'\nlistn = 1", "x.toml, line 2: unknown field `listn`"),
            ("\n[database]\nurl = 'x'\npool = 1", "x.toml, line 4: unknown field `pool`"),
            ("[[client]]\nid = 'a'\nnom = 'b'", "x.toml, line 3: unknown field `nom`"),
            ("[server]\nport = 1", "x.toml, line 1: unknown field `server`"),
            ("listen = 8080", "x.toml, line 1: "),
            ("[access]\ntreatment = 'all'", "x.toml, line 2: unknown variant `all`"),
            ("[log]\nformat = 'xml'", "x.toml, line 2: unknown variant `xml`"),
            ("[database]\nconnections = 0", "`connections` under `[database]`"),
            ("[database]\nsearch_ms = 0", "`search_ms` under `[database]`"),
            ("[http]\ntrusted_proxies = ['0.0.0.0/0']", "`trusted_proxies` under `[http]`"),
            ("[http.tls]\ncertificate = 'c'", "x.toml, line 1: missing field `key`"),
            (
                "[http.tls]\ncertificate = 'c'\nkey = 'k'\nclient_required = true",
                "`client_required` under `[http.tls]` needs `client_ca`",
            ),
            ("[auth]\nregister = 'token'", "`register = \"token\"` under `[auth]` needs"),
            ("[auth]\nregister = 'all'", "x.toml, line 2: unknown variant `all`"),
            ("[auth]\nregister_tokens = ['hunter2']", "x.toml, line 2: a secret"),
            ("[auth]\nregister_scope = 'patient/x'", "`register_scope` under `[auth]`"),
            (
                "[[auth.provider]]\nname = 'n'\nissuer = 'i'\nclient_id = 'c'\nsecret = 'hunter2'",
                "A provider under `[[auth.provider]]` needs",
            ),
            ("[auth]\nrotate_days = 5000", "`rotate_days` under `[auth]`"),
            ("[audit]\nseal_every_s = 0", "`seal_every_s` under `[audit]`"),
            ("[audit]\nkeep_months = 71", "`keep_months` under `[audit]`"),
            ("[metrics]\nfrom = ['0.0.0.0/0']", "`from` under `[metrics]`"),
            ("[metrics]\ntoken = 'hunter2'", "x.toml, line 2: a secret"),
            ("[audit]\nunsealed_max_s = 9", "`unsealed_max_s` under `[audit]`"),
            ("[audit]\nunsealed_max_s = 86401", "`unsealed_max_s` under `[audit]`"),
            ("[throttle]\nburst_s = 0", "`burst_s` under `[throttle]`"),
            ("[throttle]\nread_per_s = -1", "x.toml, line 2: "),
            ("base_url = ''", "`base_url` is empty"),
            ("a = ", "x.toml, line 1: "),
            (
                "[[client]]\nid='a'\nsecret='hunter2'\nscope='system/*.rs'",
                "x.toml, line 3: a secret",
            ),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text:?}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
