//! The proxy between a real client and a real server.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;

/// A server that answers every line with itself, and tells what it was asked.
async fn echo() -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (told, asked) = mpsc::channel(64);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let told = told.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    told.send(String::from_utf8_lossy(&buffer[..count]).into_owned()).await.unwrap();
                    if stream.write_all(&buffer[..count]).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    (address, asked)
}

/// What a client reads until the connection ends or `expected` bytes came. The deadline only ends a test that hangs.
async fn ask(stream: &mut TcpStream, text: &str, expected: usize) -> io::Result<String> {
    stream.write_all(text.as_bytes()).await?;
    let mut answer = Vec::new();
    let read = async {
        let mut buffer = [0; 1024];
        while answer.len() < expected {
            match stream.read(&mut buffer).await? {
                0 => break,
                count => answer.extend_from_slice(&buffer[..count]),
            }
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    tokio::time::timeout(Duration::from_secs(10), read).await.expect("an end within ten seconds")
}

#[tokio::test]
async fn forwards_faithfully_and_counts() {
    let (upstream, _asked) = echo().await;
    let proxy = Proxy::start(upstream, 1).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(ask(&mut stream, "hello", 5).await.unwrap(), "hello");
    assert_eq!(ask(&mut stream, "again", 5).await.unwrap(), "again");
    assert_eq!((proxy.connections(), proxy.exchanges(), proxy.struck()), (1, 2, 0));
    proxy.shutdown().await;
}

#[tokio::test]
async fn a_cut_answer_leaves_its_effect_behind() {
    let (upstream, mut asked) = echo().await;
    let proxy = Proxy::start(upstream, 1).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(ask(&mut stream, "one", 3).await.unwrap(), "one");
    proxy.trouble(Trouble::CutAfterRequest, 1000);
    let lost = ask(&mut stream, "two", 3).await;
    assert!(lost.is_err() || lost.is_ok_and(|answer| answer.is_empty()));
    assert_eq!(
        (asked.recv().await.unwrap(), asked.recv().await.unwrap()),
        ("one".to_owned(), "two".to_owned())
    );
    assert_eq!(proxy.struck(), 1);
}

#[tokio::test]
async fn a_reset_has_no_effect() {
    let (upstream, mut asked) = echo().await;
    let proxy = Proxy::start(upstream, 1).await.unwrap();
    proxy.trouble(Trouble::Reset, 1000);
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let error = ask(&mut stream, "one", 3).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    proxy.heal();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(ask(&mut stream, "two", 3).await.unwrap(), "two");
    assert_eq!(asked.recv().await.unwrap(), "two");
}

#[tokio::test]
async fn half_an_answer_is_half_and_a_dribble_is_whole() {
    let (upstream, _asked) = echo().await;
    let proxy = Proxy::start(upstream, 1).await.unwrap();
    proxy.trouble(Trouble::HalfAnswer, 1000);
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(ask(&mut stream, "abcdef", 6).await.unwrap(), "abc");
    for trouble in [
        Trouble::Dribble { every_ms: 1 },
        Trouble::Bandwidth { bytes_per_s: 100 },
        Trouble::Latency { delay_ms: 1 },
    ] {
        proxy.trouble(trouble, 1000);
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(ask(&mut stream, "abcdef", 6).await.unwrap(), "abcdef", "{trouble:?}");
    }
    assert_eq!(proxy.struck(), 4);
}

#[tokio::test]
async fn half_open_swallows_until_the_client_gives_up() {
    let (upstream, mut asked) = echo().await;
    let proxy = Proxy::start(upstream, 1).await.unwrap();
    proxy.trouble(Trouble::HalfOpen, 1000);
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(b"one").await.unwrap();
    let mut buffer = [0; 8];
    assert!(tokio::time::timeout(Duration::from_millis(50), stream.read(&mut buffer)).await.is_err());
    assert_eq!(asked.try_recv(), Err(mpsc::error::TryRecvError::Empty));
    assert_eq!(proxy.struck(), 1);
}

#[tokio::test]
async fn a_seed_troubles_the_same_exchanges() {
    let pattern = |seed| {
        let plan = Plan { trouble: Some((Trouble::Reset, 300)), dice: Dice::for_name(seed, "proxy") };
        let shared = Shared {
            plan: Mutex::new(plan),
            connections: AtomicU64::new(0),
            exchanges: AtomicU64::new(0),
            struck: AtomicU64::new(0),
        };
        (0..100).map(|_| shared.next_exchange().is_some()).collect::<Vec<_>>()
    };
    assert_eq!(pattern(4), pattern(4));
    assert_ne!(pattern(4), pattern(5));
}
