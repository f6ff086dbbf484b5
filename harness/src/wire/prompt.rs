//! A socket that acknowledges at once what was read from it.
//!
//! A client that has left Nagle's algorithm on, and sends two small messages one after the other, waits for
//! the acknowledgement of the first. The kernel delays that by 40 ms, unless it is told to hurry after each
//! read: <https://man7.org/linux/man-pages/man7/tcp.7.html> (`TCP_QUICKACK`).

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// The socket of a client.
#[derive(Debug)]
pub(super) struct Prompt(pub(super) TcpStream);

impl AsyncRead for Prompt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(cx, buffer);
        #[cfg(any(target_os = "android", target_os = "linux"))]
        if read.is_ready() {
            // A socket that has no option left to set is closed already.
            self.0.set_quickack(true).ok();
        }
        read
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(all(test, any(target_os = "android", target_os = "linux")))]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        time::Instant,
    };

    use super::*;

    /// What each delayed acknowledgement takes at the least.
    const DELAY: Duration = Duration::from_millis(40);
    const TIMES: u32 = 50;

    #[tokio::test]
    async fn client_with_nagle_does_not_wait_for_an_acknowledgement() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let answering = async {
            let (accepted, _) = listener.accept().await.expect("somebody connects");
            let mut prompt = Prompt(accepted);
            for _ in 0..TIMES {
                prompt.read_exact(&mut [0; 2]).await.expect("two bytes come");
                prompt.write_all(b"!").await.expect("the client is there");
            }
        };
        let asking = async {
            let mut client = TcpStream::connect(address).await.expect("it listens");
            client.set_nodelay(false).expect("the socket is open");
            for _ in 0..TIMES {
                client.write_all(b"1").await.expect("it is read");
                client.write_all(b"2").await.expect("it is read");
                client.read_exact(&mut [0]).await.expect("an answer comes");
            }
        };
        let began = Instant::now();

        futures::join!(answering, asking);

        assert!(began.elapsed() < DELAY * TIMES / 2, "{:?}", began.elapsed());
    }
}
