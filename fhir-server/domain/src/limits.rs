//! Every limit of this crate, with its unit and its reason.

/// Tries of a write that other writes overtake. At 50 writers of one resource the last one still
/// gets through; beyond it the caller is told to come back.
pub const WRITE_TRIES_MAX: usize = 64;
/// Entries of a transaction: it holds locks from its first write to its last.
pub const TRANSACTION_ENTRIES_MAX: usize = 5_000;
/// Resources that one conditional delete may remove.
pub const DELETE_MATCHES_MAX: usize = 100;
/// Tries to put changed search parameters to use, that writes or other servers get in the way of.
pub const SETTLE_TRIES_MAX: usize = 5;
/// Search parameters that cannot be used and are named in the log, each time they are read.
pub const UNUSED_NAMED_MAX: usize = 10;
/// Bytes of an `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// Constraints of scopes that are remembered compiled: some KiB each at most.
pub const CONDITIONS_REMEMBERED_MAX: usize = 10_000;
/// Seconds for which it is trusted whom a user treats: who is no longer to is shut out within them.
pub const RELATED_FOR_S: i64 = 4;
/// Milliseconds for which it is trusted that there are no Consents: the first acts on other servers within them.
pub const CONSENTS_FOR_MS: u64 = 2_000;
/// Users of whom that is remembered at a time.
pub const RELATED_CALLERS_MAX: usize = 10_000;
/// Days before and after which what brings a user and a patient together is treatment still, or already.
pub const TREATED_AFTER_DAYS: i64 = 30;
/// Care teams, encounters and appointments of one user, of each so many at most.
pub const TREATED_MAX: usize = 5_000;
/// Roles of one practitioner, as resources.
pub const ROLES_MAX: usize = 16;
/// Tries of a transaction that other writes overtake.
pub const TRANSACTION_TRIES_MAX: usize = 16;
/// Bytes of a name that is repeated as that of a type; FHIR's longest has 33.
pub const TYPE_BYTES_MAX: usize = 40;
/// Bytes of one resource's text: it is in memory several times over while it is written. Only the content of
/// a Binary may be larger, for that is set aside.
pub const RESOURCE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// A request that is kept aside, as text: as base64 it must fit into a Binary.
pub const KEPT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of a Binary's content that stay in the resource. What is larger is kept beside it, in chunks.
pub const CONTENT_INLINE_BYTES_MAX: usize = 256 * 1024;
/// Letters of base64 that are decoded at a time. A multiple of four: no byte spans two pieces.
pub const BASE64_BYTES_AT_ONCE: usize = 512 * 1024;
/// CodeSystems and ValueSets that one answer may need.
pub const DEFINITIONS_MAX: usize = 64;
/// Bytes of those among them that are stored: each is read into memory whole.
pub const DEFINITION_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of code systems that are remembered between requests: reading one again takes as long as all else.
pub const CODE_SYSTEMS_REMEMBERED_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of imported code systems that are remembered: only those that are asked for are in memory. SNOMED CT takes some
/// hundred MiB.
pub const IMPORTED_REMEMBERED_BYTES: u64 = 1024 * 1024 * 1024;
/// Codes of a value set that a search looks at. What is left of them in the end has a limit of its own.
pub const EXPANSION_CODES_MAX: usize = 50_000;
/// Codes that the value sets and hierarchies of one search mean together: some MiB.
pub const CODES_LEARNT_MAX: usize = 100_000;
/// Concept maps that one translation looks at, where none is named.
pub const CONCEPT_MAPS_MAX: usize = 20;
/// Codings of one CodeableConcept that are judged.
pub const CODINGS_MAX: usize = 100;
/// Parameters of an operation.
pub const OPERATION_PARAMETERS_MAX: usize = 1_000;
/// Events of the record of accesses on a page, unless another number is asked for.
pub const JOURNAL_COUNT_DEFAULT: usize = 50;
/// The same at most; a row that is about many patients is not divided, so a page may have more.
pub const JOURNAL_COUNT_MAX: usize = 200;
/// Profiles that one `$validate` may name, besides those that the resource claims.
pub const PROFILES_ASKED_MAX: usize = 16;
/// URLs that are looked up for one request, of profiles that its resources claim and that these name: each is a
/// search of its own, unless another request needed it lately.
pub const PROFILES_READ_MAX: usize = 256;
/// Profiles that are remembered compiled, and URLs that name none: up to some 100 KiB each.
pub const PROFILES_REMEMBERED_MAX: usize = 1_000;
/// Seconds for which it is trusted that a profile is as it was: a new one acts within them.
pub const PROFILES_TRUSTED_S: i64 = 10;
/// Questionnaires that the responses of one request are judged by.
pub const QUESTIONNAIRES_READ_MAX: usize = 16;
/// Steps of all rules over one resource that is written, some 0.2 s of a thread that serves others too: a large bundle
/// takes half of them. `$validate` may take five times as many, beside those threads.
pub const WRITE_STEPS_MAX: u32 = 4_000_000;
/// Bytes of what the conditional creates of a transaction found that are told in its answer.
pub(crate) const FOUND_BYTES_MAX: usize = 32 * 1024 * 1024;
