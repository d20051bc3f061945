//! Reading the record, newest first: all of it, or what names a patient or a person, for which the seals say where
//! to look. What is not sealed yet comes before the newest seal.

use canonical_model::Result;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row};

use crate::connect::{Role, options};
use crate::error::StoreError;
use crate::limits::{JOURNAL_ROWS_AT_ONCE, JOURNAL_SEALS_AT_ONCE, JOURNAL_STRETCHES_MAX};
use crate::sessions::Sessions;

/// One row of the record.
#[derive(Clone, Debug)]
#[expect(
    missing_docs,
    reason = "as the columns, which 0004_journal.sql and 0011_security.sql describe"
)]
pub struct JournalRow {
    pub key: JournalKey,
    pub at: DateTime<Utc>,
    pub request_id: String,
    pub action: i16,
    pub status: i16,
    pub kind: Option<i16>,
    pub version: Option<i32>,
    pub id: Option<String>,
    pub client: String,
    pub subject: Option<String>,
    pub token_id: String,
    pub detail: Option<String>,
    pub interaction: Option<i16>,
    pub patients: Vec<i64>,
    pub person: Option<String>,
    pub address: Option<String>,
    pub purpose: Option<String>,
    pub rules: Option<String>,
    pub recipient: Option<String>,
}

/// A row's place in the record: rows are read from high to low.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JournalKey {
    /// The era.
    pub era: i32,
    /// The transaction; 0 for a row of before there were any.
    pub tx: i64,
    /// The row's number.
    pub audit_id: i64,
}

/// Which rows.
#[derive(Clone, Debug, Default)]
pub struct JournalQuery {
    /// About this patient, by identity.
    pub patient: Option<i64>,
    /// By this person, as `Practitioner/1`.
    pub person: Option<String>,
    /// By this client.
    pub client: Option<String>,
    /// At or after.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
    /// With one of these actions, numbered as in the database; none is any.
    pub actions: Vec<i16>,
    /// With an HTTP status in one of these ranges, both ends included; none is any.
    pub statuses: Vec<(i16, i16)>,
    /// What was disclosed for other purposes than treatment, payment and operations.
    pub disclosures: bool,
    /// Behind this place.
    pub behind: Option<JournalKey>,
}

/// Rows, and where to go on; `None` at the end.
#[derive(Clone, Debug, Default)]
pub struct JournalPage {
    /// The rows.
    pub rows: Vec<JournalRow>,
    /// Behind which place there may be more.
    pub next: Option<JournalKey>,
}

/// Reads the record, as the role that may and that changes nothing of it.
#[derive(Clone, Debug)]
pub struct Journal {
    sessions: Sessions,
}

/// Where rows of one seal are.
struct Place {
    era: i32,
    month: NaiveDate,
    tx: (i64, i64),
    ids: (i64, i64),
    count: i32,
}

const COLUMNS: &str = "coalesce(a.tx, 0) as tx, a.audit_id, a.at, a.request_id, a.action, a.status, a.type, a.version,
    a.id, a.client, a.subject, a.token_id, a.detail, a.interaction, a.patients, a.person, host(a.address) as address,
    a.purpose, a.rules, a.recipient";

/// The parameters $1 to $9.
const WANTED: &str = "($1::bigint is null or $1 = any (a.patients)) and ($2::text is null or a.person = $2)
    and ($3::text is null or a.client = $3)
    and a.at >= coalesce($4, '-infinity'::timestamptz) and a.at < coalesce($5, 'infinity'::timestamptz)
    and (cardinality($6::int2[]) = 0 or a.action = any ($6))
    and (cardinality($7::int2[]) = 0
        or exists (select from unnest($7, $8::int2[]) s (lo, hi) where a.status between s.lo and s.hi))
    and (not $9 or a.action in (9, 10)
        and coalesce(a.purpose, '') not in ('TREAT', 'HPAYMT', 'HOPERAT'))";

impl Journal {
    /// Connects when it reads.
    ///
    /// # Errors
    /// Invalid for a URL that is none.
    pub fn new(url: &str) -> Result<Self> {
        Ok(Self { sessions: Sessions::new("journal", options(url, Role::Review)?, 2) })
    }

    /// Gives the connections back.
    pub async fn close(&self) {
        self.sessions.close().await;
    }

