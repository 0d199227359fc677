//! Writes logs for tests.

use super::Algorithm;

/// A log under construction.
#[derive(Clone)]
pub(crate) struct Encoder {
    algorithms: Vec<Algorithm>,
    pub(crate) bytes: Vec<u8>,
}

impl Encoder {
    /// A crypto-agile log with its header.
    pub(crate) fn agile(algorithms: &[Algorithm]) -> Self {
        let announced: Vec<(u16, usize)> = algorithms
            .iter()
            .map(|algorithm| (algorithm.id(), algorithm.digest_len()))
            .collect();
        let mut log = Self::sha1();
        log.event(0, 3, &[0; 20], &Self::header(&announced));
        log.algorithms = algorithms.to_vec();
        log
    }

    /// A `TCG_EfiSpecIDEvent` that announces these `(algorithmId, digestSize)`.
    pub(crate) fn header(announced: &[(u16, usize)]) -> Vec<u8> {
        let mut header = b"Spec ID Event03\0".to_vec();
        header.extend([0, 0, 0, 0, 0, 2, 2, 2]);
        header.extend(u32::try_from(announced.len()).unwrap().to_le_bytes());
        for (id, size) in announced {
            header.extend(id.to_le_bytes());
            header.extend(u16::try_from(*size).unwrap().to_le_bytes());
        }
        header.push(0);
        header
    }

    /// A SHA-1-only log, without header.
    pub(crate) fn sha1() -> Self {
        Self {
            algorithms: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// A record whose digest is the first bytes of `digest` in every bank.
    pub(crate) fn event(&mut self, register: u32, event_type: u32, digest: &[u8], data: &[u8]) {
        self.bytes.extend(register.to_le_bytes());
        self.bytes.extend(event_type.to_le_bytes());
        if self.algorithms.is_empty() {
            self.bytes.extend(&digest[..20]);
        } else {
            self.bytes
                .extend(u32::try_from(self.algorithms.len()).unwrap().to_le_bytes());
        }
        for algorithm in &self.algorithms {
            self.bytes.extend(algorithm.id().to_le_bytes());
            self.bytes.extend(&digest[..algorithm.digest_len()]);
        }
        self.bytes
            .extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        self.bytes.extend(data);
    }
}
