//! What heads are indexed with: one state for all servers of a database, and how it is changed
//! ([ADR 0008](../../../docs/adr/0008-search-parameters.md)).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use canonical_model::{ResourceType, Result};
use search::{Form, Hasher, INDEX_FORM, Key};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::Store;
use crate::error::{NO_COLUMN, NO_TABLE, StoreError, has_code};
use crate::ground::Ground;
use crate::lack::{Lack, Mark, ends_of_all};
use crate::limits::GOAL_WAIT_MS;
use crate::reindex::Indexing;

/// What heads are indexed with, and how far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexState {
    /// Names all that heads are to be indexed with; 0 where nobody has said.
    pub goal: i64,
    /// The versions of SearchParameter resources that the goal is of, summed up.
    pub seen: i64,
    /// The same of those that there are now.
    pub newest: i64,
    /// Digests of the goal's search parameters that are resources here.
    pub params: Vec<i64>,
    built: Vec<i64>,
    aim: i16,
    seals: i64,
    form: i16,
    types: Vec<i16>,
    place: Indexing,
    due: bool,
    some: bool,
    sealed: bool,
    /// More with each end of some work; see [`ends_of_all`].
    ended: i64,
    /// Of the keys that were asked for, those that there are resources under.
    present: Vec<Key>,
    /// What this server seals.
    own_seals: i64,
}

/// A search parameter of the goal: what names it, and the types that it applies to.
pub type GoalParam = (i64, Vec<ResourceType>);

/// How a new goal was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// It stands.
    Done,
    /// The definitions it was made of have changed since: read them again.
    Outdated,
    /// Another server's goal stands, with another form, other seals, or another reading of the same
    /// definitions; or the schema has no place for one.
    NotOurs,
}

impl IndexState {
    /// What the index lacks for this server's searches; `None` where it is whole.
    #[must_use]
    pub fn lack(&self) -> Option<Lack> {
        if self.form < INDEX_FORM {
            Some(Lack::Building(self.place.percent()))
        } else if !self.suits(self.own_seals) {
            Some(Lack::Foreign)
        } else {
            self.due.then_some(Lack::Building(99))
        }
    }

    /// What it lacks for this search parameter.
    #[must_use]
    pub fn lack_of(&self, digest: i64) -> Option<Lack> {
        let unbuilt = !self.built.contains(&digest);
        self.lack().or_else(|| unbuilt.then(|| Lack::Building(self.place.percent())))
    }

    /// What it lacked for this search parameter at some time between two looks. Between them it may have been
    /// written by another goal, or begun anew, and ended: the end counts.
    #[must_use]
    pub fn lack_between(before: &Self, after: &Self, digest: i64) -> Option<Lack> {
        let ended = before.ended != after.ended;
        let lack = before.lack_of(digest).or_else(|| after.lack_of(digest));
        lack.or_else(|| ended.then_some(Lack::Building(99)))
    }

    /// Whether there were resources under a key that was asked for.
    #[must_use]
    pub fn has(&self, key: Key) -> bool {
        self.present.contains(&key)
    }

    fn mark(&self, hasher: &Hasher) -> Mark {
        let unindexed = ResourceType::all().filter(|kind| self.has(hasher.unindexed(*kind)));
        Mark {
            lack: self.lack(),
            ended: ends_of_all(self.ended),
            unindexed: if self.present.is_empty() { Arc::default() } else { unindexed.collect() },
        }
    }

    /// How far the work is; `None` where there is none.
    #[must_use]
    pub fn work(&self) -> Option<Indexing> {
        let walking = self.form < INDEX_FORM || !self.types.is_empty();
        (walking || self.due).then_some(self.place)
    }

    pub(crate) fn is_walking(&self) -> bool {
        self.form < INDEX_FORM || !self.types.is_empty()
    }