    /// The next rows, as many as are wanted or fewer: a walk that finds little ends early, and goes on from `next`.
    ///
    /// # Errors
    /// Unavailable.
    pub async fn page(&self, query: &JournalQuery, wanted: usize) -> Result<JournalPage> {
        let mut page = JournalPage::default();
        let (sealed, floor) = self.sealed().await?;
        if query.behind.is_none_or(|behind| behind > sealed) {
            page.rows = self.unsealed(query, sealed, floor, wanted + 1).await?;
        }
        let mut behind = query.behind;
        for _ in 0..JOURNAL_STRETCHES_MAX {
            if page.rows.len() > wanted {
                page.rows.truncate(wanted);
                page.next = page.rows.last().map(|row| row.key);
                return Ok(page);
            }
            let places = self.places(query, behind).await?;
            let Some(last) = places.last() else {
                page.next = None;
                return Ok(page);
            };
            (behind, page.next) = (Some(last.lowest()), Some(last.lowest()));
            let more = wanted + 1 - page.rows.len();
            page.rows.extend(self.under(query, &places, more).await?);
        }
        if page.rows.len() > wanted {
            page.rows.truncate(wanted);
            page.next = page.rows.last().map(|row| row.key);
        }
        Ok(page)
    }

    /// One row, by its time and number.
    ///
    /// # Errors
    /// Unavailable.
    pub async fn row(&self, at: DateTime<Utc>, audit_id: i64) -> Result<Option<JournalRow>> {
        let text =
            format!("select {COLUMNS}, 0 as era from audit a where a.at = $1 and a.audit_id = $2");
        let query =
            sqlx::query(sqlx::AssertSqlSafe(text)).persistent(false).bind(at).bind(audit_id);
        self.sessions.fetch_optional(query).await?.map(|row| read(&row)).transpose()
    }
}

impl Journal {
    /// The last place that is sealed, and above which number the rows of its era are.
    async fn sealed(&self) -> Result<(JournalKey, i64)> {
        let query = sqlx::query(
            "select s.era, s.tx_lo, s.tx_hi, s.id_hi, coalesce(e.floor, 0) as floor
             from (select era, tx_lo, tx_hi, id_hi from audit_seal order by seal desc limit 1) s
             left join lateral (select max(id_hi) as floor from audit_seal where s.era > 0 and era < s.era) e on true",
        );
        let none = JournalKey { era: 0, tx: 0, audit_id: 0 };
        let Some(row) = self.sessions.fetch_optional(query).await? else { return Ok((none, 0)) };
        let number = |name: &str| row.try_get::<i64, _>(name).map_err(StoreError);
        let (first, last) = (number("tx_lo")?, number("tx_hi")?);
        let audit_id = if first == last { number("id_hi")? } else { i64::MAX };
        let era = row.try_get("era").map_err(StoreError)?;
        Ok((JournalKey { era, tx: last, audit_id }, number("floor")?))
    }

    async fn unsealed(
        &self,
        query: &JournalQuery,
        sealed: JournalKey,
        floor: i64,
        limit: usize,
    ) -> Result<Vec<JournalRow>> {
        let JournalKey { era, tx, audit_id } = sealed;
        let after = match tx {
            0 => format!("(a.tx > 0 or a.tx is null and a.audit_id > {audit_id})"),
            _ => format!("a.tx > {tx} and a.audit_id > {floor}"),
        };
        let text = format!(
            "select {COLUMNS}, {era} as era from audit a where {after} and {WANTED} and {}
             order by a.tx desc nulls last, a.audit_id desc limit {limit}",
            before(era, query.behind)
        );
        let rows = self
            .sessions
            .fetch_all(wanted(sqlx::query(sqlx::AssertSqlSafe(text)).persistent(false), query));
        rows.await?.iter().map(read).collect()
    }

