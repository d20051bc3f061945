//! The signing key's file: made once, private, whole.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread;

use crate::SigningKey;

/// A folder of this test's own, gone when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("auth-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn a_key_is_made_once_and_private() {
    let folder = Folder::new("key");
    let path = folder.0.join("deep").join("signing.pem");
    let made = SigningKey::load_or_create(&path).unwrap();
    assert_eq!(SigningKey::load_or_create(&path).unwrap().kid(), made.kid());
    assert_eq!(
        SigningKey::from_pem(&fs::read_to_string(&path).unwrap()).unwrap().kid(),
        made.kid()
    );
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let refused = SigningKey::load_or_create(&path).unwrap_err().to_string();
    assert!(refused.contains("chmod 600"), "{refused}");
}

#[test]
fn those_who_start_at_once_share_one_key() {
    let folder = Folder::new("race");
    let path = folder.0.join("signing.pem");
    let kids: Vec<_> = thread::scope(|scope| {
        let starts: Vec<_> =
            (0..8).map(|_| scope.spawn(|| SigningKey::load_or_create(&path).unwrap())).collect();
        starts.into_iter().map(|start| start.join().unwrap().kid().to_owned()).collect()
    });
    assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
}

#[test]
fn what_is_no_key_is_refused_with_a_reason() {
    let begin = "-----BEGIN PRIVATE KEY-----";
    let end = "-----END PRIVATE KEY-----";
    for (pem, why) in [
        ("", "no `-----BEGIN PRIVATE KEY-----` in it"),
        ("-----BEGIN EC PRIVATE KEY-----\n-----END EC PRIVATE KEY-----", "openssl pkcs8"),
        (&format!("{begin}\n!!!!\n{end}"), "its body is not base64"),
        (&format!("{begin}\nAAAA\n{end}"), "it is not a private key on P-256"),
    ] {
        let error = SigningKey::from_pem(pem).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}
