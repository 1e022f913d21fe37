//! One connection through the proxy.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::proxy::{Shared, Trouble};

/// Pieces a paced answer is cut into.
const PACED_PIECES_A_SECOND: u64 = 20;

pub(super) async fn relay(mut client: TcpStream, upstream: SocketAddr, shared: &Shared) -> io::Result<()> {
    let mut server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut asked, mut answered) = (vec![0; 16 << 10], vec![0; 16 << 10]);
    let mut trouble = None;
    let mut in_request = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let count = read?;
                if count == 0 {
                    return server.shutdown().await;
                }
                if !std::mem::replace(&mut in_request, true) {
                    trouble = shared.next_exchange();
                    match trouble {
                        Some(Trouble::Latency { delay_ms }) => tokio::time::sleep(Duration::from_millis(delay_ms)).await,
                        Some(Trouble::Reset) => return reset(&client),
                        Some(Trouble::HalfOpen) => return swallow(&mut client, &mut asked).await,
                        _ => {}
                    }
                }
                server.write_all(asked.get(..count).unwrap_or_default()).await?;
            }
            read = server.read(&mut answered) => {
                let count = read?;
                if count == 0 {
                    return client.shutdown().await;
                }
                in_request = false;
                let bytes = answered.get(..count).unwrap_or_default();
                match trouble {
                    Some(Trouble::CutAfterRequest) => return Ok(()),
                    Some(Trouble::HalfAnswer) => {
                        client.write_all(bytes.get(..count / 2).unwrap_or_default()).await?;
                        return Ok(());
                    }
                    Some(Trouble::Dribble { every_ms }) => pace(&mut client, bytes, 1, Duration::from_millis(every_ms)).await?,
                    Some(Trouble::Bandwidth { bytes_per_s }) => {
                        let piece = usize::try_from((bytes_per_s / PACED_PIECES_A_SECOND).max(1)).unwrap_or(1);
                        pace(&mut client, bytes, piece, Duration::from_millis(1000 / PACED_PIECES_A_SECOND)).await?;
                    }
                    _ => client.write_all(bytes).await?,
                }
            }
        }
    }
}

/// With a linger of zero the kernel sends a reset when the socket is closed.
fn reset(client: &TcpStream) -> io::Result<()> {
    client.set_zero_linger()
}

/// Reads and forgets until the client gives up.
async fn swallow(client: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    while client.read(buffer).await? > 0 {}
    Ok(())
}

async fn pace(client: &mut TcpStream, bytes: &[u8], piece: usize, pause: Duration) -> io::Result<()> {
    for piece in bytes.chunks(piece) {
        client.write_all(piece).await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}
