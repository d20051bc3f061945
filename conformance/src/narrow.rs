//! The part of a search parameter's expression that concerns one type. Compiled into the build script too.

/// Keeps the arms of a union that begin with `base`; arms without a type get it.
#[must_use]
pub fn narrow(expression: &str, base: &str) -> String {
    let mut kept = Vec::new();
    for arm in arms(expression) {
        let head = head(arm);
        if head == base {
            kept.push(arm.to_owned());
        } else if head.starts_with(|c: char| c.is_ascii_lowercase()) {
            kept.push(format!("{base}.{arm}"));
        }
    }
    kept.join(" | ")
}

/// The name that an arm begins with; empty where it begins with something else, as a variable.
#[must_use]
pub fn head(arm: &str) -> &str {
    let path = arm.trim_start_matches('(');
    path.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
}

/// The arms of a union: splits at each `|` outside parentheses and quotes.
#[must_use]
pub fn arms(expression: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    let cut = |c: char| {
        let plain = !escaped;
        escaped = plain && c == '\\';
        match c {
            '\'' if plain => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '|' && depth == 0 && !quoted
    };
    expression.split(cut).map(str::trim).filter(|arm| !arm.is_empty()).collect()
}
