//! The profiles that a resource names itself, so that they can be looked up before it is judged.

use canonical_model::Value;

/// The URLs in `meta.profile` of a resource and all that are in it, and those of its extensions. Some may be there twice.
#[must_use]
pub fn named(resource: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    look(resource, &mut found);
    found
}

fn look<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            for (name, member) in object.iter() {
                match name {
                    "meta" => {
                        let profiles = member.get("profile").map_or(&[][..], Value::items);
                        found.extend(profiles.iter().filter_map(Value::as_str));
                    }
                    "extension" | "modifierExtension" => {
                        let urls = member.items().iter().filter_map(|it| it.get("url")?.as_str());
                        found.extend(urls.filter(|url| url.contains(':')));
                    }
                    _ => {}
                }
                look(member, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| look(item, found)),
        _ => {}
    }
}
