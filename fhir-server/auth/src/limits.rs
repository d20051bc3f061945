//! Every limit of this crate, with its unit and its reason.

/// Body of a token request, in bytes. Room for a client assertion; a form has no reason for more.
pub const FORM_BYTES_MAX: usize = 16 * 1_024;
/// How long a request below `/auth` may take, in seconds, from its first byte to its answer: 16 KB over a bad line,
/// and the keys of a client fetched meanwhile.
pub const FORM_S_MAX: u64 = 15;
/// Parameters of a token request. OAuth and SMART name about a dozen.
pub const FORM_PARAMETERS_MAX: usize = 32;
/// Length of a bearer token, in bytes: what servers accept as one header.
pub const TOKEN_BYTES_MAX: usize = 8_192;
/// Life of a backend client's token, in seconds: SMART's upper bound.
pub const BACKEND_TOKEN_S: i64 = 300;
/// How far the clocks of two servers may differ, in seconds. Adds to every token's life.
pub const LEEWAY_S: i64 = 10;
/// Verified tokens remembered: about 1 KB each.
pub const TOKENS_CACHED_MAX: u64 = 10_000;
/// Wrong secrets in one window before a client at one address is asked to wait.
pub const FAILURES_MAX: u32 = 10;
/// That window, in seconds.
pub const FAILURE_WINDOW_S: i64 = 60;
/// Wrong passwords from one address in a window before it is asked to wait: a house full of people who mistype.
pub const LOG_IN_FAILURES_DEFAULT: u32 = 50;
/// That window, in seconds.
pub const LOG_IN_WINDOW_S: i64 = 900;
/// Clients at addresses whose failures are counted at once: about 40 bytes each.
pub const FAILURES_TRACKED_MAX: usize = 10_000;
/// Organisations that a token names: a person works for few, and tokens stay headers.
pub const ORGS_MAX: usize = 8;
/// Length of a purpose of use, in bytes: the longest code has seven.
pub const PURPOSE_BYTES_MAX: usize = 16;
/// Clients of the database that are remembered: some kB each.
pub const CLIENTS_CACHED_MAX: u64 = 10_000;
/// For how long, in milliseconds: so late one that was disabled gets nothing more.
pub const CLIENTS_CACHED_MS: u64 = 2_000;
/// Clients that registered and no operator made: beyond that somebody fills the table.
pub const REGISTERED_MAX: i64 = 10_000;
/// Addresses that an app may have people sent back to.
pub const REDIRECTS_MAX: usize = 16;
/// One of them, in bytes: what servers take as one line.
pub const URL_BYTES_MAX: usize = 2_000;
/// What an app calls itself, in characters: a line of a page.
pub const NAME_CHARS_MAX: usize = 100;
/// Body of a registration, in bytes: addresses, and a JWKS.
pub const REGISTRATION_BYTES_MAX: usize = 64 * 1_024;
/// Length of a client's id, in bytes.
pub const CLIENT_ID_BYTES_MAX: usize = 64;
/// Buckets of throttles that are remembered: 16 bytes each, and as much again for the table.
pub const BUCKETS_MAX: usize = 100_000;
/// How much a bucket may owe after a bundle, in seconds of its rate: nobody waits for longer.
pub const DEBT_S_MAX: u64 = 60;
/// Memory of one password's hash, in KiB, and its passes: what OWASP asks of Argon2id at least; some 40 ms.
pub const HASH_KIB: u32 = 19 * 1_024;
/// Passes of that.
pub const HASH_PASSES: u32 = 2;
/// How long a log-in waits for a core, in milliseconds.
pub const HASH_WAIT_MS_MAX: u64 = 2_000;
/// Characters of a password: with them ten guesses and four more an hour find none.
pub const PASSWORD_CHARS_MIN: usize = 10;
/// Bytes of a password: longer ones are no safer.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Bytes of a log-in: room for an address of e-mail.
pub const LOGIN_BYTES_MAX: usize = 100;
/// Body of a form of our own pages, in bytes: a request, and each of its scopes once more.
pub const PAGE_FORM_BYTES_MAX: usize = 64 * 1_024;
/// Fields of such a form: each scope has one.
pub const PAGE_FIELDS_MAX: usize = 300;
/// An app's request to the authorization endpoint, in bytes: what servers take as one line.
pub const ASKED_BYTES_MAX: usize = 16 * 1_024;
/// An app's `state`, in bytes: it comes back in an address.
pub const STATE_BYTES_MAX: usize = 1_024;
/// An app's `nonce`, in bytes: it is kept, and comes back in a token.
pub const NONCE_BYTES_MAX: usize = 256;
/// Life of an app's token, in seconds: SMART's upper bound.
pub const APP_TOKEN_S: i64 = 3_600;
/// Life of a token of staff's own app, in seconds.
pub const OWN_TOKEN_S: i64 = 4 * 3_600;
/// How long it is believed that nothing was revoked since the database told last, in milliseconds.
pub const KNOWN_FOR_MS: u64 = 4_000;
/// What is over and remembered; beyond that what has ended by itself is forgotten first.
pub const OVER_MAX: usize = 100_000;
/// A `code_verifier`, in bytes, at least (RFC 7636, section 4.1).
pub const VERIFIER_BYTES_MIN: usize = 43;
/// At most.
pub const VERIFIER_BYTES_MAX: usize = 128;
/// Patients that the picker shows: a page.
pub const PICKED_MAX: usize = 20;
/// What is typed into the picker, in bytes.
pub const PICKER_BYTES_MAX: usize = 100;
/// Life of an identity token, in seconds: it is read once, by the app that gets it.
pub const ID_TOKEN_S: i64 = 600;
/// How far ahead a client's assertion may end, in seconds: SMART's upper bound.
pub const ASSERTION_S_MAX: i64 = 300;
/// A `jti`, in bytes.
pub const JTI_BYTES_MAX: usize = 256;
/// The modulus of a client's RSA key, in bytes, at least: 2,048 bits.
pub const RSA_BYTES_MIN: usize = 256;
/// A provider's name for a person, in bytes (OpenID Connect Core, section 2).
pub const SUBJECT_BYTES_MAX: usize = 255;
/// People of one address who go off to another provider, a second: a large house in the morning.
pub const DEPARTURES_PER_S: u32 = 10;
/// How long a provider's document is kept, in seconds.
pub const PROVIDER_S_MAX: u64 = 3_600;
/// Keys of one client: a current one, the next, and some of before.
pub const CLIENT_KEYS_MAX: usize = 50;
/// How long a client's fetched keys are kept, in seconds, at least: nobody has us ask at each token.
pub const JWKS_S_MIN: u64 = 300;
/// At most: a key that was taken back ends here.
pub const JWKS_S_MAX: u64 = 3_600;
/// Between two fetches of the same keys for the sake of a name that is not among them, in seconds.
pub const JWKS_AGAIN_S: u64 = 60;
/// After a fetch of keys that failed, in seconds: a host that does not answer is not waited for by everybody.
pub const JWKS_PAUSE_S: u64 = 5;
/// URLs whose keys are remembered: some kB each.
pub const JWKS_URLS_MAX: u64 = 1_000;
/// Visits that a page offers: the newest.
pub const VISITS_MAX: usize = 10;
/// Digits of a device's code.
pub const CODE_DIGITS: u32 = 6;
/// How long a device shows one code, in seconds.
pub const STEP_S: i64 = 30;
/// Codes on paper.
pub const RECOVERY_CODES: usize = 10;
/// Letters of a name that somebody is looked for by in an emergency: fewer are many people's.
pub const NAME_LETTERS_MIN: usize = 3;
/// Characters of why somebody takes access in an emergency, at least: a sentence.
pub const REASON_CHARS_MIN: usize = 20;
/// At most.
pub const REASON_CHARS_MAX: usize = 2_000;
/// Lines of a table of who saw a record: some 600 kB, read in a few seconds.
pub const RECORD_LINES_MAX: usize = 5_000;
/// Refusals of one kind that an address has rows of its own for, in a minute: enough to see what somebody tries.
pub const REFUSALS_OF_ADDRESS_MAX: u32 = 10;
/// Of all addresses together: with the sums some 200 rows a minute of a kind at most, 100 MB in a day of attack.
pub const REFUSALS_MAX: u32 = 100;
/// Addresses whose refusals of one kind are counted apart in a minute.
pub const REFUSED_ADDRESSES_MAX: usize = 100;
