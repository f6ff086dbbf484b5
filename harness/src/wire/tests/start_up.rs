//! Start-ups that are not sessions, and servers that are not there.

use std::{net::SocketAddr, sync::atomic::Ordering::SeqCst};

use rstest::rstest;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::fake::{Client, KEY, Server};
use crate::{
    poll::Runtime,
    wire::{Phase, Protocol, Proxy},
};

const SSL: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const GSS: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x30";

/// Sends bytes, reads until the proxy hangs up, and returns what came and what the proxy says.
fn said(bytes: &[u8], server: Option<SocketAddr>) -> (Vec<u8>, Vec<String>) {
    let runtime = Runtime::new().expect("the system gives an event queue");
    runtime.block_on(async {
        let fake = Server::start().await;
        let server = server.unwrap_or(fake.address);
        let proxy = Proxy::start(Protocol::Postgres, server).await.expect("it can listen");
        let mut client = TcpStream::connect(proxy.address()).await.expect("it listens");
        client.write_all(bytes).await.expect("it reads");
        let mut answer = Vec::new();
        // A reset is as good an end as any.
        client.read_to_end(&mut answer).await.ok();
        runtime.quiet().wait(proxy.wire()).await;
        let failures = proxy.wire().failures();
        let chain = |error: &dyn std::error::Error| match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        (answer, failures.iter().map(|error| chain(&**error)).collect())
    })
}

#[rstest]
#[case::tls(b"\x16\x03\x01\0\xf5\x01", "a TLS handshake without asking for it")]
#[case::version(b"\0\0\0\x08\0\x02\0\0", "a start-up of version 2.0, which is unknown")]
#[case::length(b"\0\0\0\x03", "StartupMessage with a length of 3")]
#[case::long(b"\xff\0\0\0\0\x03\0\0", "StartupMessage with a length of 4278190080")]
#[case::tls_twice(&[SSL, SSL].concat(), "SSLRequest with a length of 8")]
fn bad_start_up_is_refused(#[case] bytes: &[u8], #[case] part: &str) {
    let (_, failures) = said(bytes, None);

    let [failure] = &*failures else { panic!("{failures:?}") };
    assert!(failure.starts_with("the client broke the protocol on connection 1: "), "{failure}");
    assert!(failure.contains(part), "{failure}");
}

#[test]
fn encryption_is_declined() {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let server = Server::start().await;
        let proxy = Proxy::start(Protocol::Postgres, server.address).await.unwrap();
        let mut client = TcpStream::connect(proxy.address()).await.unwrap();

        for request in [GSS, SSL] {
            client.write_all(request).await.unwrap();
            assert_eq!(client.read_u8().await.unwrap(), b'N');
        }

        let trace = proxy.wire().trace();
        assert_eq!(trace.to_string(), "1 > GSSENCRequest\n1 > SSLRequest\n");
        assert_eq!(server.heard.load(SeqCst), 0);
    });
}

#[test]
fn missing_server_is_named() {
    // The discard port, where nobody listens on loopback.
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));

    let (_, failures) = said(b"", Some(nowhere));

    let [failure] = &*failures else { panic!("{failures:?}") };
    assert!(failure.starts_with("no server answers connection 1 at 127.0.0.1:9: "), "{failure}");
}

#[test]
fn start_up_is_marked_and_numbered() {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let server = Server::start().await;
        let proxy = Proxy::start(Protocol::Postgres, server.address).await.unwrap();
        let client = Client::log_in(proxy.address()).await.unwrap();
        client.leave().await.unwrap();
        runtime.quiet().wait(proxy.wire()).await;

        let trace = proxy.wire().trace();
        let lines = trace.events().iter().map(|event| (event.phase, event.number, &*event.name));
        let expected = [
            (Phase::StartUp, Some(1), "StartupMessage"),
            (Phase::StartUp, Some(1), "Authentication Ok"),
            (Phase::StartUp, None, "ParameterStatus \"a\""),
            (Phase::StartUp, Some(2), "BackendKeyData"),
            (Phase::StartUp, Some(3), "ReadyForQuery idle"),
            (Phase::Session, Some(2), "Terminate"),
        ];
        assert!(lines.eq(expected), "{trace}");
    });
}

#[rstest]
#[case::known(KEY, "CancelRequest of connection 1")]
#[case::unknown(b"\0\0\0\x07else", "CancelRequest of no connection")]
fn cancel_request_is_passed_on_and_attributed(#[case] key: &[u8], #[case] name: &str) {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let server = Server::start().await;
        let proxy = Proxy::start(Protocol::Postgres, server.address).await.unwrap();
        let _client = Client::log_in(proxy.address()).await.unwrap();
        let mut cancelling = TcpStream::connect(proxy.address()).await.unwrap();

        cancelling.write_all(&[b"\0\0\0\x10\x04\xd2\x16\x2e", key].concat()).await.unwrap();
        let mut answer = Vec::new();
        cancelling.read_to_end(&mut answer).await.unwrap();

        assert!(answer.is_empty());
        let trace = proxy.wire().trace();
        let last = trace.events().last().unwrap();
        assert_eq!((last.connection, last.name.as_str()), (2, name));
        assert!(!format!("{trace:?}{:?}", proxy.wire()).contains("secr"));
    });
}
