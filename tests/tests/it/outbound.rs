//! URLs out of data lead nowhere but to where they may: listeners count who comes.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use futures::future::BoxFuture;
use it::{Authority, Then, Trap};
use outbound::{Allow, Answer, Call, Credential, Fault, Options, Outbound, Resolve, Resolved};

pub(crate) const OK: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

/// Answers every name with the first list, then with the second, and so on to the last.
pub(crate) struct Names {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Names {
    pub(crate) fn new(answers: &[&str]) -> Result<Arc<Self>> {
        let read = |list: &&str| list.split_whitespace().map(str::parse).collect();
        let answers = answers.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Arc::new(Self { answers, asked: AtomicUsize::new(0) }))
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Resolved> {
        let at = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        Box::pin(std::future::ready(Ok(self.answers[at].clone())))
    }
}

pub(crate) fn door(allow: &[&str], names: Arc<Names>, trusted: &[&Authority]) -> Result<Outbound> {
    let roots = trusted.iter().map(|authority| authority.root()).collect();
    let allow = Allow::parse(allow.iter().copied())?;
    Ok(Outbound::new(Options { allow, roots, resolver: names }))
}

pub(crate) async fn get(door: &Outbound, url: &str) -> Result<Answer, Fault> {
    door.call(Call::get(url, "application/json")).await
}

pub(crate) fn word(answer: &Result<Answer, Fault>) -> &'static str {
    answer.as_ref().err().map_or("ok", Fault::as_str)
}

#[tokio::test]
async fn nothing_inside_is_reached() -> Result<()> {
    let authority = Authority::new("a")?;
    let identity = authority.give(&["localhost", "127.0.0.1", "::1", "keys.example"])?;
    let four = Trap::tls("127.0.0.1:0", &identity, OK, Then::Close).await?;
    let six = Trap::tls(&format!("[::1]:{}", four.port()), &identity, OK, Then::Close).await.ok();
    let port = four.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.0.01",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fd00::1]",
        "[fe80::1]",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.168.0.1",
        "224.0.0.1",
    ] {
        let door = door(&[], Names::new(&["127.0.0.1"])?, &[&authority])?;
        let answer = get(&door, &format!("https://{host}:{port}/keys")).await;
        assert!(matches!(word(&answer), "url" | "address"), "{host}: {answer:?}");
        let clear = get(&door, &format!("http://{host}:{port}/keys")).await;
        assert!(matches!(word(&clear), "url" | "clear"), "{host}: {clear:?}");
        assert!(door.expect(&format!("https://{host}:{port}/keys")).is_err(), "{host}");
    }
    for addresses in [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "10.0.0.1",
        "169.254.169.254",
        "fd00::1",
        "1.1.1.1 127.0.0.1",
        "127.0.0.1 1.1.1.1",
        "1.1.1.1 2606:4700::1111 ::1",
    ] {
        let door = door(&["other.example"], Names::new(&[addresses])?, &[&authority])?;
        for name in ["localhost", "keys.example", "other.example.keys.example"] {
            let answer = get(&door, &format!("https://{name}:{port}/keys")).await;
            assert_eq!(word(&answer), "address", "{name} at {addresses}");
        }
    }
    assert_eq!(four.connections().await?, 0);
    if let Some(six) = six {
        assert_eq!(six.connections().await?, 0);
    }
    Ok(())
}

/// Link-local addresses and other notations are for nobody, whatever the settings allow.
#[tokio::test]
async fn what_is_allowed_has_its_bounds() -> Result<()> {
    for addresses in ["169.254.169.254", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "224.0.0.1", "::"] {
        let door = door(&["http://keys.internal"], Names::new(&[addresses])?, &[])?;
        let answer = get(&door, "http://keys.internal:1/keys").await;
        assert_eq!(word(&answer), "address", "{addresses}");
    }
    let door = door(&["http://169.254.169.254"], Names::new(&["1.1.1.1"])?, &[])?;
    assert_eq!(word(&get(&door, "http://169.254.169.254/latest").await), "address");
    Ok(())
}

#[tokio::test]
async fn an_allowed_host_is_called_by_name() -> Result<()> {
    let authority = Authority::new("a")?;
    let identity = authority.give(&["keys.internal"])?;
    let trap = Trap::tls("127.0.0.1:0", &identity, OK, Then::Close).await?;
    let names = Names::new(&["127.0.0.1"])?;
    let door = door(&["keys.internal"], Arc::clone(&names), &[&authority])?;
    let url = format!("https://keys.internal:{}/keys?x=1#part", trap.port());
    let answer = get(&door, &url).await?;
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"{}"[..]));
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);
    assert_eq!(trap.connections().await?, 1);
    let head = trap.heads().pop().context("a request came")?.to_lowercase();
    let host = format!("\r\nhost: keys.internal:{}\r\n", trap.port());
    assert!(head.starts_with("get /keys?x=1 http/1.1\r\n") && head.contains(&host), "{head}");
    assert!(!head.contains("authorization") && !head.contains("cookie"), "{head}");
    // The same host in the clear is another matter.
    let clear = get(&door, &url.replacen("https", "http", 1)).await;
    assert_eq!((word(&clear), trap.connections().await?), ("clear", 1));
    Ok(())
}

