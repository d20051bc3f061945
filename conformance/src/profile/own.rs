//! The profiles of the canonical record: ours, beside R4's own. Their examples are validated in the tests.

use std::sync::LazyLock;

use canonical_model::json;

use super::model::Profile;

/// The definitions, as differentials.
pub(super) const DEFINITIONS: [&str; 3] = [
    include_str!("../../profiles/appointment.json"),
    include_str!("../../profiles/encounter.json"),
    include_str!("../../profiles/patient.json"),
];

static OWN: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    let read = |text: &&str| Profile::compile(&json::parse(text.as_bytes()).ok()?).ok();
    DEFINITIONS.iter().filter_map(read).collect()
});

/// One of them by its canonical URL, without version.
pub(super) fn find(url: &str) -> Option<&'static Profile> {
    OWN.iter().find(|profile| profile.url() == url)
}
