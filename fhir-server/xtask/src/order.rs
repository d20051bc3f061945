//! Imports between the workspace's crates follow one total order, read from docs/ARCHITECTURE.md.

use std::collections::HashMap;
use std::path::Path;

use crate::metadata::Metadata;

/// The fenced block that holds the order: a layer a line, a crate imports from earlier lines only.
const FENCE: &str = "```import-order";

/// One sentence for each import against the order and each crate that has no place in it.
pub(crate) fn check(root: &Path, metadata: &Metadata) -> Result<Vec<String>, String> {
    let path = root.join("docs/ARCHITECTURE.md");
    let text = std::fs::read_to_string(&path)
        .map_err(|e| format!("Could not read {}: {e}.", path.display()))?;
    let layers = layers(&text);
    let ours = metadata.packages().filter(|package| package.source().is_none());
    let imports = ours.map(|package| (package.name(), package.imports().collect::<Vec<_>>()));
    Ok(faults(&layers, imports))
}

fn layers(text: &str) -> HashMap<&str, usize> {
    let block = text.lines().skip_while(|line| *line != FENCE).skip(1);
    let lines = block.take_while(|line| !line.starts_with("```"));
    lines.zip(0..).flat_map(|(line, at)| line.split_whitespace().map(move |it| (it, at))).collect()
}

fn faults<'a>(
    layers: &HashMap<&str, usize>,
    crates: impl Iterator<Item = (&'a str, Vec<&'a str>)>,
) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, imports) in crates {
        let Some(layer) = layers.get(name) else {
            faults.push(format!("{name}: has no place in the order of docs/ARCHITECTURE.md."));
            continue;
        };
        for import in imports {
            if layers.get(import).is_none_or(|other| other >= layer) {
                faults.push(format!(
                    "{name}: imports {import}, which does not come before it in docs/ARCHITECTURE.md."
                ));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_imports() {
        let text = "x\n```import-order\na\nb c\nd\n```\ne\n";
        let cases = [
            ("d", vec!["a", "b", "c"], ""),
            ("b", vec!["a"], ""),
            ("b", vec!["c"], "b: imports c,"),
            ("a", vec!["d"], "a: imports d,"),
            ("d", vec!["e"], "d: imports e,"),
            ("e", vec![], "e: has no place"),
        ];
        for (name, imports, expected) in cases {
            let found = faults(&layers(text), [(name, imports)].into_iter()).join("\n");
            assert_eq!(found.is_empty(), expected.is_empty(), "{found}");
            assert!(found.starts_with(expected), "{found}");
        }
    }
}
