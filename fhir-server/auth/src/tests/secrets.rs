//! Secrets are compared, never shown; clients are registered or refused by name.

use super::{client, clients};
use crate::{ClientConfig, Clients, Secret, SecretHash, SigningKey};

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

#[test]
fn a_kept_secret_matches_itself_alone() {
    let kept = SecretHash::of(&secret("s3cret")).unwrap();
    let again = SecretHash::parse(&kept.to_string()).unwrap();
    for (text, same) in [("s3cret", true), ("S3cret", false), ("s3cret ", false), ("", false)] {
        assert_eq!((kept.matches(&secret(text)), again.matches(&secret(text))), (same, same));
    }
    assert_ne!(kept.to_string(), SecretHash::of(&secret("s3cret")).unwrap().to_string());
}

#[test]
fn the_kept_form_is_what_sha256sum_prints() {
    // printf %s 'saltsalt''dev-secret' | sha256sum
    let hex = "dc7c3214c9f7fb592fdd6409d8c8fd3d3aefb82d42ecd7325aa4eb1bb196ede0";
    let kept = SecretHash::parse(&format!("sha256$saltsalt${hex}")).unwrap();
    assert!(kept.matches(&secret("dev-secret")));
    let upper = SecretHash::parse(&format!("sha256$saltsalt${}", hex.to_uppercase())).unwrap();
    assert!(upper.matches(&secret("dev-secret")));
}

#[test]
fn other_forms_are_refused_without_repeating_them() {
    let (hex, short) = ("0".repeat(64), "0".repeat(63));
    for text in [
        String::new(),
        "canary".into(),
        format!("md5$saltsalt${hex}"),
        format!("sha256$short${hex}"),
        format!("sha256$saltsalt${}", &short),
        format!("sha256$saltsalt${}g", &short),
        format!("sha256$saltsalt${hex}$"),
        "sha256$saltsalt$canary".into(),
    ] {
        let error = SecretHash::parse(&text).unwrap_err().to_string();
        assert!(!error.contains("canary"), "{error}");
    }
}

#[test]
fn nothing_secret_is_printed() {
    let config = client("app", "canary-secret", "system/*.rs");
    let kept = config.secret.as_ref().unwrap().to_string();
    let key = SigningKey::generate().unwrap();
    let shown = format!("{config:?} {:?} {:?} {key:?}", secret("canary-secret"), clients());
    assert!(shown.contains("SecretHash(…)") && shown.contains(key.kid()), "{shown}");
    let digest = kept.rsplit('$').next().unwrap();
    assert!(!shown.contains("canary") && !shown.contains(digest), "{shown}");
}

#[test]
fn clients_are_refused_by_name() {
    let site = |name: &str| (name == "local").then_some(0);
    let elsewhere = ClientConfig { site: "north".into(), ..client("a", "s", "system/*.rs") };
    for (configs, why) in [
        (vec![client("", "s", "system/*.rs")], "client ``: an id has"),
        (vec![client("a b", "s", "system/*.rs")], "client `a b`: an id has"),
        (vec![client("a", "s", "")], "client `a`: it has no scope"),
        (vec![client("a", "s", "system/X.rs")], "client `a`: scope: its type"),
        (vec![elsewhere], "client `a`: site `north` is not known"),
        (
            vec![client("a", "s", "openid"), client("a", "t", "openid")],
            "client `a`: the id is taken",
        ),
    ] {
        let error = Clients::configure(configs, site).unwrap_err();
        let text = &error.issues[0].diagnostics;
        assert!(text.starts_with(why), "{text}");
    }
}

#[test]
fn demo_credentials_are_found_under_any_id() {
    let find = |config| {
        let clients = Clients::configure(vec![config], |_| Some(0)).unwrap();
        clients.demo_credentials().map(str::to_owned)
    };
    assert_eq!(find(ClientConfig::demo().unwrap()).as_deref(), Some("dev-backend"));
    assert_eq!(find(client("dev-backend", "other", "openid")).as_deref(), Some("dev-backend"));
    assert_eq!(find(client("prod", "dev-secret", "openid")).as_deref(), Some("prod"));
    assert_eq!(find(client("prod", "other", "openid")), None);
}
