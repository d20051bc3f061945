//! All clients: of the settings, which outrank, and of the database, each remembered for a moment.

use std::sync::Arc;
use std::time::Duration;

use canonical_model::Result;
use moka::sync::Cache;
use store::AuthStore;
use tracing::warn;

use crate::client::{Client, Clients, is_legal};
use crate::limits::{CLIENTS_CACHED_MAX, CLIENTS_CACHED_MS};
use crate::secret::Secret;

/// Knows the clients.
pub(crate) struct Registry {
    settings: Clients,
    store: Option<AuthStore>,
    /// Those that are not there too, so that guessing asks nobody twice.
    known: Cache<String, Option<Arc<Client>>>,
}

impl Registry {
    pub(crate) fn new(settings: Clients, store: Option<AuthStore>) -> Self {
        let life = Duration::from_millis(CLIENTS_CACHED_MS);
        let known = Cache::builder().max_capacity(CLIENTS_CACHED_MAX).time_to_live(life).build();
        Self { settings, store, known }
    }

    /// The client of an id; none that is disabled.
    ///
    /// # Errors
    /// Unavailable where the database cannot be asked.
    pub(crate) async fn find(&self, id: &str) -> Result<Option<Arc<Client>>> {
        if let Some(client) = self.settings.find(id) {
            return Ok(Some(Arc::clone(client)));
        }
        let Some(store) = self.store.as_ref().filter(|_| is_legal(id)) else { return Ok(None) };
        if let Some(known) = self.known.get(id) {
            return Ok(known);
        }
        let kept = store.client(id).await?.filter(|kept| !kept.disabled);
        let client = kept.map(Client::of_kept).transpose()?.map(Arc::new);
        self.known.insert(id.to_owned(), client.clone());
        Ok(client)
    }

    /// The client of an id, if the secret is its own.
    ///
    /// # Errors
    /// As [`Registry::find`].
    pub(crate) async fn authenticate(
        &self,
        id: &str,
        secret: &Secret,
    ) -> Result<Option<Arc<Client>>> {
        Ok(self.settings.authenticate(self.find(id).await?, secret))
    }

    /// Apps that are started from here, by name.
    ///
    /// # Errors
    /// As [`Registry::find`].
    pub(crate) async fn launchable(&self) -> Result<Vec<Arc<Client>>> {
        let known = self.settings.all().filter(|client| client.launch_url.is_some()).cloned();
        let mut apps: Vec<Arc<Client>> = known.collect();
        let kept = match &self.store {
            Some(store) => store.clients(true).await?,
            None => Vec::new(),
        };
        for kept in kept.into_iter().filter(|kept| self.settings.find(&kept.client).is_none()) {
            let id = kept.client.clone();
            match Client::of_kept(kept) {
                Ok(client) => apps.push(Arc::new(client)),
                Err(error) => warn!(id, %error, "A client of the database cannot be used."),
            }
        }
        apps.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(apps)
    }

    /// Forgets what was known of an id.
    pub(crate) fn forget(&self, id: &str) {
        self.known.invalidate(id);
    }
}
