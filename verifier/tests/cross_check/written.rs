//! A log as bytes that can be edited.

use chassis_verifier::eventlog::{Event, EventType, Log};

/// A log: its bytes up to the first record, and the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    front: Vec<u8>,
    pub(crate) records: Vec<Record>,
}

/// One `TCG_PCR_EVENT2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) register: u32,
    pub(crate) event_type: u32,
    /// By `TPM_ALG_ID`, in the header's order.
    pub(crate) digests: Vec<(u16, Vec<u8>)>,
    pub(crate) data: Vec<u8>,
}

impl Record {
    pub(crate) fn sha384(&self) -> [u8; 48] {
        let (_, digest) = self.digests.iter().find(|(id, _)| *id == 0x000c).unwrap();
        digest[..].try_into().unwrap()
    }

    /// Sets the SHA-384 digest; other banks are not compared.
    pub(crate) fn set_sha384(&mut self, digest: [u8; 48]) {
        let (_, old) = self.digests.iter_mut().find(|(id, _)| *id == 0x000c).unwrap();
        *old = digest.to_vec();
    }

    /// The same record in another register and with another digest.
    pub(crate) fn with(&self, register: u32, digest: [u8; 48]) -> Self {
        let mut record = self.clone();
        record.register = register;
        record.set_sha384(digest);
        record
    }

    pub(crate) fn extends(&self) -> bool {
        self.event_type != EventType::NO_ACTION.0
    }
}

impl Written {
    /// Takes a log apart.
    pub(crate) fn of(log: &Log<'_>, bytes: &[u8]) -> Self {
        let record = |event: &Event<'_>| Record {
            register: event.register,
            event_type: event.event_type.0,
            digests: log
                .algorithms()
                .iter()
                .map(|algorithm| (algorithm.id(), event.digest(*algorithm).unwrap().to_vec()))
                .collect(),
            data: event.data.to_vec(),
        };
        Self {
            front: bytes[..log.events()[0].offset].to_vec(),
            records: log.events().iter().map(record).collect(),
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let size = |len: usize| u32::try_from(len).unwrap().to_le_bytes();
        let mut bytes = self.front.clone();
        for record in &self.records {
            bytes.extend(record.register.to_le_bytes());
            bytes.extend(record.event_type.to_le_bytes());
            bytes.extend(size(record.digests.len()));
            for (algorithm, digest) in &record.digests {
                bytes.extend(algorithm.to_le_bytes());
                bytes.extend(digest);
            }
            bytes.extend(size(record.data.len()));
            bytes.extend(&record.data);
        }
        bytes
    }

    /// As `/sys/firmware/acpi/tables/data/CCEL` gives it.
    pub(crate) fn padded(&self) -> Vec<u8> {
        let mut bytes = self.bytes();
        bytes.resize(CCEL_AREA, 0xff);
        bytes
    }
}

/// The size of the ACPI area COS-113 has for its CCEL.
const CCEL_AREA: usize = 1 << 18;
