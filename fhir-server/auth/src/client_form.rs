//! How a client comes into the database: judged as those of the settings are, and given a secret that is shown once.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use canonical_model::Result;
use serde_json::Value;
use store::{
    AuthStore, ClientChange, ClientClass, ClientProof, KeptClient, NewClient, RegisteredBy,
};

use crate::client::{Client, ClientConfig};
use crate::cookie::random;
use crate::limits::REGISTERED_MAX;
use crate::secret::{Secret, SecretHash};

/// A client as somebody describes it.
#[derive(Clone, Debug)]
pub struct ClientForm {
    /// Its id.
    pub id: String,
    /// What people are told that it is called; its id where it has no name.
    pub name: Option<String>,
    /// The most it may be granted.
    pub scope: String,
    /// Where people are sent back to, each whole.
    pub redirects: Vec<String>,
    /// Where it is started from here.
    pub launch_url: Option<String>,
    /// Whether it is staff's own.
    pub own: bool,
    /// How it proves itself.
    pub proof: FormProof,
    /// Who describes it.
    pub by: RegisteredBy,
}

/// How a client is to prove itself.
#[derive(Clone, Debug)]
pub enum FormProof {
    /// Not at all.
    Nothing,
    /// By a secret, which is made here.
    Secret,
    /// By keys: a JWKS.
    Keys(Value),
    /// By keys that are there, by https.
    KeysAt(String),
}

/// A secret as its client is told it, once.
pub(crate) type Told = String;

impl ClientForm {
    /// Keeps it; the secret, where it has one.
    ///
    /// # Errors
    /// 400, saying what is wrong; 409 where the id is taken; 503 where too many have registered.
    pub async fn create(&self, store: &AuthStore) -> Result<Option<Told>> {
        let made = self.secret(None)?;
        let secret = made.as_ref().map(|(_, kept)| kept.clone());
        let client = Client::new(self.config(secret.clone()), 0)?;
        let digest = secret.map(|kept| kept.to_string());
        let scopes = client.scopes.to_string();
        let new = self.described(&client, digest.as_deref(), &scopes);
        store.add_client(&new, REGISTERED_MAX).await?;
        Ok(made.map(|(told, _)| told))
    }

    /// Keeps it in place of what the client was before, whose tokens end; the secret, where it has another.
    ///
    /// # Errors
    /// 400, saying what is wrong; 404 where it is gone.
    pub(crate) async fn update(
        &self,
        store: &AuthStore,
        before: &KeptClient,
    ) -> Result<(KeptClient, Option<Told>)> {
        let made = self.secret(before.secret.as_deref())?;
        let secret = match (&made, &self.proof) {
            (Some((_, kept)), _) => Some(kept.clone()),
            (None, FormProof::Secret) => {
                before.secret.as_deref().map(SecretHash::parse).transpose()?
            }
            (None, _) => None,
        };
        let client = Client::new(self.config(secret.clone()), before.site)?;
        let digest = secret.map(|kept| kept.to_string());
        let scopes = client.scopes.to_string();
        let new = self.described(&client, digest.as_deref(), &scopes);
        let kept = store.replace_client(&new).await?;
        Ok((kept, made.map(|(told, _)| told)))
    }

    /// A new secret, where it is to have one and has none.
    fn secret(&self, before: Option<&str>) -> Result<Option<(Told, SecretHash)>> {
        match (&self.proof, before) {
            (FormProof::Secret, None) => new_secret().map(Some),
            _ => Ok(None),
        }
    }

    fn described<'a>(
        &'a self,
        client: &'a Client,
        digest: Option<&'a str>,
        scopes: &'a str,
    ) -> NewClient<'a> {
        let proof = match (&self.proof, digest) {
            (FormProof::Keys(keys), _) => ClientProof::Keys(keys),
            (FormProof::KeysAt(url), _) => ClientProof::KeysAt(url),
            (FormProof::Secret, Some(digest)) => ClientProof::Secret(digest),
            (FormProof::Nothing | FormProof::Secret, _) => ClientProof::Nothing,
        };
        let class = match (self.own, self.redirects.is_empty()) {
            (true, _) => ClientClass::Own,
            (false, false) => ClientClass::App,
            (false, true) => ClientClass::Backend,
        };
        NewClient {
            client: &self.id,
            name: &client.name,
            class,
            proof,
            redirects: &self.redirects,
            launch_url: self.launch_url.as_deref(),
            scopes,
            site: client.site,
            by: self.by,
        }
    }

    fn config(&self, secret: Option<SecretHash>) -> ClientConfig {
        let (jwks, jwks_url) = match &self.proof {
            FormProof::Keys(keys) => (Some(keys.to_string()), None),
            FormProof::KeysAt(url) => (None, Some(url.clone())),
            FormProof::Nothing | FormProof::Secret => (None, None),
        };
        ClientConfig {
            id: self.id.clone(),
            secret,
            scope: self.scope.clone(),
            name: self.name.clone(),
            redirects: self.redirects.clone(),
            launch_url: self.launch_url.clone(),
            own: self.own,
            jwks,
            jwks_url,
            ..ClientConfig::default()
        }
    }
}

/// Gives a client of the database another secret, which ends its tokens; the client, and the secret.
///
/// # Errors
/// 404 where there is none, 409 where it proves itself otherwise.
pub async fn renew_secret(store: &AuthStore, id: &str) -> Result<(KeptClient, Told)> {
    let (told, kept) = new_secret()?;
    let changed = store.change_client(id, ClientChange::Secret(&kept.to_string())).await?;
    Ok((changed, told))
}

/// A secret of 256 bits, and its digest.
fn new_secret() -> Result<(Told, SecretHash)> {
    let told = BASE64_URL_SAFE_NO_PAD.encode(random()?);
    let kept = SecretHash::of(&Secret::new(told.clone()))?;
    Ok((told, kept))
}
