//! Signing in at a provider that others wrote: npm's `oidc-provider`, which the OpenID Foundation has certified. A
//! provider of ours alone would share our mistakes.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use auth::{ProviderConfig, Secret};
use it::{PASSWORD, Page, Signed, Visitor};
use serde_json::json;

const SECRET: &str = "with signs that are escaped: &=+%/";

/// The provider: a process of its own, which ends with its input.
struct Other {
    process: Child,
    issuer: String,
}

impl Other {
    /// `None` where it is not installed.
    fn start() -> Result<Option<Self>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.oidc");
        if !folder.join("node_modules/oidc-provider").is_dir() {
            eprintln!(
                "SKIPPED: a provider of others; `cargo xtask test` installs it where there is Node.js 20."
            );
            return Ok(None);
        }
        let mut node = Command::new("node");
        node.arg("provider.mjs").current_dir(folder);
        node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut other = Self { process: node.spawn()?, issuer: String::new() };
        other.issuer = other.line()?;
        ensure!(other.issuer.starts_with("http://127.0.0.1:"), "{}", other.issuer);
        Ok(Some(other))
    }

    /// Tells it where people come back to, and how we prove who we are.
    fn serve(&mut self, here: &str, method: &str) -> Result<()> {
        let redirect = format!("{here}/auth/callback");
        let told = json!({ "redirect": redirect, "secret": SECRET, "method": method });
        let input = self.process.stdin.as_mut().context("its input")?;
        writeln!(input, "{told}")?;
        ensure!(self.line()? == "ready", "it serves");
        Ok(())
    }

    fn line(&mut self) -> Result<String> {
        let output = self.process.stdout.as_mut().context("its output")?;
        // It says a line and waits: nothing is read ahead that is lost.
        let mut line = String::new();
        BufReader::with_capacity(1, output).read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.process.kill().unwrap_or_default();
        drop(self.process.wait());
    }
}

async fn world(other: &Other, secret: &str, method: &str) -> Result<Signed> {
    let provider = ProviderConfig {
        name: "Others".into(),
        issuer: other.issuer.clone(),
        client_id: "us".into(),
        secret: Secret::new(secret.into()),
        secret_in_form: method == "client_secret_post",
        scopes: vec!["openid".into()],
    };
    let allowed = other.issuer.clone();
    Signed::start_with(|settings| {
        settings.auth.providers.push(provider);
        settings.outbound.allow.push(allowed);
    })
    .await
}

/// Goes there from the log-in page, signs in by a name, agrees, and comes back: the page of here that follows.
async fn there_and_back(world: &Signed, other: &Other, name: &str) -> Result<(Visitor, Page)> {
    let mut visitor = world.visitor()?;
    let page = visitor.open(&world.spa("patient/Patient.rs").path()).await?;
    let away = visitor.open(&page.link("/auth/external?")?).await?;
    let url = away.location().with_context(|| format!("{away:?}"))?;
    let path = url.strip_prefix(&other.issuer).with_context(|| url.clone())?.to_owned();
    let mut elsewhere = Visitor::new(&other.issuer)?;
    let page = elsewhere.open(&path).await?;
    let form = page.first_form(&other.issuer)?.with("login", name).with("password", "any");
    let page = elsewhere.submit(&form).await?;
    let page = elsewhere.submit(&page.first_form(&other.issuer)?).await?;
    let back = page.location().with_context(|| format!("{page:?}"))?;
    let back = back.strip_prefix(&world.origin).with_context(|| back.clone())?.to_owned();
    ensure!(back.contains("iss="), "it says who it is: {back}");
    let page = visitor.open(&back).await?;
    Ok((visitor, page))
}

#[tokio::test]
async fn a_person_signs_in_at_a_provider_that_others_wrote() -> Result<()> {
    for method in ["client_secret_basic", "client_secret_post"] {
        let Some(mut other) = Other::start()? else { return Ok(()) };
        let world = world(&other, SECRET, method).await?;
        other.serve(&world.origin, method)?;
        let (mut visitor, page) = there_and_back(&world, &other, "ada").await?;
        ensure!(page.text.contains("Linking your log-in"), "{}", page.text);
        let form = page.form("/auth/login")?.with("login", "anna").with("password", PASSWORD);
        let page = visitor.submit(&form).await?;
        assert!(page.text.contains("as <strong>ada</strong>"), "{}", page.text);
        let page = visitor.submit(&page.form("/auth/link")?).await?;
        assert!(page.text.contains("Give The app spa access?"), "{}", page.text);
        let (_, page) = there_and_back(&world, &other, "ada").await?;
        assert!(page.text.contains("You are signed in as <strong>anna</strong>"), "{}", page.text);
        // Somebody else there has no account here.
        let (_, page) = there_and_back(&world, &other, "anna").await?;
        assert!(page.form("/auth/login").is_ok(), "{}", page.text);
    }
    Ok(())
}

#[tokio::test]
async fn nobody_gets_in_where_the_provider_does_not_know_us() -> Result<()> {
    for method in ["client_secret_basic", "client_secret_post"] {
        let Some(mut other) = Other::start()? else { return Ok(()) };
        let world = world(&other, "another secret", method).await?;
        other.serve(&world.origin, method)?;
        let (_, page) = there_and_back(&world, &other, "ada").await?;
        assert_eq!(page.status, 503, "{method}");
        assert!(page.text.contains("Others does not answer as it should"), "{}", page.text);
        let mut owner = world.server.database.connect().await?;
        let many: i64 =
            sqlx::query_scalar("select count(*) from session").fetch_one(&mut owner).await?;
        assert_eq!(many, 0);
    }
    Ok(())
}
