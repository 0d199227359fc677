//! A boot as its two logs, and as the registers that the logs explain.

use sha2::{Digest, Sha256, Sha384};

use super::{Event, MeasuredBoot, event::EV_NO_ACTION};

const SHA256: u16 = 0x000b;
const SHA384: u16 = 0x000c;

/// The size of the area that firmware reserves for the CCEL; the rest of it is `FF`.
const CCEL_AREA: usize = 64 << 10;

impl MeasuredBoot {
    /// The TPM's log: TCG2, crypto-agile, SHA-256 and SHA-384.
    pub fn tpm_log(&self) -> Vec<u8> {
        self.spliced(self)
    }

    /// A log that no firmware writes: each record has the SHA-384 digest of this boot and the SHA-256 digest of `other`, so
    /// that either bank replays. `other` must tell the same PCRs in the same order.
    pub fn spliced(&self, other: &Self) -> Vec<u8> {
        let pcrs = |boot: &Self| boot.events.iter().map(Event::pcr).collect::<Vec<_>>();
        assert_eq!(pcrs(self), pcrs(other), "one record has one PCR");
        let mut log = header(0, &[(SHA256, 32), (SHA384, 48)]);
        for (event, other) in self.events.iter().zip(&other.events) {
            let digests = if event.kind == EV_NO_ACTION {
                ([0; 32], [0; 48])
            } else {
                (other.sha256(), event.sha384())
            };
            let pcr = match event.pcr() {
                Some(pcr) => pcr,
                None if event.kind == EV_NO_ACTION => 0,
                None => continue,
            };
            record(
                &mut log,
                u32::from(pcr),
                event,
                &[(SHA256, &digests.0), (SHA384, &digests.1)],
            );
        }
        log
    }

    /// The TD's log: SHA-384 alone, registers counted from 1.
    pub fn ccel(&self) -> Vec<u8> {
        let mut log = header(1, &[(SHA384, 48)]);
        for event in &self.events {
            if let Some(rtmr) = event.rtmr() {
                record(&mut log, u32::from(rtmr) + 1, event, &[(SHA384, &event.sha384())]);
            }
        }
        log
    }

    /// The CCEL as the ACPI table's data area holds it, padded.
    pub fn ccel_area(&self) -> Vec<u8> {
        let mut area = self.ccel();
        area.resize(CCEL_AREA.max(area.len()), 0xff);
        area
    }

    /// RTMR0 to RTMR3.
    pub fn rtmrs(&self) -> [[u8; 48]; 4] {
        let mut rtmrs = [[0; 48]; 4];
        for event in &self.events {
            if let Some(rtmr) = event.rtmr() {
                let register = &mut rtmrs[usize::from(rtmr)];
                *register = extended_sha384(register, &event.sha384());
            }
        }
        rtmrs
    }

    /// PCRs 0 to 15 of the SHA-384 bank.
    pub fn pcrs_sha384(&self) -> [[u8; 48]; 16] {
        let mut pcrs = [[0; 48]; 16];
        for event in &self.events {
            if let Some(pcr) = event.pcr() {
                let register = &mut pcrs[usize::from(pcr)];
                *register = extended_sha384(register, &event.sha384());
            }
        }
        pcrs
    }

    /// PCRs 0 to 15 of the SHA-256 bank.
    pub fn pcrs_sha256(&self) -> [[u8; 32]; 16] {
        let mut pcrs = [[0; 32]; 16];
        for event in &self.events {
            if let Some(pcr) = event.pcr() {
                let register = &mut pcrs[usize::from(pcr)];
                *register = Sha256::new()
                    .chain_update(*register)
                    .chain_update(event.sha256())
                    .finalize()
                    .into();
            }
        }
        pcrs
    }
}

fn extended_sha384(register: &[u8; 48], digest: &[u8; 48]) -> [u8; 48] {
    Sha384::new()
        .chain_update(register)
        .chain_update(digest)
        .finalize()
        .into()
}

/// The first record, which announces the format: `TCG_PCClientPCREvent` with a `TCG_EfiSpecIDEvent`.
fn header(register: u32, algorithms: &[(u16, u16)]) -> Vec<u8> {
    let mut spec_id = b"Spec ID Event03\0".to_vec();
    // Platform class, version 2.0 errata 0, UINTN of 64 bits.
    spec_id.extend([0, 0, 0, 0, 0, 2, 0, 2]);
    spec_id.extend(size(algorithms.len()));
    for (id, digest_size) in algorithms {
        spec_id.extend(id.to_le_bytes());
        spec_id.extend(digest_size.to_le_bytes());
    }
    // No vendor information.
    spec_id.push(0);
    [
        &register.to_le_bytes()[..],
        &EV_NO_ACTION.to_le_bytes(),
        &[0; 20],
        &size(spec_id.len()),
        &spec_id,
    ]
    .concat()
}

/// `TCG_PCR_EVENT2`.
fn record(log: &mut Vec<u8>, register: u32, event: &Event, digests: &[(u16, &[u8])]) {
    log.extend(register.to_le_bytes());
    log.extend(event.kind.to_le_bytes());
    log.extend(size(digests.len()));
    for (algorithm, digest) in digests {
        log.extend(algorithm.to_le_bytes());
        log.extend(*digest);
    }
    log.extend(size(event.data.len()));
    log.extend(&event.data);
}

fn size(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).expect("less than 4 GiB").to_le_bytes()
}
