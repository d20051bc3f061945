//! The shortest way through the whole system.

use anyhow::Result;
use it::Fixture;

#[tokio::test]
async fn create_read_find() -> Result<()> {
    let server = Fixture::start().await?;
    let body =
        r#"{"resourceType":"Patient","name":[{"family":"Müller"}],"multipleBirthInteger":2}"#;
    let created = server.client.send("POST", "/Patient", body).await?;
    assert_eq!(created.status, 201, "{}", created.text);
    let read = server.client.get(&format!("/Patient/{}", created.id())).await?;
    assert_eq!((read.status, &read.text), (200, &created.text));
    let found = server.client.get("/Patient?family=mull").await?;
    assert_eq!(found.entries().len(), 1, "{}", found.text);
    Ok(())
}