/// A name that leads elsewhere at the second look is looked up once: what was judged is connected to.
#[tokio::test]
async fn a_name_that_moves_is_not_followed() -> Result<()> {
    let first = Trap::clear("127.0.0.2:0", OK, Then::Close).await?;
    let second = Trap::clear(&format!("127.0.0.3:{}", first.port()), OK, Then::Close).await?;
    let names = Names::new(&["127.0.0.2", "127.0.0.3"])?;
    let allowed = door(&["http://keys.internal"], Arc::clone(&names), &[])?;
    get(&allowed, &format!("http://keys.internal:{}/", first.port())).await?;
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);
    assert_eq!((first.connections().await?, second.connections().await?), (1, 0));

    // Judged anew each time: what was public a moment ago is not so for good.
    let names = Names::new(&["127.0.0.2", "169.254.169.254"])?;
    let moved = door(&["http://keys.internal"], names, &[])?;
    get(&moved, &format!("http://keys.internal:{}/", first.port())).await?;
    let again = get(&moved, &format!("http://keys.internal:{}/", first.port())).await;
    assert_eq!((word(&again), first.connections().await?), ("address", 2));
    Ok(())
}

#[tokio::test]
async fn a_redirect_is_not_followed() -> Result<()> {
    let goal = Trap::clear("127.0.0.1:0", OK, Then::Close).await?;
    for status in [301, 302, 303, 307, 308] {
        let answer = format!(
            "HTTP/1.1 {status} x\r\nLocation: http://127.0.0.1:{}/\r\nContent-Length: 0\r\n\r\n",
            goal.port()
        );
        let trap = Trap::clear("127.0.0.1:0", &answer, Then::Close).await?;
        let door = door(&["http://127.0.0.1"], Names::new(&["127.0.0.1"])?, &[])?;
        let origin = format!("http://127.0.0.1:{}", trap.port());
        let call = Call::get(format!("{origin}/keys"), "application/json")
            .with(Credential::new(&origin, "Bearer hunter2")?);
        let answer = door.call(call).await;
        assert!(matches!(answer, Err(Fault::Redirect(seen)) if seen == status), "{answer:?}");
        assert!(trap.heads().concat().contains("Bearer hunter2"));
    }
    assert_eq!(goal.connections().await?, 0);
    Ok(())
}

/// What the environment says of proxies is for other programs. Here a test of above runs again under it.
#[tokio::test]
async fn no_proxy_is_asked() -> Result<()> {
    let proxy = Trap::clear("127.0.0.1:0", OK, Then::Close).await?;
    let address = format!("http://{}", proxy.address);
    let mut again = tokio::process::Command::new(std::env::current_exe()?);
    again.args(["--exact", "outbound::an_allowed_host_is_called_by_name"]);
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        again.env(name, &address).env(name.to_uppercase(), &address);
    }
    let output = again.env_remove("no_proxy").env_remove("NO_PROXY").output().await?;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(proxy.connections().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_credential_goes_to_its_own_host_alone() -> Result<()> {
    let trap = Trap::clear("127.0.0.1:0", OK, Then::Close).await?;
    let port = trap.port();
    let hosts = ["trusted.example", "trusted.example.evil.example", "a.trusted.example"];
    let allow = hosts.map(|host| format!("http://{host}"));
    let allow: Vec<&str> = allow.iter().map(String::as_str).collect();
    let door = door(&allow, Names::new(&["127.0.0.1"])?, &[])?;
    let credential = Credential::new(&format!("http://trusted.example:{port}"), "Bearer hunter2")?;
    for (url, expected) in [
        (format!("http://trusted.example:{port}/hook"), "ok"),
        (format!("http://trusted.example.evil.example:{port}/hook"), "credential"),
        (format!("http://a.trusted.example:{port}/hook"), "credential"),
        (format!("http://trusted.example@a.trusted.example:{port}/hook"), "url"),
        ("http://trusted.example/hook".to_owned(), "credential"),
    ] {
        let call = Call::post(url.as_str(), "*/*", "text/plain", "x").with(credential.clone());
        let answer = door.call(call).await;
        assert_eq!(word(&answer), expected, "{url}");
        assert!(!format!("{answer:?}").contains("hunter2"));
    }
    assert_eq!(trap.connections().await?, 1);
    assert!(trap.heads().concat().contains("authorization: Bearer hunter2"));
    Ok(())
}

/// Whoever has the address is not yet the one that the URL names.
#[tokio::test]
async fn a_host_shows_that_it_is_the_one() -> Result<()> {
    let (authority, stranger) = (Authority::new("a")?, Authority::new("b")?);
    for (identity, expected) in [
        (authority.give(&["keys.internal"])?, "ok"),
        (authority.give(&["other.internal"])?, "tls"),
        (authority.give(&["127.0.0.1"])?, "tls"),
        (authority.give_expired(&["keys.internal"])?, "tls"),
        (stranger.give(&["keys.internal"])?, "tls"),
    ] {
        let trap = Trap::tls("127.0.0.1:0", &identity, OK, Then::Close).await?;
        let door = door(&["keys.internal"], Names::new(&["127.0.0.1"])?, &[&authority])?;
        let answer = get(&door, &format!("https://keys.internal:{}/", trap.port())).await;
        assert_eq!(word(&answer), expected);
        assert_eq!(trap.heads().is_empty(), expected != "ok");
    }
    Ok(())
}
