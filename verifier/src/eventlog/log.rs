//! The format both logs share.

use super::{Algorithm, Event, EventType, event::Digests};
use crate::{Cursor, ParseError};

/// Records a log may have. Real ones have 20 to 120; GRUB with a long menu writes several hundred.
pub const MAX_EVENTS: usize = 16_384;

/// A parsed log: its banks and its records, in order. [`TcgLog`](super::TcgLog), [`Ccel`](super::Ccel) and
/// [`DrtmLog`](super::DrtmLog) are read through it.
#[derive(Clone, Debug)]
pub struct Log<'a> {
    algorithms: Vec<Algorithm>,
    events: Vec<Event<'a>>,
    content_len: usize,
}

/// How one kind of log differs from the others.
pub(super) struct Kind {
    /// Its name, for errors.
    pub(super) what: &'static str,
    /// The last register there is.
    pub(super) last_register: u32,
    /// Types of records that extend nothing.
    pub(super) informative: &'static [EventType],
}

impl<'a> Log<'a> {
    /// The banks every record has a digest in, in the header's order.
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// The records in order, without the header.
    pub fn events(&self) -> &[Event<'a>] {
        &self.events
    }

    /// Bytes before the padding: what a collector should keep.
    pub fn content_len(&self) -> usize {
        self.content_len
    }

    /// Reads a log of this kind.
    ///
    /// A first record of type `EV_NO_ACTION` that holds `Spec ID Event03` announces the crypto-agile form (PFP 1.06
    /// §10.4.5.1); otherwise every record is a `TCG_PCClientPCREvent` with one SHA-1 digest, the first included.
    pub(super) fn parse(kind: &Kind, bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(kind.what, bytes);
        let padding = padding_start(bytes);
        if padding == 0 {
            return Err(cursor.error("log", "nothing but padding"));
        }
        let first = kind.read(sha1_event(&mut cursor)?);
        let agile = spec_id(&first)?;
        let mut events = Vec::with_capacity(most_events(padding, agile.as_deref()));
        if agile.is_none() {
            kind.check_register(&cursor, &first)?;
            events.push(first);
        }
        while cursor.position() < padding {
            if events.len() == MAX_EVENTS {
                return Err(cursor.error("events", format!("more than {MAX_EVENTS} records")));
            }
            let event = kind.read(match &agile {
                Some(algorithms) => agile_event(&mut cursor, algorithms)?,
                None => sha1_event(&mut cursor)?,
            });
            kind.check_register(&cursor, &event)?;
            events.push(event);
        }
        Ok(Self {
            algorithms: agile.unwrap_or_else(|| vec![Algorithm::Sha1]),
            events,
            content_len: cursor.position(),
        })
    }
}

/// Where the run of equal `00` or `FF` bytes begins that ends the log. It may begin inside the last record: a record is
/// padding only if it *starts* in that run.
fn padding_start(bytes: &[u8]) -> usize {
    match bytes.last() {
        Some(fill @ (0x00 | 0xff)) => bytes
            .iter()
            .rposition(|byte| byte != fill)
            .map_or(0, |last| last + 1),
        _ => bytes.len(),
    }
}

/// Records that can begin in `len` bytes: the end of the last may look like padding.
fn most_events(len: usize, algorithms: Option<&[Algorithm]>) -> usize {
    let digests = algorithms.map_or(20, |algorithms| {
        let digest = |algorithm: &Algorithm| 2 + algorithm.digest_len();
        4 + algorithms.iter().map(digest).sum::<usize>()
    });
    len.div_ceil(12 + digests).min(MAX_EVENTS)
}

impl Kind {
    fn read<'a>(&self, event: Event<'a>) -> Event<'a> {
        if self.informative.contains(&event.event_type) {
            event.informative()
        } else {
            event
        }
    }

    fn check_register(&self, cursor: &Cursor<'_>, event: &Event<'_>) -> Result<(), ParseError> {
        let last = self.last_register;
        if event.extends() && event.register > last {
            let problem = format!("{} does not exist, the last is {last}", event.register);
            return Err(cursor.error_at(event.offset, "register", problem));
        }
        Ok(())
    }
}

