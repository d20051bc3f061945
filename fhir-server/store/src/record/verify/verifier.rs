//! The whole of it: seals in order, their rows in stretches, then what should not be there at all.

use std::collections::BTreeMap;

use canonical_model::Result;
use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::{PgConnection, Row};

use super::changes::unrecorded;
use super::fault::{Fault, FaultKind};
use super::keys::Signers;
use super::months;
use super::rows::{Era, Found, Point};
use super::seals::{self, Chain, StoredSeal};
use crate::connect::{Role, options};
use crate::error::StoreError;
use crate::keys::Keys;
use crate::limits::{SEALED_AT_ONCE, VERIFY_STATEMENT_MS_MAX};
use crate::record::chain::Digest;
use crate::record::seal::Head;
use crate::sessions::Sessions;

/// Where the chain stood at some time, as it was taken away then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownHead {
    /// The seal.
    pub seal: i64,
    /// Its head.
    pub head: [u8; 32],
}

/// What is to be verified.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Only rows of this month and later ones.
    pub from: Option<NaiveDate>,
    /// Only rows of this month and earlier ones.
    pub to: Option<NaiveDate>,
    /// Heads that are known from elsewhere.
    pub heads: Vec<KnownHead>,
    /// Whether each version must have its row.
    pub changes: bool,
    /// What is older than this must be sealed; without it any row may wait.
    pub sealed_until: Option<DateTime<Utc>>,
}

/// Rows that nobody can prove yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsealed {
    /// How many.
    pub rows: i64,
    /// The time of the oldest.
    pub since: Option<DateTime<Utc>>,
}

impl Unsealed {
    /// What waits for longer than it may.
    fn fault(&self, sealed_until: Option<DateTime<Utc>>) -> Option<Fault> {
        let since = self.since.filter(|since| sealed_until.is_some_and(|until| *since < until))?;
        let rows = self.rows;
        let text = format!(
            "sealing stands still: {rows} rows are not sealed, the oldest since {}",
            since.format("%Y-%m-%dT%H:%M:%SZ")
        );
        Some(Fault::of(FaultKind::Unsealed, text))
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// Seals of the chain.
    pub seals: i64,
    /// Rows that were compared with what was sealed.
    pub rows: u64,
    /// Versions that were looked up in the record.
    pub versions: u64,
    /// Months that were dropped and say so.
    pub dropped: Vec<NaiveDate>,
    /// What is not sealed.
    pub unsealed: Unsealed,
    /// Where the chain ends.
    pub head: Option<Head>,
    /// Whether the keys of the seals could be told from foreign ones.
    pub keys_proven: bool,
    /// Everything that is wrong.
    pub faults: Vec<Fault>,
    /// Faults beyond those.
    pub more_faults: u64,
}

/// Verifies the record of one database.
#[derive(Debug)]
pub struct Verifier {
    record: Sessions,
    versions: Sessions,
    keys: Keys,
}

/// Where the chain ends, and what comes after.
struct Ends {
    seals: i64,
    rows: i64,
    head: Option<Head>,
    /// Of each era, where its rows are and where its last seal ends.
    eras: BTreeMap<i32, (Era, Point)>,
    /// The next transaction: lower than those that are sealed after a restore, until sealing goes on.
    next: i64,
    /// The last seal of rows without a transaction.
    before: i64,
}

impl Verifier {
    /// Takes the keys, where there are some: without, a foreign key is found only by heads that are known.
    ///
    /// # Errors
    /// Invalid for a URL that is none.
    pub fn new(url: &str, keys: Keys) -> Result<Self> {
        let record = Sessions::new("review", options(url, Role::Review)?, 1);
        let versions = Sessions::new("versions", options(url, Role::Application)?, 1);
        let ms = VERIFY_STATEMENT_MS_MAX;
        Ok(Self { record: record.within(ms), versions: versions.within(ms), keys })
    }

