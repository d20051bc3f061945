//! An implementation guide's package, installed by the command itself, and what the server judges by it then.

use std::path::PathBuf;

use anyhow::Result;
use flate2::{Compression, write::GzEncoder};
use it::Fixture;
use it::ledger::binary;
use serde_json::{Value, json};
use tar::{Builder, Header};
use tokio::process::Command;

const URL: &str = "https://guide.example/StructureDefinition/person";

/// A package of these files, in a file that goes with its end.
struct Package(PathBuf);

impl Package {
    fn of(files: &[(&str, Value)]) -> Result<Self> {
        let name = format!("carebridge-guide-{}-{:x}.tgz", std::process::id(), fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        let packed = GzEncoder::new(std::fs::File::create(&path)?, Compression::fast());
        let mut builder = Builder::new(packed);
        for (name, content) in files {
            let text = content.to_string();
            let mut header = Header::new_ustar();
            // As it stands, for `set_path` refuses what leads out.
            for (at, byte) in header.as_mut_bytes().iter_mut().zip(name.bytes()) {
                *at = byte;
            }
            header.set_size(u64::try_from(text.len())?);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append(&header, text.as_bytes())?;
        }
        builder.into_inner()?.finish()?;
        Ok(Self(path))
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// The command; what it printed, and whether all went well. The server, which runs in this thread, goes on meanwhile.
async fn install(server: &Fixture, package: &Package) -> Result<(String, bool)> {
    let mut command = Command::new(binary()?);
    command.args(["conformance", "install"]).arg(&package.0).arg("--json");
    command.args(["--url", &format!("{}/fhir", server.origin()?)]).current_dir("/");
    let output = command.output().await?;
    let text = [output.stdout, output.stderr].concat();
    Ok((String::from_utf8(text)?, output.status.success()))
}

fn profile() -> Value {
    let element = |path: &str, min: u8| json!({ "id": path, "path": path, "min": min, "max": "*" });
    json!({ "resourceType": "StructureDefinition", "id": "person", "url": URL, "name": "Person",
        "status": "active", "kind": "resource", "abstract": false, "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint",
        "snapshot": { "element": [element("Patient", 0), element("Patient.name", 1)] } })
}

#[tokio::test]
async fn what_is_installed_is_judged_by() -> Result<()> {
    let server = Fixture::start().await?;
    let set = json!({ "resourceType": "ValueSet", "id": "states", "status": "active",
        "url": "https://guide.example/ValueSet/states" });
    let package = Package::of(&[
        ("package/package.json", json!({ "name": "guide", "version": "1.0.0" })),
        ("package/StructureDefinition-person.json", profile()),
        ("package/ValueSet-states.json", set),
        ("package/example/Patient-x.json", json!({ "resourceType": "Patient", "id": "x" })),
    ])?;
    let (text, good) = install(&server, &package).await?;
    assert!(good, "{text}");
    assert_eq!(server.client.get("/ValueSet/states").await?.status, 200);
    assert_eq!(server.client.get("/Patient/x").await?.status, 404, "examples are not taken");
    let path = format!("/Patient/$validate?mode=profile&profile={URL}");
    let body = r#"{"resourceType":"Patient","active":true}"#;
    let answer = server.client.send("POST", &path, body).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.text.contains("Patient.name"), "{}", answer.text);
    // A second time it is the same.
    let (text, good) = install(&server, &package).await?;
    assert!(good, "{text}");
    Ok(())
}

#[tokio::test]
async fn what_leads_out_is_refused_whole() -> Result<()> {
    let server = Fixture::start().await?;
    let package = Package::of(&[
        ("package/StructureDefinition-person.json", profile()),
        ("package/../../StructureDefinition-out.json", profile()),
    ])?;
    let (text, good) = install(&server, &package).await?;
    assert!(!good && text.contains("leads out"), "{text}");
    let found = server.client.get("/StructureDefinition?_summary=count").await?;
    assert!(found.text.contains(r#""total":0"#), "{}", found.text);
    Ok(())
}
