//! The structure check: what no compiler checks and every reader relies on.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Longest file, in lines: longer ones are two files.
const LINES_MAX: usize = 600;
/// Text that people read and write; all else is not looked at.
const TEXT: &[&str] = &["rs", "sql", "toml", "md", "yaml", "yml", "sh"];

/// Words that must not be anywhere, and why; each in two halves so that this file passes.
const BANNED: &[(&str, &str, &str)] = &[
    ("/ho", "me/", "names a machine's folder"),
    ("/ro", "ot/", "names a machine's folder"),
    ("/Us", "ers/", "names a machine's folder"),
    ("TO", "DO", "is work left undone: do it or file an issue"),
    ("FIX", "ME", "is work left undone: do it or file an issue"),
    ("#[ig", "nore", "is a test that never runs"),
    ("#[al", "low(", "hides a lint: use `#[expect(lint, reason = \"…\")]`"),
    ("<<<<", "<<< ", "is a merge left unfinished"),
];

/// Ways to reach other machines, each in two halves. A URL out of data goes through the crate `outbound`.
const REACHING: &[(&str, &str)] = &[
    ("req", "west::"),
    ("hyper::cl", "ient"),
    ("client::leg", "acy"),
    ("TcpStream::con", "nect"),
    ("UdpSocket::bi", "nd"),
];
/// Who may: the door itself, what calls the one address that the operator names, and programs whose user names
/// every address.
const REACH: &[&str] = &[
    "fhir-server/outbound/",
    "fhir-server/vault/",
    "fhir-server/client/",
    "conformance/suite/",
    "fhir-server/bench/",
    "tests/",
];

/// How a router gets a route, each in two halves. All come from tables, of which rights are tested.
const ROUTING: &[(&str, &str)] =
    &[(".rou", "te("), (".route_ser", "vice("), (".ne", "st("), (".nest_ser", "vice(")];
/// Where they do, and programs that are no server of ours.
const ROUTES: &[&str] = &[
    "fhir-server/auth/src/route.rs",
    "fhir-server/rest/src/router.rs",
    "fhir-server/client/",
    "fhir-server/bench/",
    "tests/",
];

/// One sentence for each fault.
pub(crate) fn check(root: &Path) -> Result<Vec<String>, String> {
    let mut faults = Vec::new();
    for name in files(root)? {
        let kind = name.extension().and_then(|end| end.to_str()).unwrap_or_default();
        if !TEXT.contains(&kind) {
            continue;
        }
        // A file that is listed but gone was just removed by its author.
        let Ok(text) = std::fs::read_to_string(root.join(&name)) else { continue };
        let mut found = inspect(kind, &text);
        if kind == "rs" && !may_reach(&name) {
            found.extend(naming(
                &text,
                REACHING,
                "reaches other machines: call URLs by `outbound`",
            ));
        }
        if kind == "rs" && !ROUTES.iter().any(|place| name.starts_with(place)) {
            found.extend(naming(
                &text,
                ROUTING,
                "makes a route that is not listed: add it to a table of `Route`",
            ));
        }
        faults.extend(found.into_iter().map(|fault| format!("{}: {fault}", name.display())));
    }
    Ok(faults)
}

fn inspect(kind: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        faults.push(format!("{lines} lines, {LINES_MAX} are allowed: split it."));
    }
    if kind == "rs" && !text.starts_with("//! ") {
        faults.push("the first line must say what and why: `//! …`.".to_owned());
    }
    for (line, number) in text.lines().zip(1..) {
        for (head, tail, why) in BANNED {
            if line.contains(&format!("{head}{tail}")) {
                faults.push(format!("line {number}: `{head}{tail}` {why}."));
            }
        }
    }
    faults
}

/// Whether a file may reach other machines by itself; every test may, wherever it is.
fn may_reach(name: &Path) -> bool {
    REACH.iter().any(|folder| name.starts_with(folder))
        || name.parent().is_some_and(|folder| folder.ends_with("tests"))
}

/// A fault for each line that holds one of these words.
fn naming(text: &str, words: &[(&str, &str)], why: &str) -> Vec<String> {
    let mut faults = Vec::new();
    // What stands behind this line is for tests.
    let served = text.lines().take_while(|line| *line != "#[cfg(test)]");
    for (line, number) in served.zip(1..) {
        for (head, tail) in words {
            if line.contains(&format!("{head}{tail}")) {
                faults.push(format!("line {number}: `{head}{tail}` {why}."));
            }
        }
    }
    faults
}

/// All files that are or would be committed.
fn files(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    match git.output() {
        Ok(output) if output.status.success() => {
            let names = String::from_utf8_lossy(&output.stdout).into_owned();
            Ok(names.split_terminator('\0').map(PathBuf::from).collect())
        }
        // An unpacked archive has no history: look at everything but what is built.
        Ok(_) | Err(_) => walk(root, Path::new("")),
    }
}

fn walk(root: &Path, folder: &Path) -> Result<Vec<PathBuf>, String> {
    let here = root.join(folder);
    let fault = |e: std::io::Error| format!("Could not read {}: {e}.", here.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&here).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let name = folder.join(entry.file_name());
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        match entry.file_type().map_err(fault)?.is_dir() {
            true if hidden || name == Path::new("target") => {}
            true => found.extend(walk(root, &name)?),
            false => found.push(name),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_files_reach_other_machines() {
        for (name, may) in [
            ("fhir-server/outbound/src/wire.rs", true),
            ("fhir-server/client/src/http.rs", true),
            ("fhir-server/server/tests/serving.rs", true),
            ("tests/src/client.rs", true),
            ("fhir-server/auth/src/keys.rs", false),
            ("fhir-server/outbounds/src/wire.rs", false),
            ("fhir-server/server/src/http/tests.rs", false),
        ] {
            assert_eq!(may_reach(Path::new(name)), may, "{name}");
        }
        let reaching = |text| naming(text, REACHING, "reaches").len();
        assert_eq!(reaching(concat!("//! x\nuse req", "west::Client;")), 1);
        assert_eq!(reaching("use axum::Router;"), 0);
        assert_eq!(reaching(concat!("#[cfg(test)]\nuse req", "west::Client;")), 0);
    }

    #[test]
    fn finds_each_fault() {
        let long = "//! x\n".repeat(LINES_MAX + 1);
        let cases = [
            ("rs", "//! What and why.\nfn f() {}\n", None),
            ("rs", "fn f() {}\n", Some("first line")),
            ("md", "fn f() {}\n", None),
            ("rs", long.as_str(), Some("601 lines")),
            ("md", concat!("see /ho", "me/me/notes"), Some("line 1: ")),
            ("rs", concat!("//! x\n// TO", "DO"), Some("line 2: ")),
            ("rs", concat!("//! x\n#[al", "low(dead_code)]"), Some("hides a lint")),
        ];
        for (kind, text, expected) in cases {
            let faults = inspect(kind, text).join("\n");
            assert_eq!(faults.is_empty(), expected.is_none(), "{faults}");
            assert!(faults.contains(expected.unwrap_or_default()), "{faults}");
        }
    }

    #[test]
    fn names_the_line_of_a_word() {
        for (line, words, found) in [
            (concat!("app.rou", "te(\"/x\", get(x))"), ROUTING, true),
            ("route.path", ROUTING, false),
            (concat!("req", "west::get(url)"), REACHING, true),
        ] {
            let faults = naming(&format!("//! x\n{line}\n"), words, "is wrong");
            assert_eq!(faults.iter().any(|it| it.starts_with("line 2: `")), found, "{line}");
        }
    }
}
