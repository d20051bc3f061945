//! What `serve` refuses to start with: settings that are convenient on one's own machine and
//! dangerous anywhere else.

use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use access::{Context, Scope};
use anyhow::{Context as _, Result, bail};
use auth::{Clients, Register, Registration};
use store::AuthStore;

use crate::settings::{HttpSettings, SealSettings, Settings};
use crate::start::site_number;
use crate::tls;

/// Refuses demo credentials and weak settings, each in a sentence that says what to change.
///
/// # Errors
/// The first weakness.
pub(crate) fn check(settings: &Settings) -> Result<()> {
    check_database(settings)?;
    if settings.auth.signing_key.is_none() {
        bail!(
            "No key signs tokens: set `signing_key` under `[auth]` to the path of a file, which is made where it is absent."
        );
    }
    let clients = Clients::configure(settings.clients.clone(), site_number)?;
    if let Some(id) = clients.demo_credentials() {
        bail!("Client `{id}` has the demo's id or secret, which everybody knows: remove it.");
    }
    check_registration(&settings.auth.registration)?;
    settings.seal.check()?;
    check_sealing(&settings.seal)?;
    settings
        .seal
        .key_file
        .iter()
        .chain(&settings.seal.older_key_files)
        .try_for_each(|path| check_private(path))?;
    check_kms(settings)?;
    let door = settings.outbound.door()?;
    for client in &settings.clients {
        if let Some(url) = &client.jwks_url {
            let here = || format!("`jwks_url` of client `{}` cannot be called", client.id);
            door.expect(url).with_context(here)?;
        }
    }
    for provider in &settings.auth.providers {
        let here = || format!("`issuer` of provider `{}` cannot be called", provider.name);
        door.expect(&provider.issuer).with_context(here)?;
    }
    if let Some(files) = &settings.http.tls {
        tls::check(files)?;
        check_private(&files.key)?;
    }
    check_origin(settings.base_url.as_deref(), settings.listen)?;
    check_clear(&settings.http, settings.listen)
}

/// Refuses that all there is crosses a network in the clear, or to whoever answers.
fn check_database(settings: &Settings) -> Result<()> {
    let url = settings.database.url()?.reveal();
    if !settings.database.clear && is_unproven(url) {
        bail!(
            "The database is reached in the clear, or without proof that it is the one: end its URL in `?sslmode=verify-full&sslrootcert=FILE`. Where the network itself is sealed, set `clear = true` under `[database]`."
        );
    }
    Ok(())
}

/// Whether a database is beyond this machine, and no certificate has to prove it.
fn is_unproven(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else { return false };
    let params = || uri.query().unwrap_or_default().split('&').filter_map(|it| it.split_once('='));
    let param = |names: [&str; 2]| params().rfind(|(name, _)| names.contains(name));
    let host = param(["host", "hostaddr"]).map_or(uri.host().unwrap_or_default(), |(_, it)| it);
    let local = host.is_empty() || host.starts_with('/') || host.starts_with("%2F");
    let proven = |(_, mode): (&str, &str)| matches!(mode, "verify-full" | "verify-ca");
    !local && !is_local(host) && !param(["sslmode", "ssl-mode"]).is_some_and(proven)
}

/// Refuses that anybody makes a program for himself that asks no person.
fn check_registration(registration: &Registration) -> Result<()> {
    let of_itself = |scope: &Scope| scope.context() == Context::System;
    if matches!(registration.by, Register::Open)
        && registration.scopes.clinical().iter().any(of_itself)
    {
        bail!(
            "Anybody could register a program that reads patients' data without a person: take what begins with `system/` out of `register_scope` under `[auth]`, or set `register = \"token\"`."
        );
    }
    Ok(())
}