    fn of(row: &PgRow, own_seals: i64) -> Result<Self> {
        let get =
            |row: &PgRow, name: &str| -> Result<i64> { Ok(row.try_get(name).map_err(StoreError)?) };
        Ok(Self {
            goal: get(row, "goal")?,
            seen: get(row, "seen")?,
            newest: get(row, "newest")?,
            params: row.try_get("params").map_err(StoreError)?,
            built: row.try_get("built").map_err(StoreError)?,
            aim: row.try_get("aim").map_err(StoreError)?,
            seals: get(row, "seals")?,
            form: row.try_get("form").map_err(StoreError)?,
            types: row.try_get("types").map_err(StoreError)?,
            place: Indexing { reached: get(row, "reached")?, last: get(row, "last")? },
            due: row.try_get("due").map_err(StoreError)?,
            some: row.try_get("some").map_err(StoreError)?,
            sealed: row.try_get("sealed").map_err(StoreError)?,
            ended: get(row, "ended")?,
            present: row.try_get("present").map_err(StoreError)?,
            own_seals,
        })
    }

    /// Whether heads have the form and the seals that a goal asks for, or are on the way there. An index of
    /// the schema before, which noted no seals, has them where nothing was ever sealed.
    fn suits(&self, seals: i64) -> bool {
        match self.aim {
            0 => self.form == INDEX_FORM && seals == 0 && !self.sealed,
            aim => aim == INDEX_FORM && self.seals == seals,
        }
    }

    /// Whether a server that asks for this form, for definitions up to `seen`, may set the goal: at its start,
    /// where nobody has, or where the definitions have changed since. Else another server reads the same ones
    /// differently, and the first stands: they would take turns without an end.
    fn yields(&self, form: &Form, seen: i64, starting: bool) -> bool {
        let changed = self.suits(form.seals) && self.seen != seen;
        changed || self.aim == 0 || (starting && self.aim <= INDEX_FORM)
    }
}

impl Store {
    /// What heads are indexed with, and how far; `None` where the schema before has no place for it.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn index_state(&self) -> Result<Option<IndexState>> {
        let keys: Vec<Key> =
            ResourceType::all().map(|kind| self.hasher().unindexed(kind)).collect();
        let state = self.ask_index(true, &keys).await?;
        if let Some(state) = &state {
            self.note(state.mark(self.hasher()));
        }
        Ok(state)
    }

    /// The same for searches: without asking whether the definitions changed, so that `newest` is what was
    /// seen, but whether there are resources under some keys. Of those that searches go by without asking, what
    /// was known stands; where work has ended since, that is asked again too.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn index_now(&self, keys: &[Key]) -> Result<Option<IndexState>> {
        let state = self.ask_index(false, keys).await?;
        if let Some(state) = &state {
            let (known, now) = (self.index_mark(), state.mark(self.hasher()));
            if known.ended == now.ended && (known.lack.is_none() || now.lack.is_some()) {
                self.note(Mark { unindexed: known.unindexed, ..now });
            } else {
                self.index_state().await?;
            }
        }
        Ok(state)
    }

    async fn ask_index(&self, definitions: bool, keys: &[Key]) -> Result<Option<IndexState>> {
        let mut session = self.sessions.take().await?;
        let outcome = state(&mut session, &self.ground, definitions, keys).await;
        let state = session.settle(outcome);
        let state = match state {
            Err(error) if has_code(&error, NO_TABLE) || has_code(&error, NO_COLUMN) => None,
            state => Some(state?),
        };
        Ok(state)
    }

    /// Makes this what heads are to be indexed with, if it is not; what is not yet indexed so is done in the
    /// background. Waits for the writes that are under way, so that none of them is missed.
    ///
    /// # Errors
    /// Conflict where they take too long: try again; Unavailable or Internal.
    pub async fn adopt(
        &self,
        form: &Form,
        params: &[GoalParam],
        seen: i64,
        starting: bool,
    ) -> Result<Adopted> {
        let Some(known) = self.index_state().await? else { return Ok(Adopted::NotOurs) };
        if known.goal == form.goal && known.seen == seen {
            return Ok(Adopted::Done);
        }
        if known.goal == form.goal {
            // Other definitions that come to the same.
            let query = sqlx::query("update index_state set seen = $1 where goal = $2");
            self.sessions.execute(query.bind(seen).bind(form.goal)).await?;
            return Ok(Adopted::Done);
        }
        if !known.yields(form, seen, starting) {
            return Ok(Adopted::NotOurs);
        }
        let mut open = self.begin().await?;
        let ground = &self.ground;
        let adopted = exchange(open.connection(), ground, form, params, seen, starting).await?;
        match adopted {
            Adopted::Done => open.commit().await?,
            Adopted::Outdated | Adopted::NotOurs => open.rollback().await?,
        }
        self.index_state().await?;
        Ok(adopted)
    }
}

