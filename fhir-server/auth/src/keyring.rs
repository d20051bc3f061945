//! The keys that sign: all servers of a database have the same, and follow it from one to the next. What a key signed is
//! good for as long as the key is published, so tokens go on when another follows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use canonical_model::{Error, Result};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::Jwk;
use serde_json::Value;
use store::{AuditEntry, AuthStore, KeptKey, Succession};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tracing::{error, info};

use crate::adopt::{adopt, shut};
use crate::id_key::{self, IdKey};
use crate::key::{self, SigningKey};

/// The keys of a server. Clones share them.
#[derive(Clone)]
pub struct Keyring(Arc<Parts>);

struct Parts {
    /// What seals, and what other keys follow from.
    secret: [u8; 32],
    /// Where the others are; without it these keys end with the process.
    store: Option<AuthStore>,
    ring: RwLock<Arc<Ring>>,
    /// One more whenever a key is withdrawn.
    epoch: AtomicU64,
    making: Mutex<()>,
}

/// The keys as they are now.
#[derive(Clone)]
pub(crate) struct Ring {
    /// Signs access tokens.
    pub(crate) access: Arc<SigningKey>,
    /// Signs identity tokens, once there is one.
    identity: Option<Arc<IdKey>>,
    /// What verifies access tokens, by `kid`.
    verifying: HashMap<String, DecodingKey>,
    /// All public halves.
    pub(crate) published: Vec<Value>,
    /// Those that were opened, and what the database told of each: its name, and whether it signs.
    opened: HashMap<String, Opened>,
    told: Vec<(String, bool)>,
}

/// A private half.
#[derive(Clone)]
enum Opened {
    Access(Arc<SigningKey>),
    Identity(Arc<IdKey>),
    /// It is not under our secret.
    Shut,
}

/// Whether a key is sealed under this secret.
fn under(key: &KeptKey, secret: &[u8; 32]) -> bool {
    crate::seal::open(secret, &key.kid, &key.private).is_some()
}