    /// Verifies what is asked for. Servers may go on: what they seal meanwhile is not looked at. `progress` hears
    /// how many rows are done, of how many.
    ///
    /// # Errors
    /// Unavailable where the database cannot be reached or has no seals' tables yet.
    pub async fn verify(
        &self,
        question: &Question,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<Verified> {
        let mut session = self.record.take().await?;
        let mut verified = self.within(&mut session, question, progress).await?;
        if question.changes {
            let mut versions = self.versions.take().await?;
            let time = time(question, verified.dropped.last().copied());
            let (faults, count, more) = unrecorded(&mut versions, &mut session, time).await?;
            verified.versions = count;
            verified.more_faults += more;
            verified.faults.extend(faults);
        }
        Ok(verified)
    }

    async fn within(
        &self,
        connection: &mut PgConnection,
        question: &Question,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<Verified> {
        let signers = Signers::read(connection, &self.keys).await?;
        let ends = Ends::read(connection).await?;
        let (mut faults, mut found) = (Vec::new(), Found::default());
        let mut chain = Chain::new(&signers, &question.heads);
        let all = u64::try_from(ends.rows).unwrap_or(0);
        let mut stretch = Stretch::default();
        loop {
            let page = seals::read(connection, chain.last.0, ends.seals).await?;
            if page.is_empty() {
                break;
            }
            for seal in page {
                let missing = chain.follow(&seal, &mut faults);
                let wanted = question.has(seal.seal.month);
                if missing || !wanted || !stretch.takes(&seal) {
                    stretch.compare(connection, &ends, &mut found).await?;
                    progress(found.rows, all);
                }
                if missing {
                    // What the missing ones covered is theirs.
                    stretch.begin(&seal, seal.before());
                }
                match wanted {
                    true => stretch.take(seal),
                    false => stretch.begin(&seal, seal.end()),
                }
            }
        }
        stretch.compare(connection, &ends, &mut found).await?;
        progress(found.rows, all);
        chain.end(&mut faults);
        let unsealed = ends.rest(connection, &mut found).await?;
        faults.extend(unsealed.fault(question.sealed_until));
        let dropped = months::read(connection, &signers).await?;
        let partitions = months::partitions(connection).await?;
        faults.extend(months::judge(&mut found, &dropped, &partitions));
        faults.append(&mut found.faults);
        faults.extend(found.differing.faults());
        let dropped = dropped.into_keys().filter(|month| question.has(*month)).collect();
        let Found { rows, differing, .. } = found;
        Ok(Verified {
            seals: ends.seals,
            rows,
            versions: 0,
            dropped,
            unsealed,
            head: ends.head,
            keys_proven: signers.proven,
            faults,
            more_faults: differing.more,
        })
    }
}

impl Question {
    fn has(&self, month: NaiveDate) -> bool {
        let end = month.checked_add_months(chrono::Months::new(1)).unwrap_or(month);
        self.from.is_none_or(|from| from < end) && self.to.is_none_or(|to| to >= month)
    }
}

/// From when to when versions are looked up: what was dropped with its months is not asked for.
fn time(question: &Question, dropped: Option<NaiveDate>) -> (DateTime<Utc>, DateTime<Utc>) {
    let after = dropped.and_then(|month| month.checked_add_months(chrono::Months::new(1)));
    let begin = question.from.max(after);
    let end = question.to.and_then(|to| to.checked_add_days(Days::new(1)));
    let midnight = |day: NaiveDate| day.and_hms_opt(0, 0, 0).map(|time| time.and_utc());
    let farthest = DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::UNIX_EPOCH);
    (
        begin.and_then(midnight).unwrap_or(DateTime::UNIX_EPOCH),
        end.and_then(midnight).unwrap_or(farthest),
    )
}

/// Seals whose rows are read together.
#[derive(Default)]
struct Stretch {
    seals: Vec<StoredSeal>,
    rows: i64,
    /// Behind which place their rows begin, in which era.
    behind: (i32, Point),
}

impl Stretch {
    fn takes(&self, next: &StoredSeal) -> bool {
        let full = self.rows + i64::from(next.seal.count) > 4 * SEALED_AT_ONCE;
        !full && self.seals.last().is_none_or(|last| last.goes_with(next))
    }

    fn take(&mut self, seal: StoredSeal) {
        self.rows += i64::from(seal.seal.count);
        self.seals.push(seal);
    }

    /// The next stretch begins behind this place, of this seal's era.
    fn begin(&mut self, seal: &StoredSeal, behind: Point) {
        self.behind = (seal.seal.era, behind);
    }