/// Refuses accounts of the demo, which a database may bring along.
///
/// # Errors
/// The first of them, or the database cannot be asked.
pub(crate) async fn check_accounts(settings: &Settings) -> Result<()> {
    let url = settings.database.url()?.reveal();
    if !store::schema_is_current(url).await? {
        return Ok(()); // Nobody can sign in yet.
    }
    let accounts = AuthStore::connect(url).await?;
    let known = auth::demo_account(&accounts).await?;
    accounts.close().await;
    if let Some(login) = known {
        bail!(
            "Account `{login}` has the demo's password, which everybody knows: run `carebridge account disable {login}`, or give it another with `carebridge account password {login}`."
        );
    }
    Ok(())
}

/// Refuses a key that everybody on the machine can read. A group may: so keys are given to a container.
fn check_private(path: &Path) -> Result<()> {
    let name = path.display();
    let metadata = std::fs::metadata(path).with_context(|| format!("{name} cannot be read"))?;
    if metadata.permissions().mode() & 0o007 != 0 {
        bail!("Everybody on this machine can read the key in {name}: run `chmod o= {name}`.");
    }
    Ok(())
}

/// Refuses a record of accesses that nobody can prove, unless that is said in as many words.
fn check_sealing(seal: &SealSettings) -> Result<()> {
    match (seal.has_key(), seal.none) {
        (true, false) | (false, true) => Ok(()),
        (false, false) => bail!(
            "Nobody could prove the record of accesses, for nothing seals it: set CAREBRIDGE_SEAL_KEY to the base64 of 32 random bytes, or `key_file` or `[seal.kms]` under `[seal]`. Where that is what you want, set `none = true` there."
        ),
        (true, true) => bail!(
            "There is a key of `[seal]`, and `none = true` beside it: take one of the two away."
        ),
    }
}

/// Refuses to send data keys in the clear, but to this machine.
fn check_kms(settings: &Settings) -> Result<()> {
    let endpoint = settings.seal.kms.as_ref().and_then(|kms| kms.endpoint.as_deref());
    match endpoint {
        Some(url) if !url.starts_with("https://") && !is_loopback(url) => bail!(
            "Data keys would cross the network in the clear: `endpoint` under `[seal.kms]` must begin with https://."
        ),
        _ => Ok(()),
    }
}

/// Refuses to be reached by others in the clear, unless a proxy is named at which TLS ends.
fn check_clear(http: &HttpSettings, listen: SocketAddr) -> Result<()> {
    if listen.ip().is_loopback() || http.tls.is_some() || !http.trusted_proxies.is_empty() {
        return Ok(());
    }
    bail!(
        "Tokens and patients' data would cross the network in the clear, for {listen} is reached by others: give `[http.tls]` a certificate, or, where a proxy ends TLS, name it in `trusted_proxies` under `[http]`."
    )
}

/// Refuses to leave index, record or rights out of any database but a benchmark's: what is written so is never found,
/// who read is not known, and everybody may.
///
/// # Errors
/// The database has another name.
pub(crate) fn check_bench(settings: &Settings) -> Result<()> {
    let url = settings.database.url()?.reveal();
    let name = url.split(['?', '#']).next().and_then(|address| address.rsplit('/').next());
    if !name.is_some_and(|name| name.starts_with("bench_")) {
        bail!(
            "--unindexed, --unaudited, --unauthorized and --unvalidated are for benchmarks, whose databases are named bench_…."
        );
    }
    Ok(())
}

fn check_origin(base_url: Option<&str>, listen: SocketAddr) -> Result<()> {
    match base_url {
        None if listen.ip().is_loopback() => Ok(()),
        None => bail!(
            "The server listens on {listen}, which others reach, and does not know under which name: set CAREBRIDGE_BASE_URL."
        ),
        Some(url) if url.starts_with("https://") || is_loopback(url) => Ok(()),
        Some(url) => bail!(
            "Tokens and patients' data would cross the network in the clear: {url} must begin with https://."
        ),
    }
}

fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else { return false };
    is_local(uri.host().unwrap_or_default())
}