/// A key that follows another: its algorithm and name.
pub type Next = (&'static str, String);

impl Keyring {
    /// A key that nobody shares.
    #[must_use]
    pub fn alone(own: SigningKey, secret: Option<[u8; 32]>) -> Self {
        Self::of(own, secret, None)
    }

    /// The keys of a database. The first is `own`, where it has none yet. `secret` is the key of the purpose `auth`,
    /// the same on all servers; none takes one that follows from `own`, and one that comes later takes over what was under that.
    ///
    /// # Errors
    /// Unavailable where the database is away; Internal where its keys are not under this secret.
    pub async fn shared(
        own: SigningKey,
        secret: Option<[u8; 32]>,
        store: AuthStore,
    ) -> Result<Self> {
        let own_secret = *own.secret();
        let keyring = Self::of(own, secret, Some(store.clone()));
        let first = keyring.ring().access.kept(&keyring.0.secret)?;
        store.keep_first_key(&first).await?;
        let mut kept = store.signing_keys(false).await?;
        if secret.is_some() && kept.iter().any(|key| under(key, &own_secret)) {
            adopt(&store, &own_secret, &keyring.0.secret).await?;
            kept = store.signing_keys(false).await?;
        }
        keyring.hear(&kept);
        let ring = keyring.ring();
        let closed = |key: &&KeptKey| {
            !key.private.is_empty() && matches!(ring.opened.get(&key.kid), Some(Opened::Shut))
        };
        match kept.iter().find(closed) {
            None => Ok(keyring),
            Some(_) => Err(shut()),
        }
    }

    fn of(own: SigningKey, secret: Option<[u8; 32]>, store: Option<AuthStore>) -> Self {
        let secret = secret.unwrap_or_else(|| *own.secret());
        let access = Arc::new(own);
        let (kid, jwk) = (access.kid().to_owned(), access.jwk());
        let verifying = verifying(&jwk).map(|key| (kid, key)).into_iter().collect();
        let ring = Ring {
            access,
            identity: None,
            verifying,
            published: vec![jwk],
            opened: HashMap::new(),
            told: Vec::new(),
        };
        let (ring, epoch) = (RwLock::new(Arc::new(ring)), AtomicU64::new(0));
        Self(Arc::new(Parts { secret, store, ring, epoch, making: Mutex::new(()) }))
    }

    /// Whether they are those of a database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.0.store.is_some()
    }

    /// Takes in what the database told. Keys that nobody shares stay as they are: what others of the database share is
    /// not theirs.
    pub fn hear(&self, kept: &[KeptKey]) {
        if self.is_shared() {
            self.follow(kept);
        }
    }

    fn follow(&self, kept: &[KeptKey]) {
        let before = self.ring();
        let told: Vec<_> = kept.iter().map(|key| (key.kid.clone(), key.signs)).collect();
        if told == before.told || told.is_empty() {
            return;
        }
        let after = self.followed(&before, kept, told);
        let withdrawn = before.verifying.keys().any(|kid| !after.verifying.contains_key(kid));
        if after.access.kid() != before.access.kid() {
            info!(kid = after.access.kid(), "Another key signs access tokens.");
        }
        *self.0.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(after);
        if withdrawn {
            self.0.epoch.fetch_add(1, Ordering::Release);
        }
    }

    fn followed(&self, before: &Ring, kept: &[KeptKey], told: Vec<(String, bool)>) -> Ring {
        let opened: HashMap<String, Opened> = kept
            .iter()
            .map(|key| {
                let known = before.opened.get(&key.kid).cloned();
                (key.kid.clone(), known.unwrap_or_else(|| self.open(key)))
            })
            .collect();
        let signing = |key: &&KeptKey| key.signs;
        let mut ring = Ring { told, ..before.clone() };
        for key in kept.iter().filter(signing).rev() {
            // Of several that sign the newest comes last here.
            match opened.get(&key.kid) {
                Some(Opened::Access(key)) => ring.access = Arc::clone(key),
                Some(Opened::Identity(key)) => ring.identity = Some(Arc::clone(key)),
                Some(Opened::Shut) | None => {}
            }
        }
        let known = |key: &KeptKey| verifying(&key.public).map(|it| (key.kid.clone(), it));
        ring.verifying = kept.iter().filter(|key| key.alg == key::ALG).filter_map(known).collect();
        ring.published = kept.iter().map(|key| key.public.clone()).collect();
        ring.opened = opened;
        ring
    }

    fn open(&self, key: &KeptKey) -> Opened {
        let (kid, private, secret) = (&key.kid, &key.private, &self.0.secret);
        let opened = match key.alg.as_str() {
            key::ALG => SigningKey::open(kid, private, secret).map(Arc::new).map(Opened::Access),
            _ => IdKey::open(kid, private, secret).map(Arc::new).map(Opened::Identity),
        };
        // One that signs no more has no private half.
        if opened.is_none() && !key.private.is_empty() {
            error!(kid, "A key that signs does not open: it is not under the sealing key of here.");
            return Opened::Shut;
        }
        opened.unwrap_or(Opened::Shut)
    }

    /// The keys as they are now.
    pub(crate) fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.0.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was verified in another epoch has to be verified anew.
    pub(crate) fn epoch(&self) -> u64 {
        self.0.epoch.load(Ordering::Acquire)
    }

    /// What seals, the same on all servers of a database.
    pub(crate) fn secret(&self) -> &[u8; 32] {
        &self.0.secret
    }

    /// The key of identity tokens: made when it is asked for first.
    pub(crate) async fn identity(&self) -> Result<Arc<IdKey>> {
        if let Some(key) = &self.ring().identity {
            return Ok(Arc::clone(key));
        }
        let _making = self.0.making.lock().await;
        if let Some(key) = &self.ring().identity {
            return Ok(Arc::clone(key));
        }
        let made = Arc::new(spawn_blocking(IdKey::generate).await.map_err(Error::internal)??);
        let Some(store) = &self.0.store else {
            let mut ring = Ring::clone(&self.ring());
            ring.published.push(made.jwk().clone());
            ring.identity = Some(Arc::clone(&made));
            *self.0.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
            return Ok(made);
        };
        store.keep_first_key(&made.kept(&self.0.secret)?).await?;
        self.hear(&store.signing_keys(false).await?);
        let kept = self.ring().identity.clone();
        kept.ok_or_else(|| Error::internal("a key that was kept is not there"))
    }

    /// Has another key follow each that signs, each with the row that says so; those that will.
    ///
    /// # Errors
    /// Unavailable where the database is away; Internal where the keys are of this process alone.
    pub async fn rotate(
        &self,
        when: Succession,
        row: impl Fn(&Next) -> AuditEntry,
    ) -> Result<Vec<Next>> {
        let store = self.0.store.as_ref();
        let store = store.ok_or_else(|| Error::internal("keys of one process are not rotated"))?;
        let mut coming = vec![(key::ALG, SigningKey::generate()?.kept(&self.0.secret)?)];
        if self.ring().identity.is_some() {
            let made = spawn_blocking(IdKey::generate).await.map_err(Error::internal)??;
            coming.push((id_key::ALG, made.kept(&self.0.secret)?));
        }
        let mut will = Vec::new();
        let open = store.begin().await?;
        for (alg, new) in coming {
            if open.keep_next_key(&new, when).await? {
                let next = (alg, new.kid);
                open.record(&row(&next)).await?;
                will.push(next);
            }
        }
        open.commit().await?;
        self.hear(&store.signing_keys(false).await?);
        Ok(will)
    }
}

