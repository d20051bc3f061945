//! Reads of one resource, by the hash of its identity.

use access::{Access, Label};
use canonical_model::{ResourceId, ResourceType, Result};
use chrono::{DateTime, Utc};
use search::{Hasher, label_keys};
use sqlx::Row;
use sqlx::postgres::PgArguments;

use crate::change::Method;
use crate::error::StoreError;
use crate::query::{Sql, bind, prepared, within};
use crate::reach::{Extract, Reach};
use crate::read_group::Wanted;
pub use crate::rows::Stored;
use crate::rows::stored_for;
use crate::{RequestContext, Store, Transaction};

/// A version by its name.
pub type VersionName = (ResourceType, ResourceId, i32);

/// A version that was read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The version.
    pub stored: Stored,
    /// Whether the access is recorded already.
    pub recorded: bool,
}

/// What withholds a resource that is within the bounds of its reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Barred {
    /// This label.
    Label(Label),
    /// The Consent of this id.
    Consent(String),
}

impl Store {
    /// The current version, or `None` where there is none within the access, and the record of its
    /// access: as a successful read by this caller, durable when this returns. A deleted version, and
    /// one that was found by its owners, are left for the caller to record.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn read_and_record(
        &self,
        access: &Access,
        kind: ResourceType,
        id: &ResourceId,
        at: DateTime<Utc>,
        context: RequestContext,
    ) -> Result<Option<Reading>> {
        match Reach::of(access, kind, self.hasher()) {
            Reach::Everything => {
                let identity = self.hasher().identity(kind, id.as_str());
                let wanted = Wanted { kind, id: id.clone(), identity, at, context };
                let reading = self.reads.ask(wanted).await?;
                let Some(Reading { stored, recorded }) = reading else { return Ok(None) };
                if stored.text.is_some() || stored.method == Method::Delete {
                    return Ok(Some(Reading { stored, recorded }));
                }
                let large = self.version(&Reach::Everything, kind, id, stored.version).await?;
                let large = large.map(|(large, _)| large);
                Ok(large.map(|stored| Reading { stored, recorded }))
            }
            Reach::Nothing | Reach::Patients(_) | Reach::Where(_) => {
                let stored = self.read(access, kind, id).await?;
                Ok(stored.map(|stored| Reading { stored, recorded: false }))
            }
        }
    }

    /// The current version, or `None` where there is none within the access.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn read(
        &self,
        access: &Access,
        kind: ResourceType,
        id: &ResourceId,
    ) -> Result<Option<Stored>> {
        let reach = Reach::of(access, kind, self.hasher());
        let Some(mut sql) = head(READ, &reach, self.hasher(), kind, id)? else { return Ok(None) };
        let row = self.sessions.fetch_optional(prepared(&mut sql)).await?;
        row.map(|row| stored_for(&row, &self.sealer, kind, id.as_str().to_owned())).transpose()
    }

    /// What withholds a resource from who would reach it else: for a reader who found nothing. Whoever may have
    /// something withheld from them pays for it each time, so that the time does not tell.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn withheld(
        &self,
        access: &Access,
        kind: ResourceType,
        id: &ResourceId,
    ) -> Result<Option<Barred>> {
        if let Some(label) = self.label(access, kind, id).await? {
            return Ok(Some(Barred::Label(label)));
        }
        Ok(self.denying(access, kind, id).await?.map(Barred::Consent))
    }

    async fn label(
        &self,
        access: &Access,
        kind: ResourceType,
        id: &ResourceId,
    ) -> Result<Option<Label>> {
        let reach = Reach::bounded(access, kind, self.hasher());
        if access.withheld().is_empty() {
            return Ok(None);
        }
        let text = include_str!("../queries/labels.sql");
        let Some(mut sql) = head(text, &reach, self.hasher(), kind, id)? else { return Ok(None) };
        let Some(row) = self.sessions.fetch_optional(prepared(&mut sql)).await? else {
            return Ok(None);
        };
        let keys: Vec<i64> = row.try_get("keys").map_err(StoreError)?;
        let has = |label: &Label| {
            let codes = label.codes().iter().copied();
            label_keys(self.hasher(), kind, codes).any(|key| keys.contains(&key))
        };
        Ok(access.withheld().iter().find(has))
    }

    /// One version, current or not. What a condition demands of a superseded one is decided on what `extract` finds
    /// in its content.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn vread(
        &self,
        access: &Access,
        kind: ResourceType,
        id: &ResourceId,
        version: i32,
        extract: Extract<'_>,
    ) -> Result<Option<Stored>> {
        let reach = Reach::of(access, kind, self.hasher());
        let Some((stored, current)) = self.version(&reach, kind, id, version).await? else {
            return Ok(None);
        };
        let within = current || self.judge(&reach, &[&stored], extract).await? == [true];
        Ok(within.then_some(stored))
    }

    /// A version within the bounds of the reach, and whether the head has decided that it is within all of it.
    async fn version(
        &self,
        reach: &Reach,
        kind: ResourceType,
        id: &ResourceId,
        version: i32,
    ) -> Result<Option<(Stored, bool)>> {
        let Some(owners) = reach.owners() else { return Ok(None) };
        let mut arguments = PgArguments::default();
        bind(&mut arguments, self.hasher().identity(kind, id.as_str()))?;
        bind(&mut arguments, id.as_str())?;
        bind(&mut arguments, version)?;
        bind(&mut arguments, owners)?;
        let mut sql = within(include_str!("../queries/vread.sql"), arguments, reach)?;
        let Some(row) = self.sessions.fetch_optional(prepared(&mut sql)).await? else {
            return Ok(None);
        };
        let stored = stored_for(&row, &self.sealer, kind, id.as_str().to_owned())?;
        Ok(Some((stored, row.try_get("current").map_err(StoreError)?)))
    }
}

impl Transaction {
    /// The current version as this transaction sees it.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn read(
        &mut self,
        access: &Access,
        kind: ResourceType,
        id: &ResourceId,
    ) -> Result<Option<Stored>> {
        let (hasher, sealer) = (self.hasher().clone(), self.sealer().clone());
        let reach = Reach::of(access, kind, &hasher);
        let Some(mut sql) = head(READ, &reach, &hasher, kind, id)? else { return Ok(None) };
        let row = prepared(&mut sql).fetch_optional(self.connection()).await.map_err(StoreError)?;
        row.map(|row| stored_for(&row, &sealer, kind, id.as_str().to_owned())).transpose()
    }
}

const READ: &str = include_str!("../queries/read.sql");

/// What a statement reads of a head within reach; `None` where that is nothing.
fn head(
    text: &str,
    reach: &Reach,
    hasher: &Hasher,
    kind: ResourceType,
    id: &ResourceId,
) -> Result<Option<Sql>> {
    let Some(owners) = reach.owners() else { return Ok(None) };
    let mut arguments = PgArguments::default();
    bind(&mut arguments, hasher.identity(kind, id.as_str()))?;
    bind(&mut arguments, id.as_str())?;
    bind(&mut arguments, owners)?;
    within(text, arguments, reach).map(Some)
}
