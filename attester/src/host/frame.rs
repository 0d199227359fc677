//! Messages on a socket: a length of four bytes, big-endian, then as many bytes. The quote generation service frames its
//! messages so, and the agent does the same.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::address::Stream;

/// The next message, or `None` if the other side has ended before one began.
///
/// # Errors
/// [`ErrorKind::InvalidData`] if it announces more than `limit` bytes, of which none is read then; any other if the connection
/// breaks.
pub(super) async fn read(stream: &mut dyn Stream, limit: usize) -> Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if stream.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut length[1..]).await?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > limit {
        let problem = format!("a message of {length} bytes, at most {limit} are read");
        return Err(Error::new(ErrorKind::InvalidData, problem));
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await?;
    Ok(Some(message))
}

/// Sends `message`.
pub(super) async fn write(stream: &mut dyn Stream, message: &[u8]) -> Result<()> {
    let length = u32::try_from(message.len()).map_err(|_| ErrorKind::InvalidInput)?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(message).await?;
    stream.flush().await
}
