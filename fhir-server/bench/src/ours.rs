//! All that is known here about CareBridge: how it is built, migrated, configured, started and
//! asked for a token, and what its tables are called.

use crate::{
    load::{Call, Client, Endpoint, shown},
    machine,
    programs::{Program, free_address},
};
use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper::{Method, header};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};
use tokio::process::Command;

/// Below the server's origin.
pub(crate) const FHIR_BASE: &str = "/fhir";

/// Tables whose rows are resources or their versions. Partitions count with their parents.
pub(crate) const RESOURCE_TABLES: [&str; 2] = ["resource", "history"];

/// Tables whose rows exist only to find resources.
pub(crate) const INDEX_TABLE_SUFFIX: &str = "_index";

/// Tables beside them: they are neither, and are reported by themselves.
pub(crate) const JOURNAL_TABLES: [&str; 2] = ["audit", "outbox"];

const SCOPE: &str = "system/*.cruds";

/// A client of the server's.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// Where and how to start a server.
pub(crate) struct Launch {
    /// The `carebridge` binary.
    pub(crate) binary: PathBuf,
    /// For its settings file and log.
    pub(crate) folder: PathBuf,
    pub(crate) database_url: String,
    /// Connections to the database.
    pub(crate) pool: u32,
    /// What is left out, to measure what it costs.
    pub(crate) without: Option<Without>,
}

/// What a server can leave out where its database is a benchmark's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Without {
    /// Search values are not indexed: nothing is found.
    Index,
    /// Reads are not recorded.
    Record,
    /// Rights are not asked for.
    Rights,
    /// Nothing is judged by R4's rules and by profiles.
    Rules,
}

impl Without {
    fn flag(self) -> &'static str {
        match self {
            Self::Index => "--unindexed",
            Self::Record => "--unaudited",
            Self::Rights => "--unauthorized",
            Self::Rules => "--unvalidated",
        }
    }
}

/// Builds the release binary, so that no figure comes from an older one, and tells where it is:
/// beside this program.
pub(crate) async fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--package", "server", "--bin", "carebridge"]);
    let status = build.args(["--profile", profile]).status().await.context("cargo build")?;
    ensure!(status.success(), "carebridge did not build");
    let binary = std::env::current_exe()?.with_file_name("carebridge");
    ensure!(binary.exists(), "{} is missing", binary.display());
    Ok(binary)
}

/// Migrates the database and starts `carebridge serve`.
pub(crate) async fn start(launch: &Launch) -> Result<(Program, Endpoint, Credentials)> {
    let credentials = Credentials { id: "bench".into(), secret: machine::secret()? };
    write_private(&settings(launch), &settings_text(launch, &credentials))?;
    let address = free_address()?;
    let origin = format!("http://{address}");
    let command = |subcommand: &str| -> Result<Command> {
        let log = OpenOptions::new().create(true).append(true).open(log(launch))?;
        let mut command = configured(launch);
        command
            .arg(subcommand)
            .env("CAREBRIDGE_LISTEN", address.to_string())
            .env("CAREBRIDGE_BASE_URL", &origin)
            .env("CAREBRIDGE_MLLP_LISTEN", "127.0.0.1:0")
            .env_remove("CAREBRIDGE_AMQP_URL")
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(command)
    };
    let hint = || format!("see {}", log(launch).display());
    let migrated = command("migrate")?.kill_on_drop(true).status().await.context("migrate")?;
    ensure!(migrated.success(), "carebridge migrate failed, {}", hint());
    let endpoint = Endpoint::parse(&format!("{origin}{FHIR_BASE}"))?;
    let mut serve = command("serve")?;
    serve.args(launch.without.map(Without::flag));
    let program = Program::start("carebridge", serve, &endpoint).await;
    Ok((program.with_context(hint)?, endpoint, credentials))
}

fn configured(launch: &Launch) -> Command {
    let mut command = Command::new(&launch.binary);
    command
        .env("CAREBRIDGE_CONFIG", settings(launch))
        .env("CAREBRIDGE_DATABASE_URL", &launch.database_url);
    command
}

/// What PostgreSQL says of having run a search, a line each.
pub(crate) async fn explain(launch: &Launch, search: &str) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Explained {
        account: Vec<String>,
    }
    let mut command = configured(launch);
    let output = command.args(["admin", "explain", "--json", search]).output().await?;
    ensure!(output.status.success(), "explain {search}: {}", shown(&output.stderr));
    let explained: Explained = serde_json::from_slice(&output.stdout).context("explain")?;
    Ok(explained.account)
}

/// Imports a code system.
pub(crate) async fn import(launch: &Launch, format: &str, file: &Path) -> Result<()> {
    let mut command = configured(launch);
    let output = command.args(["conformance", "import", format, "--json"]).arg(file).output();
    let output = output.await?;
    ensure!(output.status.success(), "import {format}: {}", shown(&output.stderr));
    Ok(())
}