    /// The next seals that may have such rows, few enough to be looked through at once.
    async fn places(&self, query: &JournalQuery, behind: Option<JournalKey>) -> Result<Vec<Place>> {
        let from = match (query.patient, &query.person) {
            (Some(_), _) => "audit_patient n join audit_seal s using (seal) where n.patient = $1",
            (None, Some(_)) => "audit_person n join audit_seal s using (seal) where n.person = $2",
            (None, None) => "audit_seal s where true",
        };
        let text = format!(
            "select s.era, s.month, s.tx_lo, s.tx_hi, s.id_lo, s.id_hi, s.count from {from}
                and ($1::bigint is null or true) and ($2::text is null or true)
                and s.month >= date_trunc('month', coalesce($3, '-infinity'::timestamptz), 'UTC') - interval '1 day'
                and s.month < coalesce($4, 'infinity'::timestamptz)
                and ($5::int4 is null or (s.era, s.tx_lo, case when s.tx_lo = s.tx_hi then s.id_lo else 0 end)
                    < ($5, $6::bigint, $7::bigint))
             order by s.seal desc limit {JOURNAL_SEALS_AT_ONCE}"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .persistent(false)
            .bind(query.patient)
            .bind(query.person.as_deref())
            .bind(query.from)
            .bind(query.to)
            .bind(behind.map(|behind| behind.era))
            .bind(behind.map(|behind| behind.tx))
            .bind(behind.map(|behind| behind.audit_id));
        let rows = self.sessions.fetch_all(rows).await?;
        let mut places: Vec<Place> = Vec::new();
        let mut count = 0;
        for row in &rows {
            let place = Place::of(row).map_err(StoreError)?;
            let other = places.last().is_some_and(|last| (last.tx.1 == 0) != (place.tx.1 == 0));
            count += place.count;
            if other || (count > JOURNAL_ROWS_AT_ONCE && !places.is_empty()) {
                break;
            }
            places.push(place);
        }
        Ok(places)
    }

    /// The rows under these seals.
    async fn under(
        &self,
        query: &JournalQuery,
        places: &[Place],
        limit: usize,
    ) -> Result<Vec<JournalRow>> {
        let tx = match places.first() {
            Some(first) if first.tx.1 == 0 => "a.tx is null",
            _ => "a.tx >= s.tx_lo and a.tx <= s.tx_hi",
        };
        let behind = query.behind.map_or("true".to_owned(), |JournalKey { era, tx, audit_id }| {
            format!("(a.era, a.tx, a.audit_id) < ({era}, {tx}, {audit_id})")
        });
        let text = format!(
            "select * from (
                select s.era, a.* from unnest($10::int4[], $11::date[], $12::bigint[], $13::bigint[], $14::bigint[],
                    $15::bigint[]) s (era, month, tx_lo, tx_hi, id_lo, id_hi)
                cross join lateral (
                    select {COLUMNS} from audit a
                    where {tx} and a.audit_id between s.id_lo and s.id_hi
                        and a.at >= s.month::timestamp at time zone 'UTC'
                        and a.at < (s.month + interval '1 month') at time zone 'UTC' and {WANTED}) a
                ) a
             where {behind} order by a.era desc, a.tx desc, a.audit_id desc limit {limit}"
        );
        let each = |one: fn(&Place) -> i64| places.iter().map(one).collect::<Vec<i64>>();
        let rows = wanted(sqlx::query(sqlx::AssertSqlSafe(text)).persistent(false), query)
            .bind(places.iter().map(|place| place.era).collect::<Vec<_>>())
            .bind(places.iter().map(|place| place.month).collect::<Vec<_>>())
            .bind(each(|place| place.tx.0))
            .bind(each(|place| place.tx.1))
            .bind(each(|place| place.ids.0))
            .bind(each(|place| place.ids.1));
        self.sessions.fetch_all(rows).await?.iter().map(read).collect()
    }
}

/// Binds the parameters of [`WANTED`].
fn wanted<'a>(
    text: Query<'a, Postgres, PgArguments>,
    query: &'a JournalQuery,
) -> Query<'a, Postgres, PgArguments> {
    text.bind(query.patient)
        .bind(query.person.as_deref())
        .bind(query.client.as_deref())
        .bind(query.from)
        .bind(query.to)
        .bind(&query.actions)
        .bind(query.statuses.iter().map(|(lo, _)| *lo).collect::<Vec<_>>())
        .bind(query.statuses.iter().map(|(_, hi)| *hi).collect::<Vec<_>>())
        .bind(query.disclosures)
}

fn before(era: i32, behind: Option<JournalKey>) -> String {
    match behind {
        Some(JournalKey { era: other, tx, audit_id }) if other == era => {
            format!("(coalesce(a.tx, 0), a.audit_id) < ({tx}, {audit_id})")
        }
        _ => "true".to_owned(),
    }
}

impl Place {
    fn of(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            era: row.try_get("era")?,
            month: row.try_get("month")?,
            tx: (row.try_get("tx_lo")?, row.try_get("tx_hi")?),
            ids: (row.try_get("id_lo")?, row.try_get("id_hi")?),
            count: row.try_get("count")?,
        })
    }

    /// Below every row of it, above every row of the seals before.
    fn lowest(&self) -> JournalKey {
        let audit_id = if self.tx.0 == self.tx.1 { self.ids.0 } else { 0 };
        JournalKey { era: self.era, tx: self.tx.0, audit_id }
    }
}

fn read(row: &PgRow) -> Result<JournalRow> {
    decode(row).map_err(|fault| StoreError(fault).into())
}

fn decode(row: &PgRow) -> sqlx::Result<JournalRow> {
    let (era, tx, audit_id) = (row.try_get("era")?, row.try_get("tx")?, row.try_get("audit_id")?);
    Ok(JournalRow {
        key: JournalKey { era, tx, audit_id },
        at: row.try_get("at")?,
        request_id: row.try_get("request_id")?,
        action: row.try_get("action")?,
        status: row.try_get("status")?,
        kind: row.try_get("type")?,
        version: row.try_get("version")?,
        id: row.try_get("id")?,
        client: row.try_get("client")?,
        subject: row.try_get("subject")?,
        token_id: row.try_get("token_id")?,
        detail: row.try_get("detail")?,
        interaction: row.try_get("interaction")?,
        patients: row.try_get::<Option<_>, _>("patients")?.unwrap_or_default(),
        person: row.try_get("person")?,
        address: row.try_get("address")?,
        purpose: row.try_get("purpose")?,
        rules: row.try_get("rules")?,
        recipient: row.try_get("recipient")?,
    })
}
