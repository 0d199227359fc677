//! A host's quote generation service, and the hypervisor that asks it for a guest.
//!
//! Both speak the service's protocol as Intel's and QEMU's do (`qgs_msg_lib.h`; 4 bytes of length, big-endian, before each
//! message), put together here once more without the product's code.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::machine::Td;

/// What the service answers besides good quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// As Intel's does.
    Honest,
    /// A quote of another report than the one it was given.
    Confused,
}

/// A running service. It ends when dropped.
#[derive(Debug)]
pub struct QuoteService {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl QuoteService {
    /// Serves at the Unix socket `path`, with the quoting enclave of the CPU that `td` runs on.
    ///
    /// # Errors
    /// If the socket cannot be made.
    pub fn start(path: &Path, td: Td, service: Service) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::Builder::new().name("qgs".into()).spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                if let Err(error) = answer(stream, &td, service) {
                    tracing::debug!("a quote request was not answered: {error}");
                }
            }
        })?;
        Ok(Self {
            path: path.to_owned(),
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for QuoteService {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = UnixStream::connect(&self.path);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

fn answer(mut stream: UnixStream, td: &Td, service: Service) -> io::Result<()> {
    let request = receive(&mut stream)?;
    // Header, report size, id list size.
    let quote = request.get(24..).and_then(|report| {
        let quote = td.quote_report(report).ok()?;
        Some(match service {
            Service::Honest => quote,
            Service::Confused => td.quote([0xee; 64]),
        })
    });
    let (code, quote) = match quote {
        Some(quote) => (0, quote),
        None => (0x0001_2001, Vec::new()),
    };
    let mut message = header(1, 24 + quote.len(), code);
    message.extend(0_u32.to_le_bytes());
    message.extend(
        u32::try_from(quote.len())
            .map_err(io::Error::other)?
            .to_le_bytes(),
    );
    message.extend(quote);
    send(&mut stream, &message)
}

/// What a hypervisor does when its guest asks for a quote of `td_report`: asks at the Unix socket `path`, for at most five
/// seconds.
///
/// # Errors
/// If there is no quote.
pub fn ask_for_quote(path: &Path, td_report: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut message = header(0, 24 + td_report.len(), 0);
    message.extend(
        u32::try_from(td_report.len())
            .map_err(io::Error::other)?
            .to_le_bytes(),
    );
    message.extend(0_u32.to_le_bytes());
    message.extend(td_report);
    send(&mut stream, &message)?;
    let answer = receive(&mut stream)?;
    match answer.get(12..16) {
        Some([0, 0, 0, 0]) => Ok(answer[24..].to_vec()),
        _ => Err(io::Error::other("the quote request was refused")),
    }
}

fn header(kind: u32, size: usize, code: u32) -> Vec<u8> {
    let size = u32::try_from(size).expect("small");
    let mut header = vec![1, 0, 1, 0];
    header.extend([kind, size, code].iter().flat_map(|word| word.to_le_bytes()));
    header
}

fn send(stream: &mut UnixStream, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(message)
}

fn receive(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut message = vec![
        0;
        usize::try_from(u32::from_be_bytes(length))
            .unwrap_or(0)
            .min(1 << 20)
    ];
    stream.read_exact(&mut message)?;
    Ok(message)
}
