//! The seals themselves: each in its place in the chain, and signed.

use std::collections::BTreeMap;

use canonical_model::{Error, Result};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::fault::{Fault, FaultKind};
use super::keys::Signers;
use super::rows::Point;
use super::verifier::KnownHead;
use crate::error::StoreError;
use crate::limits::SEALS_READ_AT_ONCE;
use crate::record::chain::{Digest, GENESIS};
use crate::record::rows::Row as AuditRow;
use crate::record::seal::Seal;

/// A seal as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredSeal {
    pub(crate) seal: Seal,
    /// Empty once its month was dropped.
    pub(crate) list: Vec<u8>,
    kid: String,
    signature: Vec<u8>,
}

/// The next seals behind this number.
pub(crate) async fn read(
    connection: &mut PgConnection,
    behind: i64,
    last: i64,
) -> Result<Vec<StoredSeal>> {
    let query = sqlx::query(
        "select * from audit_seal where seal > $1 and seal <= $2 order by seal limit $3",
    );
    let query = query.bind(behind).bind(last).bind(SEALS_READ_AT_ONCE);
    query.fetch_all(connection).await.map_err(StoreError)?.iter().map(StoredSeal::of).collect()
}

impl StoredSeal {
    fn of(row: &PgRow) -> Result<Self> {
        let number = |name: &str| row.try_get::<i64, _>(name).map_err(StoreError);
        let digest = |name: &str| -> Result<Digest> {
            let bytes: Vec<u8> = row.try_get(name).map_err(StoreError)?;
            Digest::try_from(bytes).map_err(|_| Error::internal("a head has 32 bytes"))
        };
        let seal = Seal {
            seal: number("seal")?,
            era: row.try_get("era").map_err(StoreError)?,
            month: row.try_get("month").map_err(StoreError)?,
            tx: (number("tx_lo")?, number("tx_hi")?),
            ids: (number("id_lo")?, number("id_hi")?),
            count: row.try_get("count").map_err(StoreError)?,
            sealed_at: row.try_get("sealed_at").map_err(StoreError)?,
            head_before: digest("head_before")?,
            head: digest("head")?,
        };
        Ok(Self {
            seal,
            list: row.try_get("leaves").map_err(StoreError)?,
            kid: row.try_get("kid").map_err(StoreError)?,
            signature: row.try_get("signature").map_err(StoreError)?,
        })
    }

    /// Whether a row of this place belongs to it.
    pub(crate) fn has(&self, tx: i64, audit_id: i64) -> bool {
        let Seal { tx: (first, last), ids: (lowest, highest), .. } = self.seal;
        match first == last {
            true => tx == first && (lowest..=highest).contains(&audit_id),
            false => (first..=last).contains(&tx),
        }
    }

    /// Whether everything that belongs to it comes before this row.
    pub(crate) fn ends_before(&self, row: &AuditRow) -> bool {
        (row.tx, row.audit_id) > self.end()
    }

    /// The last place that belongs to it.
    pub(crate) fn end(&self) -> Point {
        let Seal { tx: (first, last), ids: (_, highest), .. } = self.seal;
        (last, if first == last { highest } else { i64::MAX })
    }

    /// The place before the first that belongs to it.
    pub(crate) fn before(&self) -> Point {
        let Seal { tx: (first, last), ids: (lowest, _), .. } = self.seal;
        if first == last { (first, lowest - 1) } else { (first - 1, i64::MAX) }
    }

    /// Whether it may be read together with the next one.
    pub(crate) fn goes_with(&self, next: &Self) -> bool {
        self.seal.era == next.seal.era && (self.seal.tx.1 == 0) == (next.seal.tx.1 == 0)
    }
}

/// Follows the chain from seal to seal.
pub(crate) struct Chain<'a> {
    signers: &'a Signers,
    heads: BTreeMap<i64, Vec<&'a KnownHead>>,
    /// The last seal, and its head.
    pub(crate) last: (i64, Digest),
    /// Keys that were used, with the first seal of each.
    pub(crate) used: BTreeMap<String, i64>,
}

impl<'a> Chain<'a> {
    pub(crate) fn new(signers: &'a Signers, heads: &'a [KnownHead]) -> Self {
        let mut known = BTreeMap::<i64, Vec<&KnownHead>>::new();
        heads.iter().for_each(|head| known.entry(head.seal).or_default().push(head));
        Self { signers, heads: known, last: (0, GENESIS), used: BTreeMap::new() }
    }

    /// Looks at the next one; also whether seals are missing before it.
    pub(crate) fn follow(&mut self, stored: &StoredSeal, faults: &mut Vec<Fault>) -> bool {
        let StoredSeal { seal, kid, signature, .. } = stored;
        let number = seal.seal;
        let expected = self.last.0 + 1;
        let missing = number != expected;
        let mut fault = |kind, text: String| {
            faults.push(Fault::of(kind, text).in_seal(number).in_month(seal.month));
        };
        if missing {
            let text = format!("the seals {expected} to {} are missing", number - 1);
            fault(FaultKind::Truncation, text);
        } else if seal.head_before != self.last.1 {
            let text = format!("seal {number} does not go on where seal {} ended", self.last.0);
            fault(FaultKind::Rewrite, text);
        }
        if !self.signers.proves(kid, &seal.message(), signature) {
            fault(FaultKind::Rewrite, format!("seal {number} is not signed by the key {kid}"));
        }
        if let Some(known) = self.heads.get(&number)
            && known.iter().any(|known| known.head != seal.head)
        {
            let text = format!("seal {number} has another head than the one that is known of it");
            fault(FaultKind::Rewrite, text);
        }
        self.used.entry(kid.clone()).or_insert(number);
        self.last = (number, seal.head);
        missing
    }

    /// What is known of seals beyond the last.
    pub(crate) fn end(&self, faults: &mut Vec<Fault>) {
        if let Some((number, _)) = self.heads.range(self.last.0 + 1..).next_back() {
            let last = self.last.0;
            let text =
                format!("the chain ends with seal {last} and is known to have had seal {number}");
            faults.push(Fault::of(FaultKind::Truncation, text).in_seal(*number));
        }
        faults.extend(self.signers.foreign(&self.used));
    }
}