fn settings(launch: &Launch) -> PathBuf {
    launch.folder.join("carebridge.toml")
}

fn log(launch: &Launch) -> PathBuf {
    launch.folder.join("carebridge.log")
}

fn settings_text(launch: &Launch, credentials: &Credentials) -> String {
    let (pool, Credentials { id, secret }) = (launch.pool, credentials);
    let kept = kept(secret, id);
    format!(
        "[database]\nconnections = {pool}\n\n[auth]\nsigning_key = \"signing-key.pem\"\n\n\
         [seal]\nnone = true\n\n\
         [[client]]\nid = \"{id}\"\nsecret = \"{kept}\"\nscope = \"{SCOPE}\"\n"
    )
}

/// A secret in the form in which settings keep it: salted and hashed. The secret is random and
/// used once, so any salt of the least length will do.
fn kept(secret: &str, salt: &str) -> String {
    let salt = format!("{salt:-<8}");
    let digest = Sha256::digest(format!("{salt}{secret}"));
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256${salt}${hex}")
}

/// Writes a file that only its owner may read, in place of an older one.
fn write_private(path: &Path, text: &str) -> Result<()> {
    if path.exists() {
        fs::remove_file(path)?;
    }
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes()).with_context(|| path.display().to_string())
}

/// Gets a token by `client_credentials`. <https://www.rfc-editor.org/rfc/rfc6749#section-4.4>
pub(crate) async fn token(endpoint: &Endpoint, credentials: &Credentials) -> Result<String> {
    narrowed_token(endpoint, credentials, SCOPE).await
}

/// The request for a token of this scope, below the server's origin.
pub(crate) fn token_call(Credentials { id, secret }: &Credentials, scope: &str) -> Call {
    let basic = BASE64_STANDARD.encode(format!("{id}:{secret}"));
    let scope: String = form_urlencoded::byte_serialize(scope.as_bytes()).collect();
    Call {
        method: Method::POST,
        path: "/auth/token".into(),
        header: Some((header::AUTHORIZATION, format!("Basic {basic}"))),
        content_type: "application/x-www-form-urlencoded",
        body: format!("grant_type=client_credentials&scope={scope}").into(),
    }
}

/// As [`token`], of a narrower scope.
pub(crate) async fn narrowed_token(
    endpoint: &Endpoint,
    credentials: &Credentials,
    scope: &str,
) -> Result<String> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: String,
    }
    let answer = Client::new(endpoint.at("")).send(token_call(credentials, scope)).await?;
    let (status, body) = (answer.status, shown(&answer.body));
    ensure!(status.is_success(), "/auth/token answered {status}: {body}");
    let granted: Granted = serde_json::from_slice(&answer.body).context("/auth/token")?;
    Ok(granted.access_token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, http::HeaderMap, routing::post};
    use tokio::net::TcpListener;

    /// Grants a token for exactly the request that the specification asks for.
    async fn grant(headers: HeaderMap, body: String) -> Result<String, hyper::StatusCode> {
        let basic = headers.get("authorization").and_then(|value| value.to_str().ok());
        let form = headers.get("content-type").and_then(|value| value.to_str().ok());
        let right = basic == Some("Basic YmVuY2g6czpjcmV0") // bench:s:cret
            && form == Some("application/x-www-form-urlencoded")
            && body == "grant_type=client_credentials&scope=system%2F*.cruds";
        let granted = r#"{"access_token":"abc","token_type":"Bearer","expires_in":300}"#;
        right.then(|| granted.into()).ok_or(hyper::StatusCode::UNAUTHORIZED)
    }

    #[tokio::test]
    async fn gets_a_token_or_says_why_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/fhir", listener.local_addr().unwrap());
        let app = Router::new().route("/auth/token", post(grant));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let endpoint = Endpoint::parse(&url).unwrap();
        let client = |secret: &str| Credentials { id: "bench".into(), secret: secret.into() };
        assert_eq!(token(&endpoint, &client("s:cret")).await.unwrap(), "abc");
        let refused = token(&endpoint, &client("wrong")).await.unwrap_err().to_string();
        assert!(refused.contains("401"), "{refused}");
    }

    #[test]
    fn settings_keep_no_secret() {
        // printf %s 'bench---secret' | sha256sum
        let kept = kept("secret", "bench");
        assert!(kept.starts_with("sha256$bench---$"), "{kept}");
        assert!(
            kept.ends_with("$edb2391b30818dd0de1663bc20159b697ffeae88dc7fa915aaeccef7e7518e90"),
            "{kept}"
        );
    }

    #[test]
    fn only_its_owner_reads_the_settings() {
        use std::os::unix::fs::PermissionsExt as _;
        let path = std::env::temp_dir().join(format!("bench-settings-{}", std::process::id()));
        for text in ["longer than the next", "short"] {
            write_private(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::remove_file(&path).unwrap();
    }
}