fn is_local(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use auth::ClientConfig;

    use super::*;
    use crate::settings::TlsSettings;

    #[test]
    fn only_a_benchmark_leaves_out_what_protects() {
        for (url, allowed) in [
            ("postgres://a:b@127.0.0.1:5432/bench_unindexed", true),
            ("postgres://a@127.0.0.1/bench_x?sslmode=disable", true),
            ("postgres://a:b@127.0.0.1:5432/tenant", false),
            ("postgres://a:b@127.0.0.1/tenant?application_name=/bench_x", false),
            ("postgres://bench_a@127.0.0.1/", false),
        ] {
            let mut settings = Settings::default();
            settings.database.url = Some(url.parse().unwrap());
            assert_eq!(check_bench(&settings).is_ok(), allowed, "{url}");
        }
    }

    #[test]
    fn a_database_elsewhere_has_to_prove_itself() {
        for (url, unproven) in [
            ("postgres://a:b@127.0.0.1:5432/x", false),
            ("postgres://a:b@[::1]:5432/x", false),
            ("postgres://a@localhost/x?sslmode=disable", false),
            ("postgres:///x?host=/run/postgresql", false),
            ("postgres://a:b@203.0.113.9/x", true),
            ("postgres://a:b@db.example.org/x?sslmode=require", true),
            ("postgres://a:b@localhost/x?host=db.example.org", true),
            ("postgres://a:b@db.example.org/x?sslmode=disable", true),
            ("postgres://a:b@db.example.org/x?sslmode=verify-full&sslrootcert=/ca.pem", false),
            ("postgres://a:b@db.example.org/x?sslmode=verify-full&sslmode=disable", true),
        ] {
            assert_eq!(is_unproven(url), unproven, "{url}");
        }
    }

    #[test]
    fn programs_do_not_register_themselves() {
        let scopes = |text| access::Scopes::parse(text).unwrap();
        for (by, scope, safe) in [
            (Register::Open, "patient/*.rs", true),
            (Register::Open, "patient/*.rs system/Patient.rs", false),
            (Register::Token(Vec::new()), "system/Patient.rs", true),
            (Register::Off, "system/Patient.rs", true),
        ] {
            let registration = Registration { by, scopes: scopes(scope) };
            assert_eq!(check_registration(&registration).is_ok(), safe, "{registration:?}");
        }
    }

    /// All of it, as `serve` asks: each weakness alone, beside settings that will do.
    #[test]
    fn each_weakness_alone_is_refused() {
        let file = std::env::temp_dir().join(format!("carebridge-open-key-{}", std::process::id()));
        std::fs::write(&file, "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o604)).unwrap();
        let app = |jwks_url: &str| ClientConfig {
            id: "app".to_owned(),
            scope: "system/Patient.rs".to_owned(),
            jwks_url: Some(jwks_url.to_owned()),
            ..ClientConfig::default()
        };
        type Weaken<'a> = &'a dyn Fn(&mut Settings);
        let weaknesses: [(Weaken<'_>, &str); 15] = [
            (&|it| it.database.url = None, "CAREBRIDGE_DATABASE_URL"),
            (&|it| it.auth.signing_key = None, "No key signs tokens"),
            (&|it| it.clients.push(ClientConfig::demo().unwrap()), "everybody knows"),
            (&|it| it.clients.push(app("https://127.0.0.1/keys")), "`jwks_url` of client `app`"),
            (&|it| it.clients.push(app("http://app.example.org/keys")), "`jwks_url`"),
            (
                &|it| {
                    it.auth.registration.by = Register::Open;
                    it.auth.registration.scopes = access::Scopes::parse("system/*.rs").unwrap();
                },
                "take what begins with `system/` out",
            ),
            (&|it| it.seal.key = None, "Nobody could prove the record"),
            (&|it| it.seal.none = true, "take one of the two away"),
            (&|it| it.seal.key = "hunter2".parse().ok(), "must be the base64 of 32 bytes"),
            (&|it| it.seal.key_file = Some(file.clone()), "run `chmod o="),
            (&|it| it.seal.older_key_files = vec![file.clone()], "run `chmod o="),
            (&|it| it.outbound.allow = vec!["*.example.org".to_owned()], "allow"),
            (&|it| it.base_url = Some("http://fhir.example.org".to_owned()), "https://"),
            (&|it| it.listen = "0.0.0.0:8080".parse().unwrap(), "set CAREBRIDGE_BASE_URL"),
            (
                &|it| {
                    it.listen = "0.0.0.0:8080".parse().unwrap();
                    it.base_url = Some("https://fhir.example.org".to_owned());
                },
                "`[http.tls]`",
            ),
        ];
        let good = || {
            let mut settings = Settings::default();
            settings.database.url = "postgres://a:b@127.0.0.1/tenant".parse().ok();
            settings.auth.signing_key = Some("signing-key.pem".into());
            settings.seal.key = "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=".parse().ok();
            settings
        };
        check(&good()).unwrap();
        for (weaken, expected) in weaknesses {
            let mut settings = good();
            weaken(&mut settings);
            let said = check(&settings).err().map(|error| format!("{error:#}"));
            let said = said.unwrap_or_else(|| panic!("{expected}: it would start"));
            assert!(said.contains(expected), "{expected}: {said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn the_record_is_sealed_unless_it_is_said_in_as_many_words() {
        let key = || "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=".parse().ok();
        for (key, none, refusal) in [
            (None, false, Some("set `none = true` there")),
            (None, true, None),
            (key(), false, None),
            (key(), true, Some("take one of the two away")),
        ] {
            let seal = SealSettings { key, none, ..SealSettings::default() };
            let said = check_sealing(&seal).err().map(|error| error.to_string());
            assert_eq!(said.is_some(), refusal.is_some(), "{none} {said:?}");
            assert!(refusal.is_none_or(|part| said.is_some_and(|said| said.contains(part))));
        }
    }

    #[test]
    fn a_key_is_not_for_everybody() {
        let path = std::env::temp_dir().join(format!("carebridge-key-{}", std::process::id()));
        std::fs::write(&path, "key").unwrap();
        for (mode, safe) in [(0o600, true), (0o640, true), (0o644, false), (0o606, false)] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&path, permissions).unwrap();
            assert_eq!(check_private(&path).is_ok(), safe, "{mode:o}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(check_private(&path).is_err());
    }

    #[test]
    fn tls_ends_here_or_at_a_proxy_that_is_named() {
        let tls = TlsSettings {
            certificate: "c".into(),
            key: "k".into(),
            client_ca: None,
            client_required: false,
        };
        let plain = HttpSettings::default();
        let own = HttpSettings { tls: Some(tls), ..HttpSettings::default() };
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let behind = HttpSettings { trusted_proxies, ..HttpSettings::default() };
        for (http, listen, safe) in [
            (&plain, "127.0.0.1:8080", true),
            (&plain, "[::1]:8080", true),
            (&plain, "0.0.0.0:8080", false),
            (&plain, "10.0.0.1:8080", false),
            (&plain, "[::]:8080", false),
            (&own, "0.0.0.0:8443", true),
            (&behind, "0.0.0.0:8080", true),
        ] {
            let checked = check_clear(http, listen.parse().unwrap());
            assert_eq!(checked.is_ok(), safe, "{http:?} {listen}");
        }
    }

    #[test]
    fn the_clear_is_for_ones_own_machine() {
        for (base_url, listen, safe) in [
            (None, "127.0.0.1:8080", true),
            (None, "[::1]:8080", true),
            (None, "0.0.0.0:8080", false),
            (Some("https://fhir.example.org"), "0.0.0.0:8080", true),
            (Some("http://fhir.example.org"), "127.0.0.1:8080", false),
            (Some("http://localhost:8080"), "127.0.0.1:8080", true),
            (Some("http://[::1]:8080"), "127.0.0.1:8080", true),
            (Some("http://127.0.0.1.example.org"), "127.0.0.1:8080", false),
        ] {
            let checked = check_origin(base_url, listen.parse().unwrap());
            assert_eq!(checked.is_ok(), safe, "{base_url:?} {listen}");
        }
    }
}
