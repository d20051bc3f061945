//! Leaves and the chain over them: what is digested, byte for byte. It never changes for what is sealed; a
//! release that gives the record another column adds a form and says in each seal which it has.

use aws_lc_rs::digest::{Context, SHA256};

/// A digest of SHA-256.
pub(crate) type Digest = [u8; 32];

/// The first byte of what a leaf digests: these columns, in this order, each as PostgreSQL writes it in binary,
/// behind its length (-1: null).
const FORM: u8 = 1;

/// The columns of a row's leaf: all but `audit_id`, which the chain adds.
pub(crate) const LEAF_COLUMNS: &str = "tx, at, request_id, action, status, type, version, id, client, subject, \
    token_id, detail, interaction, patients, person, address, purpose, rules, recipient";

/// Where the chain begins.
pub(crate) const GENESIS: Digest = [0; 32];

/// Bytes of a seal's list for each row: 4 of how far its number is from the seal's lowest, 12 of its leaf. They
/// locate what differs; the chain proves it.
pub(crate) const LISTED_BYTES: usize = 16;

/// The leaf of a row, from its columns as they came.
pub(crate) fn leaf(columns: &[u8]) -> Digest {
    digest(&[&[FORM], columns])
}

/// The head behind one more row.
pub(crate) fn next(head: &Digest, audit_id: i64, leaf: &Digest) -> Digest {
    digest(&[head, &audit_id.to_be_bytes(), leaf])
}

fn digest(parts: &[&[u8]]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_today_is_proven_with_the_next_release_too() {
        let leaf = leaf(&[0, 0, 0, 1, 7, 255, 255, 255, 255]);
        let head = next(&GENESIS, 42, &leaf);
        let hex = |digest: &Digest| digest.map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(hex(&leaf), "39a71ff45377fb1df1ae92485a6f31cfd1964386c5efadd9c95805b9e022abbb");
        assert_eq!(hex(&head), "223f023442fbbca908b69146c99243943ed4af481d8228f06e24e08ec4b19485");
        assert_ne!(next(&head, 42, &leaf), head);
    }
}
