//! Where a guest and its host meet: a vsock port, or a Unix socket.

use std::{fmt, io, os::unix::fs::FileTypeExt as _, path::PathBuf, str::FromStr};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{UnixListener, UnixStream},
};
use tokio_vsock::{VMADDR_CID_ANY, VsockAddr, VsockListener, VsockStream};

/// `vsock://CID:PORT` (`any` for every CID, to listen on; 2 is the host, seen from a guest), or `unix:PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketAddress {
    /// A socket in the file system.
    Unix(PathBuf),
    /// A port of a virtual machine, or of the host.
    Vsock {
        /// Context identifier.
        cid: u32,
        /// Port.
        port: u32,
    },
}

/// An open connection.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Who is at the other end, as the kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Peer {
    /// A virtual machine, by its context identifier.
    Guest(u32),
    /// A process on this host, by its number: each guest's hypervisor is one.
    Process(i32),
    /// A process of which the kernel says nothing.
    Unknown,
}

/// Something that takes connections.
#[derive(Debug)]
pub(super) enum Listener {
    Unix(UnixListener),
    Vsock(VsockListener),
}

impl SocketAddress {
    pub(crate) async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Unix(path) => Box::new(UnixStream::connect(path).await?),
            Self::Vsock { cid, port } => Box::new(VsockStream::connect(VsockAddr::new(*cid, *port)).await?),
        })
    }

    /// Listens. A Unix socket that a process before us left behind is replaced; one that answers is not.
    pub(super) async fn listen(&self) -> io::Result<Listener> {
        match self {
            Self::Vsock { cid, port } => {
                VsockListener::bind(VsockAddr::new(*cid, *port)).map(Listener::Vsock)
            }
            Self::Unix(path) => {
                let left_behind =
                    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
                if left_behind && UnixStream::connect(path).await.is_err() {
                    std::fs::remove_file(path)?;
                }
                UnixListener::bind(path).map(Listener::Unix)
            }
        }
    }
}

impl Listener {
    pub(super) async fn accept(&self) -> io::Result<(Box<dyn Stream>, Peer)> {
        Ok(match self {
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let process = stream.peer_cred().ok().and_then(|process| process.pid());
                (Box::new(stream), process.map_or(Peer::Unknown, Peer::Process))
            }
            Self::Vsock(listener) => {
                let (stream, address) = listener.accept().await?;
                (Box::new(stream), Peer::Guest(address.cid()))
            }
        })
    }
}

impl FromStr for SocketAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(path.into()));
        }
        let vsock = |text: &str| {
            let (cid, port) = text.strip_prefix("vsock://")?.split_once(':')?;
            let cid = if cid == "any" {
                VMADDR_CID_ANY
            } else {
                cid.parse().ok()?
            };
            Some(Self::Vsock {
                cid,
                port: port.parse().ok()?,
            })
        };
        vsock(text).ok_or_else(|| format!("`{text}` is neither vsock://CID:PORT nor unix:PATH"))
    }
}

impl fmt::Display for SocketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Vsock {
                cid: VMADDR_CID_ANY,
                port,
            } => write!(f, "vsock://any:{port}"),
            Self::Vsock { cid, port } => write!(f, "vsock://{cid}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        for text in ["unix:/run/a.sock", "vsock://2:4060", "vsock://any:4060"] {
            assert_eq!(text.parse::<SocketAddress>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "unix:",
            "vsock://2",
            "vsock://:1",
            "vsock://-1:1",
            "vsock://2:4294967296",
            "http://2:1",
            "/run/a.sock",
        ] {
            let error = text.parse::<SocketAddress>().unwrap_err();
            assert!(
                error.contains("neither vsock://CID:PORT nor unix:PATH"),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn a_socket_that_was_left_behind_is_replaced_and_one_that_answers_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let address = SocketAddress::Unix(path.clone());
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let _listener = address.listen().await.unwrap();
        assert_eq!(
            address.listen().await.unwrap_err().kind(),
            io::ErrorKind::AddrInUse
        );
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "a file").unwrap();
        assert!(address.listen().await.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"a file");
    }
}
