//! Under which keys resources with a security label are indexed. <https://hl7.org/fhir/R4/security-labels.html>

use canonical_model::ResourceType;

use crate::keys::{Hasher, Key};

/// The parameter by which labels are found, of every type.
pub(crate) const PARAMETER: &str = "_security";

/// The keys of resources of the type that have one of these codes as a label, of whatever system.
pub fn label_keys(
    hasher: &Hasher,
    kind: ResourceType,
    codes: impl IntoIterator<Item = &'static str>,
) -> impl Iterator<Item = Key> {
    let param = hasher.param(kind, PARAMETER);
    codes.into_iter().map(move |code| hasher.code(param, code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::extract::extract;
    use canonical_model::Resource;

    /// Whoever indexes labels in another way must have them found here in that way: they withhold.
    #[test]
    fn every_type_is_indexed_under_them_sealed_or_not() {
        let hasher = Hasher::new(&[6; 16]);
        for kind in ResourceType::all() {
            let text = format!(
                r#"{{"resourceType":"{kind}","meta":{{"security":[
                    {{"system":"urn:a","code":"R"}},{{"code":"ETH"}}]}}}}"#
            );
            let resource = Resource::parse(text.as_bytes()).expect("a resource");
            let paths = [format!("{kind}.meta.security.code")];
            for sealed in [&paths[..0], &paths] {
                let catalogue = Catalogue::with_sealed(hasher.clone(), sealed.to_vec());
                let entries = extract(&catalogue, "http://x.example", &resource).expect("indexed");
                let has = |codes: &[&'static str]| {
                    let keys: Vec<Key> = label_keys(&hasher, kind, codes.to_vec()).collect();
                    keys.iter().all(|key| entries.keys.contains(key))
                };
                assert!(has(&["R", "ETH"]) && !has(&["V"]) && !has(&["urn:a"]), "{kind}");
            }
        }
    }
}
