//! What we build on: only allowed licences, only the registry. The list is that of deny.toml, so that
//! `cargo deny` says the same. <https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/>

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::metadata::Metadata;

/// One sentence for each package that may not be used; prints the doubled ones, which are no fault.
pub(crate) fn check(root: &Path, metadata: &Metadata) -> Result<Vec<String>, String> {
    let path = root.join("deny.toml");
    let text = std::fs::read_to_string(&path)
        .map_err(|e| format!("Could not read {}: {e}.", path.display()))?;
    let allowed = allowed(&text);
    let mut faults = Vec::new();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in metadata.packages() {
        let Some(source) = package.source() else { continue };
        let (name, licence) = (package.name(), package.license());
        if !permits(licence, &allowed) {
            faults.push(format!("{name}: its licence `{licence}` is not in deny.toml."));
        }
        if !source.starts_with("registry+") {
            faults.push(format!("{name}: comes from {source}, not from the registry."));
        }
        versions.entry(name).or_default().insert(package.version());
    }
    versions.retain(|_, held| held.len() > 1);
    if !versions.is_empty() {
        let names: Vec<&str> = versions.into_keys().collect();
        println!("warning: in several versions: {}", names.join(" "));
    }
    Ok(faults)
}

/// The strings of `allow = [ … ]`.
fn allowed(text: &str) -> BTreeSet<&str> {
    let list = text.split_once("\nallow = [").and_then(|(_, rest)| rest.split_once(']'));
    list.map_or_else(BTreeSet::new, |(list, _)| list.split('"').skip(1).step_by(2).collect())
}

/// Whether the expression can be met with allowed licences alone.
fn permits(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut tokens = spaced.split_whitespace().peekable();
    let good = any(&mut tokens, allowed);
    good && tokens.peek().is_none()
}

type Tokens<'t, 'e> = &'t mut std::iter::Peekable<std::str::SplitWhitespace<'e>>;

fn any(tokens: Tokens<'_, '_>, allowed: &BTreeSet<&str>) -> bool {
    let mut good = all(tokens, allowed);
    while tokens.next_if_eq(&"OR").is_some() {
        good |= all(tokens, allowed);
    }
    good
}

fn all(tokens: Tokens<'_, '_>, allowed: &BTreeSet<&str>) -> bool {
    let mut good = one(tokens, allowed);
    while tokens.next_if_eq(&"AND").is_some() {
        good &= one(tokens, allowed);
    }
    good
}

fn one(tokens: Tokens<'_, '_>, allowed: &BTreeSet<&str>) -> bool {
    match tokens.next() {
        Some("(") => {
            let good = any(tokens, allowed);
            tokens.next_if_eq(&")").is_some() && good
        }
        Some(name) => {
            // An exception only ever adds permissions.
            if tokens.next_if_eq(&"WITH").is_some() {
                tokens.next();
            }
            allowed.contains(name)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_expressions() {
        let list = "[licenses]\nallow = [\n  \"MIT\", # short\n  \"ISC\",\n]\n";
        let allowed = allowed(list);
        let cases = [
            ("MIT", true),
            ("GPL-3.0", false),
            ("", false),
            ("GPL-3.0 OR MIT", true),
            ("MIT/GPL-3.0", true),
            ("MIT AND GPL-3.0", false),
            ("ISC AND (GPL-3.0 OR MIT)", true),
            ("ISC AND (GPL-3.0 OR LGPL-3.0)", false),
            ("GPL-3.0 OR ISC AND MIT", true),
            ("MIT WITH LLVM-exception", true),
            ("GPL-3.0 WITH LLVM-exception", false),
            ("(MIT", false),
            ("MIT) OR", false),
        ];
        for (expression, expected) in cases {
            assert_eq!(permits(expression, &allowed), expected, "{expression}");
        }
    }
}
