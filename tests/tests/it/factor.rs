//! The second factor: set up, asked for, used up, lost.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_lc_rs::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use it::{Fixture, PASSWORD, Page, Signed, Signer, Visitor};
use server::Settings;
use telemetry::Clock;

use crate::seal::{key, seal};

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The code of a secret, as an app for such codes shows it.
pub(crate) fn code(secret: &str, now_s: i64) -> Result<String> {
    let mut bits = Vec::new();
    for letter in secret.chars() {
        let number = LETTERS.find(letter).context("base32")?;
        bits.extend((0..5).rev().map(|n| u8::from(number >> n & 1 == 1)));
    }
    let (whole, _) = bits.as_chunks::<8>();
    let bytes: Vec<u8> =
        whole.iter().map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit)).collect();
    let tag = sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes), &(now_s / 30).to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes(tag[at..at + 4].try_into()?) & 0x7fff_ffff;
    Ok(format!("{:06}", number % 1_000_000))
}

struct World {
    world: Signed,
    clock: Clock,
}

impl World {
    async fn start() -> Result<Self> {
        Self::start_with(|_| ()).await
    }

    async fn start_with(change: impl FnOnce(&mut Settings)) -> Result<Self> {
        let clock = Clock::manual(Clock::system().now());
        let own = clock.clone();
        let world = Signed::start_with(|settings| {
            settings.clock = own;
            change(settings);
        });
        Ok(Self { world: world.await?, clock })
    }

    /// The same database under another server.
    async fn restart(&mut self, change: impl FnOnce(&mut Settings)) -> Result<()> {
        self.world.server.stop().await;
        let (database, clock) = (self.world.server.database.clone(), self.clock.clone());
        self.world.server = Fixture::on(database, |settings| {
            settings.clock = clock;
            change(settings);
        })
        .await?;
        self.world.origin = self.world.server.origin()?.to_owned();
        Ok(())
    }

    /// The code of this moment.
    fn code(&self, secret: &str) -> Result<String> {
        code(secret, self.clock.seconds())
    }

    /// Until the device shows another.
    fn wait(&self) {
        self.clock.advance(Duration::from_secs(30));
    }

    /// Shows log-in and password on a page of ours.
    async fn sign_in(&self, path: &str) -> Result<(Visitor, Page)> {
        let mut visitor = self.world.visitor()?;
        let page = visitor.open(path).await?;
        let form = page.form("/auth/login")?.with("login", "anna").with("password", PASSWORD);
        let page = visitor.submit(&form).await?;
        Ok((visitor, page))
    }

    /// Sets a device up: its secret, and the codes on paper.
    async fn set_up(&self) -> Result<(Visitor, String, Vec<String>)> {
        let (mut visitor, page) = self.sign_in("/auth/device").await?;
        assert!(page.text.contains("<svg") && !page.text.contains("<script"), "{}", page.text);
        let form = page.form("/auth/device")?;
        let secret = within(&page.text, "<code>").context("a secret")?;
        let wrong = visitor.submit(&form.clone().with("code", "000000")).await?;
        assert_eq!(wrong.status, 400);
        let page = visitor.submit(&form.with("code", &self.code(&secret)?)).await?;
        let codes = page.text.split("<code>").skip(1);
        let codes: Vec<String> =
            codes.filter_map(|it| it.split('<').next().map(str::to_owned)).collect();
        assert_eq!(codes.len(), 10, "{}", page.text);
        Ok((visitor, secret, codes))
    }
}

pub(crate) fn within(text: &str, tag: &str) -> Option<String> {
    text.split(tag).nth(1)?.split('<').next().map(str::to_owned)
}

#[tokio::test]
async fn a_log_in_needs_the_device_from_then_on() -> Result<()> {
    let it = World::start().await?;
    let (mut visitor, secret, _) = it.set_up().await?;
    // The session that set it up has shown it.
    assert!(visitor.open("/auth/manage").await?.text.contains("No app has access"));
    let app = it.world.spa("patient/Patient.rs");
    for path in [app.path().as_str(), "/auth/manage", "/auth/launch", "/auth/device"] {
        let (mut visitor, page) = it.sign_in(path).await?;
        let form = page.form("/auth/factor")?;
        assert!(!page.text.contains("/auth/consent"), "{path}");
        // Whatever else is tried with the password alone leads back here.
        for other in [app.path().as_str(), "/auth/manage", "/auth/launch", "/auth/device"] {
            let page = visitor.open(other).await?;
            assert!(page.form("/auth/factor").is_ok(), "{path} then {other}: {}", page.text);
        }
        let mut forged = form.clone().with("decision", "allow").with("scope", "patient/Patient.rs");
        for action in ["/auth/consent", "/auth/manage", "/auth/device", "/auth/launch"] {
            forged.action = action.to_owned();
            let page = visitor.submit(&forged).await?;
            assert_eq!(page.param("code"), None, "{action}");
            assert!(page.status == 400 || page.form("/auth/factor").is_ok(), "{action}: {page:?}");
        }
        let page = visitor.submit(&form.clone().with("code", "000000")).await?;
        assert_eq!(page.status, 403);
        it.wait();
        let page = visitor.submit(&form.with("code", &it.code(&secret)?)).await?;
        assert!(page.status == 200 && page.form("/auth/factor").is_err(), "{path}: {page:?}");
    }
    let sealed: bool = sqlx::query_scalar(
        "select bool_and(sealed not like '%' || $1 || '%') from credential where kind = 1",
    )
    .bind(&secret)
    .fetch_one(&mut it.world.server.database.connect().await?)
    .await?;
    assert!(sealed);
    Ok(())
}

