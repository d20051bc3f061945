//! Certificates of clients: taken, refused, or not asked for.

use anyhow::Result;
use it::{Authority, ClientsTls as Clients, Identity, Secured, trusting};

use crate::tls::ask;

/// Whether a client with this certificate gets an answer. With TLS 1.3 it hears of a refusal only then.
async fn answered(server: &Secured, authority: &Authority, own: Option<&Identity>) -> Result<bool> {
    let config = trusting(authority.root(), own)?;
    let Ok(mut stream) = server.shake_hands(config, &[b"http/1.1"]).await else {
        return Ok(false);
    };
    Ok(ask(&mut stream, "/healthz").await.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")))
}

#[tokio::test]
async fn only_good_certificates_are_taken() -> Result<()> {
    let (authority, partners, stranger) =
        (Authority::new("a")?, Authority::new("partners")?, Authority::new("partners")?);
    let identity = authority.give(&["127.0.0.1"])?;
    let good = partners.give(&["lab.example"])?;
    let expired = partners.give_expired(&["lab.example"])?;
    let foreign = stranger.give(&["lab.example"])?;
    let asked = Secured::start(&identity, Clients::Asked(&partners)).await?;
    let required = Secured::start(&identity, Clients::Required(&partners)).await?;
    let unasked = Secured::start(&identity, Clients::Unasked).await?;
    for (name, own, when_asked, when_required) in [
        ("good", Some(&good), true, true),
        ("none", None, true, false),
        ("expired", Some(&expired), false, false),
        ("of another authority of the same name", Some(&foreign), false, false),
        ("the server's own", Some(&identity), false, false),
    ] {
        assert_eq!(answered(&asked, &authority, own).await?, when_asked, "{name}, asked");
        assert_eq!(answered(&required, &authority, own).await?, when_required, "{name}, required");
        assert!(answered(&unasked, &authority, own).await?, "{name}, unasked");
    }
    Ok(())
}