    async fn compare(
        &mut self,
        connection: &mut PgConnection,
        ends: &Ends,
        found: &mut Found,
    ) -> Result<()> {
        let seals = std::mem::take(&mut self.seals);
        self.rows = 0;
        let (Some(first), Some(last)) = (seals.first(), seals.last()) else { return Ok(()) };
        let (era, _) = ends.era(first.seal.era);
        let behind = match self.behind {
            (before, behind) if before == first.seal.era => behind,
            _ => (0, 0),
        };
        found.compare(connection, era, behind, &seals).await?;
        self.begin(last, last.end());
        Ok(())
    }
}

impl Ends {
    async fn read(connection: &mut PgConnection) -> Result<Self> {
        let eras = sqlx::query(
            "select e.era, e.top, e.before, l.seal, l.tx_lo, l.tx_hi, l.id_hi, l.head, l.sealed_at, l.kid, e.rows,
                pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next
             from (select era, max(seal) as seal, max(id_hi) as top, sum(count)::bigint as rows,
                    max(id_hi) filter (where tx_hi = 0) as before
                from audit_seal group by era) e
             join audit_seal l using (seal) order by e.era",
        );
        let rows = eras.fetch_all(connection).await.map_err(StoreError)?;
        let mut ends = Self {
            seals: 0,
            rows: 0,
            head: None,
            eras: BTreeMap::new(),
            next: i64::MAX,
            before: 0,
        };
        let mut floor = 0;
        for row in &rows {
            let number = |name: &str| row.try_get::<i64, _>(name).map_err(StoreError);
            let (top, tx) = (number("top")?, number("tx_hi")?);
            let id = if number("tx_lo")? == tx { number("id_hi")? } else { i64::MAX };
            let era = Era { floor, ceiling: top };
            ends.eras.insert(row.try_get("era").map_err(StoreError)?, (era, (tx, id)));
            floor = floor.max(top);
            ends.seals = number("seal")?;
            ends.rows += number("rows")?;
            ends.next = number("next")?;
            let before: Option<i64> = row.try_get("before").map_err(StoreError)?;
            ends.before = ends.before.max(before.unwrap_or(0));
            let head: Vec<u8> = row.try_get("head").map_err(StoreError)?;
            ends.head = Some(Head {
                seal: ends.seals,
                head: Digest::try_from(head).unwrap_or_default(),
                sealed_at: row.try_get("sealed_at").map_err(StoreError)?,
                kid: row.try_get("kid").map_err(StoreError)?,
            });
        }
        // Rows of the last era go on.
        if let Some(mut last) = ends.eras.last_entry() {
            last.get_mut().0.ceiling = i64::MAX;
        }
        Ok(ends)
    }

    fn era(&self, era: i32) -> (Era, Point) {
        let all = Era { floor: 0, ceiling: i64::MAX };
        self.eras.get(&era).copied().unwrap_or((all, (0, 0)))
    }

    /// Rows that no seal could have: what is sealed to its end has no more; what is left is not sealed yet.
    async fn rest(&self, connection: &mut PgConnection, found: &mut Found) -> Result<Unsealed> {
        let last = self.eras.last_key_value().map(|(era, _)| *era);
        let (Era { floor, .. }, (tx, id)) = self.era(last.unwrap_or(0));
        for (era, (Era { floor, ceiling }, (tx, id))) in &self.eras {
            if Some(*era) != last {
                let after = format!(
                    "tx >= {tx} and (tx, audit_id) > ({tx}, {id}) and audit_id > {floor} and audit_id <= {ceiling}"
                );
                found.strays(connection, &after).await?;
            }
        }
        // Of a transaction that is sealed, every row is; and none has a number that no transaction has.
        let mut strays = vec!["tx <= 0".to_owned()];
        if tx > 0 {
            strays.push(format!("tx = {tx} and audit_id > {id} and audit_id > {floor}"));
        }
        if tx > 0 || last > Some(0) {
            strays.push(format!("tx is null and audit_id > {}", self.before));
        }
        if tx < self.next {
            let next = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
            strays.push(format!("tx >= {next} and audit_id > {floor}"));
        }
        for condition in strays {
            found.strays(connection, &condition).await?;
        }
        let condition = match tx {
            0 => format!("tx > 0 or tx is null and audit_id > {}", self.before),
            _ => format!("tx > {tx} and audit_id > {floor}"),
        };
        let rows = sqlx::AssertSqlSafe(format!(
            "select count(*) as rows, min(at) as since from audit where {condition}"
        ));
        let row = sqlx::query(rows).fetch_one(connection).await.map_err(StoreError)?;
        Ok(Unsealed {
            rows: row.try_get("rows").map_err(StoreError)?,
            since: row.try_get("since").map_err(StoreError)?,
        })
    }
}