/// Of a database that had no sealing key and gets one, all that was kept opens; and nothing without it any more.
#[tokio::test]
async fn a_key_that_comes_later_takes_devices_over() -> Result<()> {
    let signer = Signer::create()?;
    let file = || Some(signer.file.clone());
    let mut it = World::start_with(|settings| settings.auth.signing_key = file()).await?;
    let (_, secret, _) = it.set_up().await?;
    for round in 0..2 {
        it.restart(|settings| {
            settings.auth.signing_key = file();
            settings.seal = seal(&[], Some(key(3)));
        })
        .await?;
        it.wait();
        let (mut visitor, page) = it.sign_in("/auth/manage").await?;
        let form = page.form("/auth/factor")?.with("code", &it.code(&secret)?);
        let page = visitor.submit(&form).await?;
        assert!(page.status == 200 && page.form("/auth/factor").is_err(), "{round}: {page:?}");
    }
    let refused = it.restart(|settings| settings.auth.signing_key = file()).await.err();
    let refused = format!("{:#}", refused.context("it opens without the key")?);
    assert!(refused.contains("The keys that sign do not open"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn each_code_counts_once() -> Result<()> {
    let it = World::start().await?;
    let (_, secret, paper) = it.set_up().await?;
    let enter = async |code: &str| -> Result<bool> {
        let (mut visitor, page) = it.sign_in("/auth/manage").await?;
        let page = visitor.submit(&page.form("/auth/factor")?.with("code", code)).await?;
        Ok(page.form("/auth/factor").is_err())
    };
    let shown = it.code(&secret)?;
    assert!(!enter(&shown).await?, "the one that set it up");
    it.wait();
    let next = it.code(&secret)?;
    assert!(enter(&next).await? && !enter(&next).await?, "the next, once");
    assert!(!enter(&shown).await?, "the one before it");
    it.wait();
    it.wait();
    assert!(!enter(&next).await?, "an old one");
    let typed = paper[0].to_uppercase().replace('-', " ");
    assert!(enter(&typed).await? && !enter(&paper[0]).await?, "on paper, once");
    assert!(enter(&paper[1]).await?, "another of them");
    it.wait();
    assert!(enter(&it.code(&secret)?).await?, "the device goes on");
    Ok(())
}

/// Who knows the password gets no more tries by signing in again.
#[tokio::test]
async fn guesses_of_codes_lock_the_device() -> Result<()> {
    let it = World::start().await?;
    let (_, _, paper) = it.set_up().await?;
    for n in 0..10 {
        let (mut visitor, page) = it.sign_in("/auth/manage").await?;
        let form = page.form("/auth/factor")?.with("code", &format!("00000{n}"));
        assert_eq!(visitor.submit(&form).await?.status, 403);
    }
    let (mut visitor, page) = it.sign_in("/auth/manage").await?;
    let right = page.form("/auth/factor")?.with("code", &paper[0]);
    assert_eq!(visitor.submit(&right).await?.status, 403, "it is locked");
    let mut owner = it.world.server.database.connect().await?;
    let unlock = "update credential set locked_until = now() where kind = 1";
    sqlx::query(unlock).execute(&mut owner).await?;
    // One wrong code more, and it is locked for twice as long.
    let (mut visitor, page) = it.sign_in("/auth/manage").await?;
    let form = page.form("/auth/factor")?;
    assert_eq!(visitor.submit(&form.clone().with("code", "1")).await?.status, 403);
    let right = form.with("code", &paper[0]);
    assert_eq!(visitor.submit(&right).await?.status, 403, "the right one is too late");
    sqlx::query(unlock).execute(&mut owner).await?;
    let page = visitor.submit(&right).await?;
    assert!(page.form("/auth/factor").is_err(), "{page:?}");
    let failures: i32 = sqlx::query_scalar("select failures from credential where kind = 1")
        .fetch_one(&mut owner)
        .await?;
    assert_eq!(failures, 0);
    Ok(())
}

#[tokio::test]
async fn a_device_is_taken_away_by_who_has_shown_it() -> Result<()> {
    let it = World::start().await?;
    let (mut visitor, ..) = it.set_up().await?;
    let page = visitor.open("/auth/device").await?;
    visitor.submit(&page.form("/auth/device")?.with("decision", "remove")).await?;
    let (_, page) = it.sign_in("/auth/manage").await?;
    assert!(page.text.contains("No app has access"), "{}", page.text);
    let mut owner = it.world.server.database.connect().await?;
    let left: i64 = sqlx::query_scalar(
        "select count(*) from credential join account using (account) where login = 'anna' and kind in (1, 2)",
    )
    .fetch_one(&mut owner)
    .await?;
    assert_eq!(left, 0);
    let recorded: Vec<String> =
        sqlx::query_scalar("select detail from audit where action = 13 order by at")
            .fetch_all(&mut owner)
            .await?;
    assert!(recorded[0].ends_with("added") && recorded[1].ends_with("removed"), "{recorded:?}");
    Ok(())
}