/// `TCG_PCClientPCREvent`.
fn sha1_event<'a>(cursor: &mut Cursor<'a>) -> Result<Event<'a>, ParseError> {
    Ok(Event {
        offset: cursor.position(),
        register: cursor.u32_le("register")?,
        event_type: EventType(cursor.u32_le("eventType")?),
        digests: Digests::Sha1(cursor.take("digest", 20)?),
        data: data(cursor)?,
        extends: true,
    })
}

/// `TCG_PCR_EVENT2`: exactly one digest of each announced algorithm, in any order.
fn agile_event<'a>(cursor: &mut Cursor<'a>, algorithms: &[Algorithm]) -> Result<Event<'a>, ParseError> {
    Ok(Event {
        offset: cursor.position(),
        register: cursor.u32_le("register")?,
        event_type: EventType(cursor.u32_le("eventType")?),
        digests: Digests::List(digests(cursor, algorithms)?),
        data: data(cursor)?,
        extends: true,
    })
}

fn digests<'a>(cursor: &mut Cursor<'a>, algorithms: &[Algorithm]) -> Result<&'a [u8], ParseError> {
    let at = cursor.clone();
    let count = cursor.u32_le("digests.count")?;
    if usize::try_from(count) != Ok(algorithms.len()) {
        return Err(at.error(
            "digests.count",
            format!("{count} digests, the header announces {}", algorithms.len()),
        ));
    }
    let list = cursor.rest();
    let mut seen = [false; Algorithm::COUNT];
    for _ in algorithms {
        let at = cursor.clone();
        let id = cursor.u16_le("digests.hashAlg")?;
        let algorithm = Algorithm::from_id(id)
            .filter(|algorithm| algorithms.contains(algorithm))
            .ok_or_else(|| at.error("digests.hashAlg", format!("0x{id:04x} is not in the header")))?;
        cursor.take("digests.digest", algorithm.digest_len())?;
        if std::mem::replace(&mut seen[algorithm.slot()], true) {
            return Err(at.error("digests.hashAlg", format!("{algorithm} twice in one record")));
        }
    }
    Ok(&list[..list.len() - cursor.rest().len()])
}

fn data<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], ParseError> {
    let len = cursor.u32_le("eventSize")?;
    // A length beyond `usize` is a length beyond what remains.
    cursor.take("event", usize::try_from(len).unwrap_or(usize::MAX))
}

/// The algorithms a `TCG_EfiSpecIDEvent` of the crypto-agile form announces; `None` if the record is no such header.
fn spec_id(event: &Event<'_>) -> Result<Option<Vec<Algorithm>>, ParseError> {
    if event.extends() || !event.data.starts_with(b"Spec ID Event03\0") {
        return Ok(None);
    }
    let mut cursor = Cursor::new("TCG_EfiSpecIDEvent", event.data);
    cursor.take("signature", 16)?;
    cursor.u32_le("platformClass")?;
    cursor.take("specVersion", 3)?;
    cursor.u8("uintnSize")?;
    let count_at = cursor.clone();
    let count = cursor.u32_le("numberOfAlgorithms")?;
    let mut algorithms = Vec::new();
    for _ in 0..count {
        let id_at = cursor.clone();
        let id = cursor.u16_le("algorithmId")?;
        let size_at = cursor.clone();
        let size = cursor.u16_le("digestSize")?;
        let algorithm = Algorithm::from_id(id)
            .ok_or_else(|| id_at.error("algorithmId", format!("unknown algorithm 0x{id:04x}")))?;
        if usize::from(size) != algorithm.digest_len() {
            return Err(size_at.error("digestSize", format!("{size} bytes for {algorithm}")));
        }
        if algorithms.contains(&algorithm) {
            return Err(id_at.error("algorithmId", format!("{algorithm} twice")));
        }
        algorithms.push(algorithm);
    }
    if algorithms.is_empty() {
        return Err(count_at.error("numberOfAlgorithms", "no algorithm"));
    }
    let vendor = cursor.u8("vendorInfoSize")?;
    cursor.take("vendorInfo", usize::from(vendor))?;
    cursor.finish()?;
    Ok(Some(algorithms))
}
