//! Content too large for memory: written and read a chunk at a time, each in a session of its own, so
//! that a client that is slow, or goes away, holds nothing. See `migrations/0009_content_and_stretches.sql`.
//! Where `Binary.data` is to be sealed, each chunk is, bound to its place in its blob.

use std::borrow::Cow;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use canonical_model::{Blob, Error, Kind, Result};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, Row};

use crate::change::{Change, Work};
use crate::commit::{Applied, Once, insert, settle, update};
use crate::error::{NO_TABLE, StoreError, has_code};
use crate::forward::Hold;
use crate::limits::{BLOB_CHUNK_BYTES, BLOB_UNUSED_MINUTES, BLOBS_SWEPT_AT_ONCE};
use crate::reach::Reach;
use crate::sealed_content::ChunkKey;
use crate::{Store, Stored, Transaction};

const FIRST: &str = "with head as (insert into blob default values returning blob)
    insert into blob_chunk (blob, seq, bytes) select blob, 0, $1 from head returning blob";
const NEXT: &str = "insert into blob_chunk (blob, seq, bytes) values ($2, $3, $1) returning blob";
/// What is sealed for its blob needs that first.
const SEALED: &str = "insert into blob (key) values ($1) returning blob";

const CHUNK: &str = "select c.bytes, b.key from blob_chunk c join blob b using (blob)
    where c.blob = $1 and c.seq = $2";

/// A few at a time: each is thousands of rows. One that a commit holds is left to it.
const SWEEP: &str = "delete from blob where blob = any (array(
        select blob from blob where not used and made_at < now() - make_interval(mins => $1)
        order by made_at limit $2 for update skip locked))";

/// Content on its way in. What was written of one that is dropped is swept later.
#[derive(Debug)]
pub struct BlobWriter {
    store: Store,
    /// Its number, once it is begun.
    id: Option<i64>,
    /// What seals its chunks, where they are sealed: the same for all.
    key: Option<ChunkKey>,
    /// Chunks that are written.
    chunks: i32,
    size: u64,
    hash: Hash,
    /// What is not a chunk yet.
    rest: Vec<u8>,
}

struct Hash(Context);

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hash")
    }
}

impl BlobWriter {
    /// Adds bytes; they are written as chunks come full.
    ///
    /// # Errors
    /// StorageFull; Unavailable, also where the database has no place for blobs yet.
    pub async fn push(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let room = BLOB_CHUNK_BYTES.saturating_sub(self.rest.len());
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.rest.extend_from_slice(now);
            if self.rest.len() == BLOB_CHUNK_BYTES {
                self.write().await?;
            }
            bytes = later;
        }
        Ok(())
    }

    /// Writes what is left, and names the whole. It is kept once a version is committed with it.
    ///
    /// # Errors
    /// As [`BlobWriter::push`].
    pub async fn finish(mut self) -> Result<Blob> {
        if !self.rest.is_empty() || self.id.is_none() {
            self.write().await?;
        }
        let id = self.id.ok_or_else(|| Error::internal("a blob without a number"))?;
        let sha256 =
            <[u8; 32]>::try_from(self.hash.0.finish().as_ref()).map_err(Error::internal)?;
        // In the clear it would tell what the content is to whoever has a guess.
        let sha256 = match self.key {
            Some(_) => self.store.sealer.keyed(&sha256)?,
            None => sha256,
        };
        Ok(Blob { id, size: self.size, sha256 })
    }

    async fn write(&mut self) -> Result<()> {
        self.store.ground.reserve.admit()?;
        self.hash.0.update(&self.rest);
        self.size += u64::try_from(self.rest.len()).map_err(Error::internal)?;
        self.begin_sealed().await?;
        let bytes = match (&self.key, self.id) {
            (Some(key), Some(id)) => Cow::Owned(key.seal(id, self.chunks, &self.rest)?),
            _ => Cow::Borrowed(self.rest.as_slice()),
        };
        let query = match self.id {
            None => sqlx::query(FIRST).bind(&*bytes),
            Some(id) => sqlx::query(NEXT).bind(&*bytes).bind(id).bind(self.chunks),
        };
        self.id = Some(self.store.blob_of(query).await?);
        self.chunks += 1;
        self.rest.clear();
        Ok(())
    }

    async fn begin_sealed(&mut self) -> Result<()> {
        if self.id.is_none()
            && let Some(key) = self.store.sealer.chunk_key()?
        {
            let query = sqlx::query(SEALED).bind(key.number());
            self.id = Some(self.store.blob_of(query).await?);
            self.key = Some(key);
        }
        Ok(())
    }
}

/// Servers run on the schema before their own too, which has no table for blobs.
fn no_place(error: Error) -> Error {
    if !has_code(&error, NO_TABLE) {
        return error;
    }
    let text =
        "The database has no place for content of this size. Run `carebridge migrate` first.";
    Error { cause: error.cause, ..Error::new(Kind::Unavailable, text) }
}

