//! Content that is kept beside its resource, because it is too large to be held in memory whole.

/// Names a stored content. The resource it belongs to stands without the element that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// The store's number of it.
    pub id: i64,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
}
