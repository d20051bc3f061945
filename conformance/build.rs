//! Reads HL7's package of FHIR R4 definitions and writes the compact index that the registry
//! includes. Nothing of the package is kept in the tree. <https://hl7.org/fhir/R4/downloads.html>

#[path = "src/index.rs"]
#[expect(unreachable_pub, reason = "shared with the library, which publishes it")]
mod index;
#[path = "src/narrow.rs"]
#[expect(unreachable_pub, reason = "shared with the library, which publishes it")]
mod narrow;
#[path = "src/profile/native.rs"]
mod native;
#[path = "build/package.rs"]
mod package;
#[path = "build/params.rs"]
mod params;
#[path = "build/profiles.rs"]
mod profiles;
#[path = "build/structures.rs"]
mod structures;
#[path = "build/terminology.rs"]
mod terminology;
#[path = "build/value_sets.rs"]
mod value_sets;

use std::path::{Path, PathBuf};
use std::{env, fs};

use index::{Compartment, Index};
use package::Package;
use structures::Structures;

type Built<T> = Result<T, String>;

/// From this crate's folder.
const PACKAGE: &str = "../.definitions/hl7.fhir.r4.core.tgz";

fn main() {
    let file = env::var_os("FHIR_DEFS").map_or_else(|| PathBuf::from(PACKAGE), PathBuf::from);
    println!("cargo::rerun-if-env-changed=FHIR_DEFS");
    println!("cargo::rerun-if-changed={}", file.display());
    for source in ["build.rs", "build", "src/index.rs", "src/narrow.rs", "src/profile/native.rs"] {
        println!("cargo::rerun-if-changed={source}");
    }
    if let Err(fault) = build(&file) {
        println!("cargo::error={fault}");
    }
}

fn build(file: &Path) -> Built<()> {
    if !file.exists() {
        return Err(format!(
            "the FHIR definitions are missing at {}: run `cargo xtask setup` once, or set FHIR_DEFS",
            file.display()
        ));
    }
    let package = Package::read(file)?;
    let mut structures = Structures::read(&package)?;
    let value_sets = value_sets::attach(&package, &mut structures)?;
    let index = Index {
        version: "4.0.1",
        params: params::read(&package, &structures)?,
        compartments: compartments(&package, &structures)?,
        targets: structures.targets,
        structures: structures.list,
        value_sets,
    };
    write("r4.postcard", &index)?;
    write("r4-profiles.postcard", &profiles::read(&package)?)?;
    write("r4-terminology.postcard", &terminology::read(&package)?)
}

fn write(name: &str, content: &impl serde::Serialize) -> Built<()> {
    let bytes = postcard::to_stdvec(content).map_err(|e| format!("cannot write {name}: {e}"))?;
    let folder = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    let target = Path::new(&folder).join(name);
    fs::write(&target, bytes).map_err(|e| format!("cannot write {}: {e}", target.display()))
}

/// What is somebody's, though R4 leaves it out of the compartment: a Device is of the patient whom it names, and
/// apps of US Core ask for it by `patient/Device.rs`.
const BESIDES: [(&str, &str, &str); 1] = [("Patient", "Device", "patient")];

fn compartments(package: &Package, structures: &Structures) -> Built<Vec<Compartment>> {
    let mut compartments = Vec::new();
    for definition in package.all::<package::CompartmentDefinition>("CompartmentDefinition")? {
        if definition.id == "example" {
            continue;
        }
        let mut members = Vec::new();
        for resource in definition.resource {
            let params: Vec<_> = resource.param.into_iter().map(keep).collect();
            members.push((structures.find(&resource.code)?, params));
        }
        for (of, member, param) in BESIDES {
            if definition.code == of {
                members.push((structures.find(member)?, vec![param]));
            }
        }
        members.sort();
        compartments.push(Compartment { name: keep(definition.code), members });
    }
    compartments.sort_by_key(|compartment| compartment.name);
    Ok(compartments)
}

/// The index borrows its text; a build script lives a second.
fn keep(text: String) -> &'static str {
    text.leak()
}
