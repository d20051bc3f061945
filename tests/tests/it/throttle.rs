//! Too many requests are answered 429, each class and each caller by itself, and cost next to nothing.

use std::time::Instant;

use anyhow::Result;
use it::{Answer, Fixture};
use server::Rates;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// As much at once as comes in 5 s.
const BURST: u32 = 5;

fn rates(change: impl FnOnce(&mut Rates)) -> Rates {
    let mut rates = Rates { burst_s: BURST, ..Rates::default() };
    change(&mut rates);
    rates
}

/// Sends many of the same; the answers that were let through, and the refused ones.
async fn flood(
    many: usize,
    mut send: impl AsyncFnMut() -> Result<Answer>,
) -> Result<(Vec<Answer>, Vec<Answer>)> {
    let mut answers = Vec::with_capacity(many);
    for _ in 0..many {
        answers.push(send().await?);
    }
    Ok(answers.into_iter().partition(|answer| answer.status != 429))
}

/// What may come at once, and what came in since `begun`.
fn most(begun: Instant) -> usize {
    (f64::from(BURST) + begun.elapsed().as_secs_f64()).ceil() as usize
}

fn check_refusal(answer: &Answer) {
    assert_eq!(answer.text_at("resourceType"), "OperationOutcome", "{}", answer.text);
    assert_eq!(answer.text_at("issue.0.code"), "throttled", "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/fhir+json; charset=utf-8");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.header("x-request-id").is_empty());
}

#[tokio::test]
async fn a_client_waits_for_each_class_by_itself() -> Result<()> {
    let settings = rates(|rates| rates.read = 1);
    let mut server = Fixture::start_with(|it| it.throttle = settings).await?;
    let begun = Instant::now();
    let (through, refused) = flood(60, async || server.client.get("/Patient/none").await).await?;
    assert!((BURST as usize..=most(begun)).contains(&through.len()), "{}", through.len());
    refused.iter().for_each(check_refusal);
    for _ in 0..20 {
        assert_eq!(server.client.get("/Patient?name=a").await?.status, 200);
    }
    let body = r#"{"resourceType":"Patient"}"#;
    assert_eq!(server.client.send("POST", "/Patient", body).await?.status, 201);
    // What was refused was no access: nothing of it is recorded.
    server.stop().await;
    let recorded: i64 = sqlx::query_scalar("select count(*) from audit where id = 'none'")
        .fetch_one(&mut server.database.connect().await?)
        .await?;
    assert_eq!(usize::try_from(recorded)?, through.len());
    Ok(())
}

#[tokio::test]
async fn an_address_waits_before_its_token_is_read() -> Result<()> {
    let settings = rates(|rates| rates.address = 4);
    let server = Fixture::start_with(|it| it.throttle = settings).await?;
    let stranger = server.client.bearing("no.token.of-ours".to_owned());
    let (through, refused) = flood(80, async || stranger.get("/Patient/1").await).await?;
    assert!(through.iter().all(|answer| answer.status == 401));
    assert!(!refused.is_empty());
    refused.iter().for_each(check_refusal);
    for path in ["/healthz", "/readyz"] {
        let url = format!("{}{path}", server.origin()?);
        let (through, _) = flood(40, async || server.client.anonymous().get(&url).await).await?;
        assert_eq!(through.len(), 40, "{path} is for those who watch the server");
    }
    Ok(())
}

#[tokio::test]
async fn callers_behind_a_proxy_are_told_apart() -> Result<()> {
    let trusted = rates(|rates| rates.address = 4);
    for (networks, expected) in [(vec!["127.0.0.1".parse()?], true), (Vec::new(), false)] {
        let server = Fixture::start_with(|it| {
            it.throttle = trusted;
            it.http.trusted_proxies = networks;
        })
        .await?;
        let from = async |address: &str| {
            let request = server.client.request("GET", "/metadata");
            Answer::of(request.header("x-forwarded-for", address)).await
        };
        let (_, refused) = flood(80, async || from("9.9.9.9, 192.0.2.1").await).await?;
        assert!(!refused.is_empty());
        // Another's address, and the same beyond what the proxy saw itself.
        let (through, _) = flood(10, async || from("9.9.9.9, 192.0.2.2").await).await?;
        assert_eq!(through.len() == 10, expected);
    }
    Ok(())
}

#[tokio::test]
async fn a_bundle_is_paid_for_afterwards() -> Result<()> {
    let settings = rates(|rates| rates.write = 1);
    let server = Fixture::start_with(|it| it.throttle = settings).await?;
    let entry = r#"{"resource":{"resourceType":"Basic","code":{"text":"a"}},"request":{"method":"POST","url":"Basic"}}"#;
    for kind in ["transaction", "batch"] {
        let entries = vec![entry; 30].join(",");
        let bundle = format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{entries}]}}"#);
        let answer = server.client.send("POST", "", &bundle).await?;
        if kind == "transaction" {
            assert_eq!((answer.status, answer.entries().len()), (200, 30), "{}", answer.text);
        } else {
            assert_eq!(answer.status, 429, "{}", answer.text);
            let wait: u64 = answer.header("retry-after").parse()?;
            assert!((10..=27).contains(&wait), "{wait} s for 26 owed");
        }
    }
    assert_eq!(server.client.get("/Basic?_summary=count").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn tokens_are_not_to_be_asked_for_at_each_request() -> Result<()> {
    let settings = rates(|rates| rates.token = 1);
    let server = Fixture::start_with(|it| it.throttle = settings).await?;
    let url = format!("{}/auth/token", server.origin()?);
    let ask = async |id: &str, secret: &str| {
        let request = server.client.anonymous().request("POST", &url);
        let form = [("grant_type", "client_credentials")];
        Answer::of(request.basic_auth(id, Some(secret)).form(&form)).await
    };
    let begun = Instant::now();
    let (through, refused) = flood(60, async || ask("dev-backend", "dev-secret").await).await?;
    assert!(through.len() <= most(begun) && through.iter().all(|answer| answer.status == 200));
    for answer in &refused {
        assert_eq!(answer.text_at("error"), "slow_down", "{}", answer.text);
        assert_eq!(answer.header("retry-after"), "1");
    }
    // Others at the same address are not kept waiting.
    assert_eq!(ask("another", "secret").await?.status, 401);
    Ok(())
}

#[tokio::test]
async fn an_address_has_its_share_of_connections() -> Result<()> {
    let settings = rates(|rates| rates.connections = 3);
    let server = Fixture::start_with(|it| it.throttle = settings).await?;
    let address = server.origin()?.trim_start_matches("http://").to_owned();
    let asks = async |stream: &mut TcpStream| -> Result<bool> {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await?;
        let mut head = [0; 12];
        Ok(stream.read_exact(&mut head).await.is_ok() && head.ends_with(b"200"))
    };
    // The fixture's own client holds one.
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(&address).await?;
        assert!(asks(&mut stream).await?);
        held.push(stream);
    }
    let mut more = TcpStream::connect(&address).await?;
    assert!(!matches!(asks(&mut more).await, Ok(true)), "a fourth is closed");
    drop(held);
    // Their places come back once the server has seen them go.
    loop {
        let mut again = TcpStream::connect(&address).await?;
        if matches!(asks(&mut again).await, Ok(true)) {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
}
