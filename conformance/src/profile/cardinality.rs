//! The children of an element: how many there are, which definitions speak of each, and on with them.

use canonical_model::IssueCode;

use super::children::{Group, groups};
use super::element::of;
use super::model::{Node, NodeId, Profile};
use super::walk::{Ask, At, Walk, add};
use crate::validate::Path;

impl<'a> Walk<'a> {
    /// Judges all children.
    pub(super) fn children(&mut self, at: &At<'a>, asks: &[Ask<'a>], path: &Path<'_>) {
        let groups = groups(at);
        for ask in asks.iter().filter(|ask| ask.profile.narrows) {
            self.missing(*ask, &groups, path);
        }
        if !at.is_resource() {
            self.id(&groups, path);
        }
        for group in &groups {
            self.group(at, group, asks, path);
        }
    }

    /// No two elements of a resource have one id.
    fn id(&mut self, groups: &[Group<'a>], path: &Path<'_>) {
        let group = groups.iter().find(|group| group.element.name == "id");
        let Some(id) = group.and_then(|it| it.items.first()?.at.value.as_str()) else { return };
        if !self.ids.insert(id) {
            let text = "Another element of the resource has this id: give each its own.";
            self.report.error(IssueCode::Duplicate, &path.child("id"), text);
        }
    }

    /// What must be there and is not.
    fn missing(&mut self, ask: Ask<'a>, groups: &[Group<'a>], path: &Path<'_>) {
        for (_, node) in ask.profile.children(ask.node) {
            if node.min == 0 && node.slicing.is_none()
                || groups.iter().any(|group| speaks_of(node, group))
            {
                continue;
            }
            let here = path.child(&node.name);
            if node.min > 0 {
                let text = format!("{} is required{}.", node.name, of(ask.profile));
                self.report.error(IssueCode::Required, &here, text);
                continue;
            }
            for slice in node.slicing.iter().flat_map(|slicing| &slicing.slices) {
                let needed = ask.profile.node(slice.node).is_some_and(|it| it.min > 0);
                if needed {
                    let text = format!(
                        "{} of the slice {} is required{}.",
                        node.name,
                        slice.name,
                        of(ask.profile)
                    );
                    self.report.error(IssueCode::Required, &here, text);
                }
            }
        }
    }

    fn group(&mut self, at: &At<'a>, group: &Group<'a>, asks: &[Ask<'a>], path: &Path<'_>) {
        let here = path.child(group.element.name);
        let mut definitions = Vec::new();
        let mut sliced: Vec<(usize, Vec<Vec<NodeId>>)> = Vec::new();
        for ask in asks {
            let nodes = ask.profile.children(ask.node).filter(|(_, node)| speaks_of(node, group));
            for (node_id, node) in nodes {
                let ask = Ask { profile: ask.profile, node: node_id };
                if ask.profile.narrows {
                    self.count(group.items.len(), node, ask.profile, &here);
                    if let Some(slicing) = &node.slicing {
                        let found = self.slices(&group.items, ask, slicing, &here);
                        sliced.push((definitions.len(), found));
                    }
                }
                definitions.push(ask);
            }
        }
        let extension =
            group.element.name == "extension" || group.element.name == "modifierExtension";
        for (n, item) in group.items.iter().enumerate() {
            if is_idle(&item.at, &definitions) {
                continue;
            }
            let here = item.index.map_or(here, |index| here.item(index));
            let mut asks = definitions.clone();
            for (of, slices) in &sliced {
                let Some(base) = definitions.get(*of) else { continue };
                for node in slices.get(n).into_iter().flatten() {
                    add(&mut asks, Ask { profile: base.profile, node: *node });
                }
            }
            if extension {
                self.extension(at, &item.at, &mut asks, &here);
            }
            if item.at.is_resource() {
                self.enter(item.at, asks, &here);
            } else {
                self.element(item.at, asks, &here);
            }
        }
    }

    fn count(&mut self, count: usize, node: &Node, profile: &Profile, path: &Path<'_>) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        if let Some((code, text)) = miscounted(count, node, profile, &node.name) {
            self.report.error(code, path, text);
        }
    }
}

/// What is wrong with so many of what a definition is of.
pub(super) fn miscounted(
    count: u32,
    node: &Node,
    profile: &Profile,
    what: &str,
) -> Option<(IssueCode, String)> {
    let of = of(profile);
    if count < node.min {
        let text = format!("Give at least {} of {what}, not {count}{of}.", node.min);
        return Some((IssueCode::Required, text));
    }
    match node.max {
        Some(0) if count > 0 => Some((IssueCode::Structure, format!("Leave {what} out{of}."))),
        Some(most) if count > most => {
            let text = format!("Give at most {most} of {what}, not {count}{of}.");
            Some((IssueCode::Structure, text))
        }
        _ => None,
    }
}

/// Whether a definition is of these items: some profiles write `valueQuantity` for one type of `value[x]`.
fn speaks_of(node: &Node, group: &Group<'_>) -> bool {
    node.name == group.element.name || (group.element.choice && node.name == group.key.name)
}

/// Whether nothing can be wrong with a primitive, so that it need not be looked at.
fn is_idle(at: &At<'_>, definitions: &[Ask<'_>]) -> bool {
    let chosen = at.element.is_some_and(|it| it.choice);
    let quiet = |ask: &Ask<'_>| {
        ask.node().is_none_or(|node| node.is_quiet() && !(chosen && ask.profile.narrows))
    };
    at.structure.is_primitive() && at.extension.is_none() && definitions.iter().all(quiet)
}
