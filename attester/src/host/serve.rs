//! Taking connections: how many in all and of one peer, how long, and messages of what size.

use std::{future::Future, io, sync::Arc, time::Duration};

use tokio::{sync::Semaphore, time::timeout};

use super::{
    address::{Listener, Stream},
    frame,
};
use crate::share::Shares;

/// Guests of one host, each for a second or two.
const CONNECTIONS: usize = 64;
/// Of these, of one peer at a time. A guest needs one.
const EACH: usize = 4;
/// For one message to arrive, and for an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(10);
/// Messages on one connection.
const MESSAGES: usize = 16;

/// Answers each message of at most `limit` bytes by `answer`, until it is dropped. `unreadable` answers a longer one.
pub(super) async fn serve<F, A>(listener: Listener, limit: usize, unreadable: fn() -> Vec<u8>, answer: F)
where
    F: Fn(Vec<u8>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Vec<u8>> + Send,
{
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let shares = Shares::of(EACH);
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, as a rule: it passes as connections end.
                tracing::warn!("cannot take a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Some(share) = shares.take(peer) else {
            tracing::warn!("{peer:?} has too many connections; ended one");
            continue;
        };
        let answer = answer.clone();
        tokio::spawn(async move {
            if let Err(error) = talk(stream, limit, unreadable, answer).await {
                tracing::debug!("a connection ended: {error}");
            }
            drop((share, permit));
        });
    }
}

async fn talk<F, A>(
    mut stream: Box<dyn Stream>,
    limit: usize,
    unreadable: fn() -> Vec<u8>,
    answer: F,
) -> io::Result<()>
where
    F: Fn(Vec<u8>) -> A,
    A: Future<Output = Vec<u8>>,
{
    for _ in 0..MESSAGES {
        let message = match timeout(PATIENCE, frame::read(&mut *stream, limit)).await? {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                timeout(PATIENCE, frame::write(&mut *stream, &unreadable())).await??;
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        let answer = answer(message).await;
        timeout(PATIENCE, frame::write(&mut *stream, &answer)).await??;
    }
    Ok(())
}