async fn state(
    connection: &mut PgConnection,
    ground: &Ground,
    definitions: bool,
    keys: &[Key],
) -> Result<IndexState> {
    let row = sqlx::query(include_str!("../queries/index_state.sql"))
        .bind(ResourceType::SEARCH_PARAMETER.number())
        .bind(definitions)
        .bind(keys)
        .fetch_one(connection)
        .await
        .map_err(StoreError)?;
    ground.record.store(row.try_get("record").map_err(StoreError)?, Ordering::Relaxed);
    IndexState::of(&row, ground.seals)
}

/// Under a lock that no statement of a writer passes: each has read the goal before, and is done, or will
/// read the new one.
async fn exchange(
    connection: &mut PgConnection,
    ground: &Ground,
    form: &Form,
    params: &[GoalParam],
    seen: i64,
    starting: bool,
) -> Result<Adopted> {
    for statement in [GOAL_WAIT_MS, "lock table index_state in access exclusive mode"] {
        sqlx::query(statement).execute(&mut *connection).await.map_err(StoreError)?;
    }
    let state = state(connection, ground, true, &[]).await?;
    if state.newest != seen {
        return Ok(Adopted::Outdated);
    }
    if state.goal == form.goal && state.seen == seen {
        return Ok(Adopted::Done);
    }
    if !state.yields(form, seen, starting) {
        return Ok(Adopted::NotOurs);
    }
    let anew = !state.suits(form.seals);
    let reached = match (state.some, anew) {
        (false, _) => INDEX_FORM,
        (true, true) => state.form.min(INDEX_FORM - 1),
        (true, false) => state.form,
    };
    let mine: Vec<i64> = params.iter().map(|(digest, _)| *digest).collect();
    let changed = params_changed(connection, params, &mine).await?;
    if anew && state.some {
        let query = sqlx::query("update index_param set built = false");
        query.execute(&mut *connection).await.map_err(StoreError)?;
    }
    // Where all heads are walked, those of every type are.
    let mut types =
        if reached < INDEX_FORM { Vec::new() } else { [state.types, changed.clone()].concat() };
    types.sort_unstable();
    types.dedup();
    let begin = anew || !changed.is_empty();
    sqlx::query(
        "update index_state set goal = $1, aim = $2, seals = $3, seen = $4, form = $5, types = $6,
            reached = case when $7 then 0 else reached end, last = case when $7 then 0 else last end",
    )
    .bind(form.goal)
    .bind(INDEX_FORM)
    .bind(form.seals)
    .bind(seen)
    .bind(reached)
    .bind(types)
    .bind(begin)
    .execute(connection)
    .await
    .map_err(StoreError)?;
    Ok(Adopted::Done)
}

/// Notes the goal's parameters; returns the types of those that came or went. Heads are walked for both: what
/// is no longer known must not fill the index.
async fn params_changed(
    connection: &mut PgConnection,
    params: &[GoalParam],
    mine: &[i64],
) -> Result<Vec<i16>> {
    let gone = sqlx::query_scalar::<_, Vec<i16>>(
        "delete from index_param where digest <> all ($1) returning types",
    );
    let gone = gone.bind(mine).fetch_all(&mut *connection).await.map_err(StoreError)?;
    let mut changed = gone.concat();
    for (digest, types) in params {
        let types: Vec<i16> = types.iter().map(|kind| kind.number()).collect();
        let query = sqlx::query(
            "insert into index_param (digest, types, built) values ($1, $2, false) on conflict do nothing",
        );
        let query = query.bind(digest).bind(&types);
        let done = query.execute(&mut *connection).await.map_err(StoreError)?;
        if done.rows_affected() > 0 {
            changed.extend(types);
        }
    }
    Ok(changed)
}
