//! Connections: how many, how long a head may take, and how long a client may take nothing of its answer. `axum::serve`
//! bounds none of it.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request, response::Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{net::TcpListener, sync::Semaphore, time::sleep};
use tokio_io_timeout::TimeoutStream;
use tower::Service;

use super::callers::Callers;
use crate::{
    config::LimitSection,
    service::{Phase, Phases},
};

/// Most bytes of a connection's buffers. Heads are small; bodies are read piece by piece.
const BUFFER: usize = 64 << 10;
/// How long to wait when the system has no more sockets.
const REST: Duration = Duration::from_millis(100);

/// Serves until the service stops; then lets requests under way end.
///
/// # Errors
/// Never: a connection that cannot be accepted is waited for. The type is that of a task which may fail.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: LimitSection,
    phases: Phases,
) -> std::io::Result<()> {
    let connections = Arc::new(Semaphore::new(limits.connections));
    let callers = Callers::new(&limits);
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.header_timeout_s))
        .max_buf_size(BUFFER);
    loop {
        // Who cannot be served yet waits in the kernel's queue.
        let accepted = async {
            let permit = Arc::clone(&connections).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = phases.reached(Phase::Stopped) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(REST).await;
                continue;
            }
        };
        // Whoever watches the relayer, and other relayers, must find a connection left.
        let Some(call) = callers.enter(peer.ip()) else {
            tracing::debug!(%peer, "it has as many connections as one client may have");
            continue;
        };
        // Answers are small and whole.
        let _ = stream.set_nodelay(true);
        // Whoever asks and does not read keeps no connection. Events that are long in coming are nobody's fault.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(Duration::from_secs(limits.request_timeout_s)));
        let router = router.clone();
        let service = service_fn(move |request| answer(router.clone(), peer, request));
        let connection = graceful.watch(http.serve_connection(TokioIo::new(Box::pin(stream)), service));
        tokio::spawn(async move {
            metrics::gauge!("chassis_http_connections").increment(1.0);
            if let Err(error) = connection.await {
                tracing::debug!(%error, %peer, "connection ended");
            }
            metrics::gauge!("chassis_http_connections").decrement(1.0);
            drop((permit, call));
        });
    }
    drop(listener);
    graceful.shutdown().await;
    Ok(())
}

async fn answer(
    mut router: Router,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    // A router is always ready.
    router.call(request).await
}

#[cfg(test)]
mod tests {
    use std::io;

    use axum::{body::Bytes, routing::get};
    use futures::{StreamExt, stream};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        time::timeout,
    };

    use super::*;

    const WAIT: Duration = Duration::from_secs(10);

    /// There is one connection, and who does not read for a second loses it.
    async fn serving() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = LimitSection {
            connections: 1,
            request_timeout_s: 1,
            ..LimitSection::default()
        };
        let piece = || Ok::<_, io::Error>(Bytes::from(vec![b'x'; 1 << 20]));
        let large = move || async move { Body::from_stream(stream::repeat_with(piece).take(256)) };
        let slow = || async {
            Body::from_stream(stream::iter(1..=2).then(|number| async move {
                sleep(Duration::from_secs(2)).await;
                Ok::<_, io::Error>(Bytes::from(format!("event {number}\n")))
            }))
        };
        let router = Router::new()
            .route("/large", get(large))
            .route("/slow", get(slow))
            .route("/small", get(async || "small"));
        tokio::spawn(serve(listener, router, limits, Phases::default()));
        address
    }

    async fn ask(address: SocketAddr, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn read(mut stream: TcpStream) -> String {
        let mut text = String::new();
        let read = timeout(WAIT, stream.read_to_string(&mut text)).await;
        read.expect("an answer in time").unwrap();
        text
    }

    #[tokio::test]
    async fn who_asks_and_does_not_read_keeps_no_connection() {
        let address = serving().await;
        let deaf = ask(address, "/large").await;
        assert!(read(ask(address, "/small").await).await.ends_with("small"));
        drop(deaf);
    }

    #[tokio::test]
    async fn events_may_be_long_in_coming() {
        let text = read(ask(serving().await, "/slow").await).await;
        assert!(text.contains("event 2"), "{text}");
    }
}
