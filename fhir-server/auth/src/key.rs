//! The key that signs tokens: ECDSA on P-256, named by its thumbprint (RFC 7638).

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use canonical_model::{Error, Kind, Result};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};
use store::NewKey;

use crate::seal::{open, seal};
use crate::secret::random_text;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// The key that signs tokens. Prints its name only.
pub struct SigningKey {
    kid: String,
    /// What follows from the private half alone, for other purposes.
    secret: [u8; 32],
    /// The private half (PKCS #8).
    der: Vec<u8>,
    x: String,
    y: String,
    encoding: EncodingKey,
}

/// The algorithm, as JOSE and the database name it.
pub(crate) const ALG: &str = "ES256";

impl SigningKey {
    /// Makes a new key, kept nowhere.
    ///
    /// # Errors
    /// 500 where the system gives no random bytes.
    pub fn generate() -> Result<Self> {
        Self::from_pkcs8(new_pkcs8()?.as_ref())
    }

    /// Reads a key from PEM text: PKCS #8, P-256.
    ///
    /// # Errors
    /// 500 where it is something else, saying how to convert it.
    pub fn from_pem(pem: &str) -> Result<Self> {
        let body = pem.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
        let Some((body, _)) = body else {
            let convert = "openssl pkcs8 -topk8 -nocrypt";
            return Err(unusable(format!("no `{BEGIN}` in it; `{convert}` converts other forms")));
        };
        let body: String = body.split_ascii_whitespace().collect();
        let der = BASE64_STANDARD
            .decode(body)
            .map_err(|error| unusable("its body is not base64").caused_by(error))?;
        Self::from_pkcs8(&der)
    }

    /// Reads the key of this file; where there is none, makes one there that its owner alone can
    /// read. Several processes that start at once end with the same key.
    ///
    /// # Errors
    /// 500 where the file cannot be read or made, holds no key, or others can read it.
    pub fn load_or_create(path: &Path) -> Result<Self> {
        let here = |error: io::Error| unusable(path.display()).caused_by(error);
        if !path.try_exists().map_err(here)? {
            create(path).map_err(here)?;
        }
        let mode = fs::metadata(path).map_err(here)?.permissions().mode();
        if mode & 0o077 != 0 {
            let path = path.display();
            return Err(unusable(format!("others can read it; run `chmod 600 {path}`")));
        }
        Self::from_pem(&fs::read_to_string(path).map_err(here)?)
    }

    /// Its name: `kid` of the tokens it signs.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half (RFC 7517).
    #[must_use]
    pub fn jwk(&self) -> Value {
        let Self { kid, x, y, .. } = self;
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": ALG, "kid": kid })
    }

    /// What follows from it for other purposes: as secret as itself, and the same wherever it is.
    pub(crate) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    pub(crate) fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }

    /// As the database keeps it.
    pub(crate) fn kept(&self, secret: &[u8; 32]) -> Result<NewKey> {
        let private = seal(secret, &self.kid, &self.der)?;
        Ok(NewKey { kid: self.kid.clone(), alg: ALG, public: self.jwk(), private })
    }

    /// A key that the database kept; `None` where it is not of this name and under this secret.
    pub(crate) fn open(kid: &str, private: &str, secret: &[u8; 32]) -> Option<Self> {
        let key = Self::from_pkcs8(&open(secret, kid, private)?).ok()?;
        (key.kid == kid).then_some(key)
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map_err(|error| unusable("it is not a private key on P-256").caused_by(error))?;
        // An uncompressed point: 4, then x and y of 32 bytes each.
        let point = pair.public_key().as_ref().strip_prefix(&[4]).unwrap_or_default();
        let (x, y) = point.split_at_checked(32).unwrap_or_default();
        let (x, y) = (BASE64_URL_SAFE_NO_PAD.encode(x), BASE64_URL_SAFE_NO_PAD.encode(y));
        // The members that RFC 7638 names, in its order.
        let thumb = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let kid = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, thumb.as_bytes()));
        let secret = derived(der)?;
        Ok(Self { kid, secret, der: der.to_vec(), x, y, encoding: EncodingKey::from_ec_der(der) })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

/// By HKDF (RFC 5869).
fn derived(der: &[u8]) -> Result<[u8; 32]> {
    let mut secret = [0; 32];
    Salt::new(HKDF_SHA256, b"carebridge signing key")
        .extract(der)
        .expand(&[b"auth"], HKDF_SHA256)
        .and_then(|made| made.fill(&mut secret))
        .map_err(Error::internal)?;
    Ok(secret)
}

fn new_pkcs8() -> Result<impl AsRef<[u8]>> {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
        .and_then(|pair| pair.to_pkcs8v1())
        .map_err(Error::internal)
}

/// Writes a new key beside `path`, then links it there: whoever links first wins, and nobody ever
/// reads half a key.
fn create(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let pkcs8 = new_pkcs8().map_err(io::Error::other)?;
    let draft = path.with_extension(random_text().map_err(io::Error::other)?);
    let mut file = private(&draft)?;
    writeln!(file, "{BEGIN}")?;
    let body = BASE64_STANDARD.encode(pkcs8);
    for line in body.as_bytes().chunks(64) {
        file.write_all(line)?;
        writeln!(file)?;
    }
    writeln!(file, "{END}")?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn unusable(why: impl fmt::Display) -> Error {
    Error::new(Kind::Internal, format!("The key that signs tokens cannot be used: {why}"))
}
