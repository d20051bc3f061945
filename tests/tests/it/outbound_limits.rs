//! What answers to a URL out of data may cost: bytes, headers, time.

use std::time::{Duration, Instant};

use anyhow::Result;
use it::{Then, Trap};
use outbound::limits::{ANSWER_BYTES_MAX, CALL_MAX, CALLS_MAX};

use crate::outbound::{Names, OK, door, get, word};

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn answers_are_read_up_to_a_limit() -> Result<()> {
    let sized = |bytes: usize, said: usize| {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {said}\r\n\r\n{}", "x".repeat(bytes))
    };
    let headers = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X-A: b\r\n".repeat(80));
    let encoded = |name: &str| {
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: {name}\r\nContent-Length: 2\r\n\r\n{{}}")
    };
    for (answer, then, expected) in [
        (sized(ANSWER_BYTES_MAX, ANSWER_BYTES_MAX), Then::Close, "ok"),
        (sized(ANSWER_BYTES_MAX + 1, ANSWER_BYTES_MAX + 1), Then::Close, "too-large"),
        (sized(1, 1 << 40), Then::Hold, "too-large"),
        (CHUNKED.to_owned(), Then::Repeat("4\r\nabcd\r\n"), "too-large"),
        ("HTTP/1.0 200 OK\r\n\r\n".to_owned(), Then::Repeat("abcdefgh"), "too-large"),
        ("HTTP/1.1 200 OK\r\n".to_owned(), Then::Repeat("X-A: b\r\n"), "http"),
        ("HTTP/1.1 200 OK\r\nX-A: ".to_owned(), Then::Repeat("bbbbbbbb"), "http"),
        (CHUNKED.to_owned(), Then::Repeat("100000000000000000000\r\n"), "http"),
        (headers, Then::Close, "http"),
        (encoded("gzip"), Then::Close, "encoded"),
        (encoded("zstd"), Then::Close, "encoded"),
        (encoded("identity"), Then::Close, "ok"),
        (sized(3, 4), Then::Close, "http"),
        ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), Then::Close, "http"),
        (String::new(), Then::Close, "http"),
    ] {
        let trap = Trap::clear("127.0.0.1:0", &answer, then).await?;
        let door = door(&["http://127.0.0.1"], Names::new(&["127.0.0.1"])?, &[])?;
        let read = get(&door, &format!("http://127.0.0.1:{}/", trap.port())).await;
        let begin = answer.chars().take(60).collect::<String>();
        assert_eq!(word(&read), expected, "{begin:?} {then:?}");
    }
    Ok(())
}

/// An answer that does not come, or comes byte by byte, is given up; meanwhile others get theirs.
#[tokio::test]
async fn time_is_limited() -> Result<()> {
    let silent = Trap::clear("127.0.0.1:0", "", Then::Hold).await?;
    let half = Trap::clear("127.0.0.1:0", CHUNKED, Then::Hold).await?;
    let good = Trap::clear("127.0.0.1:0", OK, Then::Close).await?;
    let door = door(&["http://127.0.0.1"], Names::new(&["127.0.0.1"])?, &[])?;
    let begun = Instant::now();
    let (silent, half) = (
        format!("http://127.0.0.1:{}/", silent.port()),
        format!("http://127.0.0.1:{}/", half.port()),
    );
    let stuck = [&silent, &half].map(|url| get(&door, url));
    let quick = async {
        for _ in 0..CALLS_MAX {
            assert_eq!(
                word(&get(&door, &format!("http://127.0.0.1:{}/", good.port())).await),
                "ok"
            );
        }
        begun.elapsed()
    };
    let (stuck, quick) = tokio::join!(futures::future::join_all(stuck), quick);
    for answer in &stuck {
        assert_eq!(word(answer), "timeout");
    }
    assert!(quick < CALL_MAX, "others waited {quick:?}");
    let took = begun.elapsed();
    assert!((CALL_MAX..CALL_MAX + Duration::from_secs(5)).contains(&took), "{took:?}");
    Ok(())
}