impl Ring {
    /// What verifies the tokens of this key.
    pub(crate) fn verifying(&self, kid: &str) -> Option<&DecodingKey> {
        self.verifying.get(kid)
    }
}

fn verifying(jwk: &Value) -> Option<DecodingKey> {
    let jwk: Jwk = serde_json::from_value(jwk.clone()).ok()?;
    DecodingKey::from_jwk(&jwk).ok()
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keyring({})", self.ring().access.kid())
    }
}

#[cfg(test)]
mod tests {
    use store::NewKey;

    use super::*;

    fn kept(key: &SigningKey, secret: &[u8; 32], signs: bool) -> KeptKey {
        let NewKey { kid, alg, public, private } = key.kept(secret).unwrap();
        let signs_from = telemetry::Clock::system().now();
        let alg = alg.to_owned();
        let (signs_until, published_until) = (None, None);
        KeptKey { kid, alg, public, private, signs_from, signs_until, published_until, signs }
    }

    #[test]
    fn keys_are_followed_as_the_database_tells() {
        let secret = [7; 32];
        let keyring = Keyring::alone(SigningKey::generate().unwrap(), Some(secret));
        let [first, second, strange] = [0; 3].map(|_| SigningKey::generate().unwrap());
        let kids = || {
            let ring = keyring.ring();
            let mut all: Vec<String> = ring.verifying.keys().cloned().collect();
            all.sort();
            (ring.access.kid().to_owned(), all)
        };
        let sorted = |keys: &[&SigningKey]| {
            let mut all: Vec<String> = keys.iter().map(|key| key.kid().to_owned()).collect();
            all.sort();
            all
        };
        keyring.follow(&[kept(&first, &secret, true)]);
        assert_eq!(kids(), (first.kid().to_owned(), sorted(&[&first])));
        let epoch = keyring.epoch();
        keyring.follow(&[kept(&first, &secret, true), kept(&second, &secret, false)]);
        assert_eq!(kids(), (first.kid().to_owned(), sorted(&[&first, &second])), "announced");
        keyring.follow(&[kept(&second, &secret, true), kept(&first, &secret, false)]);
        assert_eq!(kids(), (second.kid().to_owned(), sorted(&[&first, &second])), "follows");
        // Two sign for a moment where one follows at once: the newest is told first.
        keyring.follow(&[kept(&first, &secret, true), kept(&second, &secret, true)]);
        assert_eq!(kids().0, first.kid());
        // One that does not open is published, and another goes on signing.
        keyring.follow(&[kept(&strange, &[8; 32], true), kept(&first, &secret, false)]);
        assert_eq!(kids(), (first.kid().to_owned(), sorted(&[&first, &strange])));
        assert!(keyring.epoch() > epoch, "one was withdrawn");
        keyring.follow(&[]);
        assert_eq!(kids().0, first.kid(), "no key at all is no answer");
        keyring.hear(&[kept(&second, &secret, true)]);
        assert_eq!(kids().0, first.kid(), "another's keys are not its own");
    }
}