impl Store {
    /// Begins to take content in.
    #[must_use]
    pub fn blob_writer(&self) -> BlobWriter {
        BlobWriter {
            store: self.clone(),
            id: None,
            key: None,
            chunks: 0,
            size: 0,
            hash: Hash(Context::new(&SHA256)),
            rest: Vec::new(),
        }
    }

    /// A chunk, from 0, of the content of a version that was read; `None` behind the last.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn blob_chunk(&self, version: &Stored, number: u64) -> Result<Option<Bytes>> {
        let size = u64::try_from(BLOB_CHUNK_BYTES).map_err(Error::internal)?;
        let Some(blob) = version.blob.filter(|blob| number < blob.size.div_ceil(size)) else {
            return Ok(None);
        };
        let number = i32::try_from(number).map_err(Error::internal)?;
        let query = sqlx::query(CHUNK).bind(blob.id).bind(number);
        let row = self.sessions.fetch_optional(query).await?;
        let row = row.ok_or_else(|| Error::internal("a blob without one of its chunks"))?;
        let bytes: Vec<u8> = row.try_get(0).map_err(StoreError)?;
        let key: Option<i32> = row.try_get(1).map_err(StoreError)?;
        Ok(Some(match key {
            Some(key) => self.sealer.chunk_key_of(key)?.open(blob.id, number, &bytes)?,
            None => bytes.into(),
        }))
    }

    /// Runs a statement that writes a blob or a chunk, and returns the blob's number.
    async fn blob_of(&self, query: Query<'_, Postgres, PgArguments>) -> Result<i64> {
        let row = self.sessions.fetch_optional(query).await.map_err(no_place);
        let row = self.ground.reserve.watch(row).await?;
        let row = row.ok_or_else(|| Error::internal("a chunk without its row"))?;
        Ok(row.try_get(0).map_err(StoreError)?)
    }

    /// Removes content that no version came to need within [`BLOB_UNUSED_MINUTES`]; returns how many.
    pub(crate) async fn sweep_blobs(&self) -> Result<u64> {
        let mut swept = 0;
        loop {
            let query = sqlx::query(SWEEP).bind(BLOB_UNUSED_MINUTES).bind(BLOBS_SWEPT_AT_ONCE);
            match self.sessions.execute(query).await {
                Ok(0) => return Ok(swept),
                Ok(some) => swept += some,
                Err(error) if has_code(&error, NO_TABLE) => return Ok(swept),
                Err(error) => return Err(error),
            }
        }
    }

    /// Commits changes, one or all new, and that their content stays.
    pub(crate) async fn commit_with_blobs(
        &self,
        work: Work,
        once: &Once,
        reach: Option<&Reach>,
    ) -> Result<Applied> {
        let ids = blobs(&work.changes);
        let new = work.changes.iter().all(|change| change.expected == 0);
        let mut open = self.begin().await?;
        let outcome = if new {
            insert(open.connection(), &self.ground, vec![work], once).await
        } else {
            let hold = Hold { reach, locked: true };
            let done = update(open.connection(), &self.ground, &[work], once, hold).await;
            done.map(|applied| applied.len() == 1)
        };
        let applied = self.ground.reserve.watch(settle(outcome)).await?;
        match open.keep_blobs(&ids, applied).await? {
            Applied::Committed => open.commit().await?,
            Applied::Stale | Applied::CriteriaTaken | Applied::KeyRepeated => {
                open.rollback().await?
            }
        }
        Ok(applied)
    }
}

/// Whether changes bring content that is stored already.
pub(crate) fn has_blobs(changes: &[Change]) -> bool {
    changes.iter().any(|change| change.blob.is_some())
}

/// The content that changes bring, each once.
pub(crate) fn blobs(changes: &[Change]) -> Vec<i64> {
    let mut ids: Vec<i64> = changes.iter().filter_map(|change| change.blob).map(|b| b.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl Transaction {
    /// Marks what was just written as having its content for good.
    pub(crate) async fn keep_blobs(&mut self, ids: &[i64], applied: Applied) -> Result<Applied> {
        if applied == Applied::Committed && !ids.is_empty() {
            keep(self.connection(), ids).await?;
        }
        Ok(applied)
    }
}

/// Fails where one is gone: the sweep was first, because the upload took too long.
async fn keep(connection: &mut PgConnection, ids: &[i64]) -> Result<()> {
    let kept: i64 = sqlx::query_scalar(
        "with kept as (
             update blob set used = true where blob = any($1) and not used returning blob
         )
         select count(*) from (
             select blob from kept union select blob from blob where blob = any($1) and used) b",
    )
    .bind(ids)
    .fetch_one(connection)
    .await
    .map_err(StoreError)?;
    if usize::try_from(kept).is_ok_and(|kept| kept == ids.len()) {
        return Ok(());
    }
    Err(Error::new(Kind::Unavailable, "The content took too long to be sent. Send it again."))
}
