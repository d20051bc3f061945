//! Where key-encryption keys are kept: a file for one machine, AWS Key Management Service for production.
//!
//! **Architecture invariant:** what is here never sees data, only the keys of it. Its one address is named by the
//! operator, so it does not go through the door for URLs that come out of data.

mod aws;
mod file;
pub mod limits;
mod sigv4;

pub use aws::{AwsKms, AwsSettings};
pub use file::FileKek;
pub use sigv4::Credentials;
