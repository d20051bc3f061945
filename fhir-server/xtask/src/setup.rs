//! Makes a fresh Debian machine ready: system packages, then the FHIR definitions.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::definitions;
use crate::shell::{has, require, succeeds};

/// A Debian package and how to see that it, or the same from elsewhere, is there.
struct Need {
    package: &'static str,
    met: fn() -> bool,
}

const NEEDS: &[Need] = &[
    Need { package: "postgresql", met: cluster::is_installed },
    Need { package: "python3", met: || has("python3") },
    Need { package: "python3-pip", met: has_pip },
];

/// While this file exists, installing PostgreSQL makes and starts no cluster of Debian's own.
const DROP_IN: &str = "/etc/postgresql-common/createcluster.d/carebridge.conf";

/// Installs what is missing and fetches the definitions; quick when all is there.
pub(crate) fn setup(root: &Path) -> Result<(), String> {
    let missing: Vec<&str> =
        NEEDS.iter().filter(|need| !(need.met)()).map(|need| need.package).collect();
    match missing.is_empty() {
        true => println!("System packages: there."),
        false => install(&missing)?,
    }
    definitions::fetch(root)?;
    println!("FHIR definitions: there.");
    Ok(())
}

/// Installs the browser that tests drive, with letters to show.
///
/// # Errors
/// A sentence that says what to do.
pub(crate) fn browser() -> Result<(), String> {
    if has("chromium") { Ok(()) } else { install(&["chromium", "fonts-liberation"]) }
}

/// Installs Debian packages.
pub(crate) fn install(packages: &[&str]) -> Result<(), String> {
    let by_hand = format!(
        "Packages are missing. As root run:\n  apt-get update && apt-get install -y {}",
        packages.join(" ")
    );
    if !has("apt-get") || !(cluster::is_root() || has("sudo")) {
        return Err(by_hand);
    }
    println!("Installing the system packages {} (a minute or two) …", packages.join(" "));
    let quiet = packages.contains(&"postgresql") && !Path::new(DROP_IN).exists();
    if quiet {
        let write = "mkdir -p \"$(dirname \"$1\")\" && echo 'create_main_cluster = off' > \"$1\"";
        require(as_root("sh").args(["-c", write, "sh", DROP_IN]), &by_hand)?;
    }
    let installed = apt_install(packages);
    if quiet {
        require(as_root("rm").args(["-f", DROP_IN]), "Could not remove the installation's mark.")?;
    }
    installed?.then_some(()).ok_or(by_hand)
}

fn apt_install(packages: &[&str]) -> Result<bool, String> {
    let install = |quietly: bool| {
        let mut apt = as_root("apt-get");
        apt.args(["install", "-y", "--no-install-recommends"]).args(packages);
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        if quietly {
            apt.stdout(Stdio::null()).stderr(Stdio::null());
        }
        succeeds(&mut apt)
    };
    // The package lists of a fresh machine are absent or stale; a good list is not fetched again.
    Ok(install(true)? || (succeeds(as_root("apt-get").arg("update"))? && install(false)?))
}

/// The program itself as root, else through sudo; sudo asks for a password only on a terminal.
fn as_root(program: &str) -> Command {
    if cluster::is_root() {
        return Command::new(program);
    }
    let mut sudo = Command::new("sudo");
    if !std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        sudo.arg("--non-interactive");
    }
    sudo.args(["DEBIAN_FRONTEND=noninteractive", program]);
    sudo
}

fn has_pip() -> bool {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    pip.status().is_ok_and(|status| status.success())
}
