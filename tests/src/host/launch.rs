//! A dynamic launch by Intel TXT: what the CPU, the code module and the launched kernel measure.

use chassis_verifier::tpm::HashAlg;
use sha2::{Digest, Sha256, Sha384};

use super::tss::algorithm;
use crate::{
    firmware::{Event, MeasuredBoot, Registers},
    tpm::{Locality, Swtpm, extend},
};

/// A dynamic launch. Contents stand for themselves: what is measured is the text.
///
/// Order and types are those of a TPM 2.0 launch with Intel's *details and authorities* mapping, followed by Linux's Secure
/// Launch, as far as they can be read from tboot's and the kernel's sources; a real launch has a few more records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The authenticated code module, which Intel signs.
    pub acm: String,
    /// The measured launch environment: hypervisor or kernel, with its initrd.
    pub mle: String,
    /// The launch control policy, which the host's owner signs.
    pub policy: String,
}

/// PCR 17 and 18 of one bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchPcrs {
    /// The bank.
    pub bank: HashAlg,
    /// As long as the bank's digests.
    pub pcr17: Vec<u8>,
    /// As long as the bank's digests.
    pub pcr18: Vec<u8>,
}

/// What happens at one step, and who measures it.
struct Step {
    event: Event,
    by: By,
}

enum By {
    /// The CPU, by a hash sequence.
    Cpu,
    /// Whoever speaks at this locality, by an extend.
    At(Locality),
    /// Nobody: the log informs its reader.
    Nobody,
}

const EV_PCR_MAPPING: u32 = 0x401;
const EV_HASH_START: u32 = 0x402;
const EV_MLE_HASH: u32 = 0x404;
const EV_SINIT_PUBKEY_HASH: u32 = 0x410;
const EV_LCP_DETAILS_HASH: u32 = 0x412;
const EV_LCP_AUTHORITIES_HASH: u32 = 0x413;
const EV_SLAUNCH: u32 = 0x502;
const EV_SLAUNCH_START: u32 = 0x503;
const EV_SLAUNCH_END: u32 = 0x504;

impl Launch {
    /// The launch that reviewers looked at.
    pub fn reviewed() -> Self {
        Self {
            acm: "SINIT for the simulated CPU 1.18.16".into(),
            mle: "linux 6.12.40-chassis-host with chassis-node host-agent 0.1.0".into(),
            policy: "launch control policy of the simulated provider".into(),
        }
    }

    /// The reviewed launch of something else: the same code module lets its owner in.
    pub fn other_mle() -> Self {
        Self {
            mle: "linux 6.12.40 with a root shell".into(),
            ..Self::reviewed()
        }
    }

    /// PCR 17 and 18 after it, computed in software.
    pub fn pcrs(&self, bank: HashAlg) -> LaunchPcrs {
        let [pcr17, pcr18] = [17, 18].map(|pcr| {
            let mut register = vec![0; bank.digest_len()];
            for step in self.steps() {
                if !matches!(step.by, By::Nobody) && step.event.pcr() == Some(pcr) {
                    register = extended(bank, &register, &step.event);
                }
            }
            register
        });
        LaunchPcrs { bank, pcr17, pcr18 }
    }

    /// Its log: TCG2, crypto-agile, SHA-256 and SHA-384.
    pub fn log(&self) -> Vec<u8> {
        let events = self.steps().into_iter().map(|step| step.event).collect();
        MeasuredBoot { events }.tpm_log()
    }

    /// Launches on the host with this TPM. The CPU always fills every bank; software fills `banks`.
    ///
    /// # Errors
    /// If the TPM does not answer.
    pub(super) fn perform(&self, tpm: &Swtpm, banks: &[HashAlg]) -> anyhow::Result<()> {
        let banks = banks
            .iter()
            .copied()
            .map(algorithm)
            .collect::<anyhow::Result<Vec<_>>>()?;
        for step in self.steps() {
            match step.by {
                By::Cpu => tpm.hash_sequence(&step.event.measured)?,
                By::At(locality) => {
                    tpm.at_locality(locality, |context| extend(context, &step.event, &banks))?;
                }
                By::Nobody => {}
            }
        }
        Ok(())
    }

    fn steps(&self) -> Vec<Step> {
        let note = |pcr, kind, data: &[u8]| step(By::Nobody, pcr, kind, "", data);
        let module = |pcr, kind, measured: &str| {
            step(
                By::At(Locality::CodeModule),
                pcr,
                kind,
                measured,
                measured.as_bytes(),
            )
        };
        let kernel = |pcr, measured: &str, what: &str| {
            step(
                By::At(Locality::Launched),
                pcr,
                EV_SLAUNCH,
                measured,
                what.as_bytes(),
            )
        };
        vec![
            step(By::Cpu, 17, EV_HASH_START, &self.acm, b"SINIT"),
            note(255, EV_PCR_MAPPING, &[1, 0, 0, 0]),
            module(18, EV_SINIT_PUBKEY_HASH, "the simulated Intel's key"),
            module(17, EV_LCP_DETAILS_HASH, &self.policy),
            module(18, EV_LCP_AUTHORITIES_HASH, "the simulated provider's key"),
            module(17, EV_MLE_HASH, &self.mle),
            note(17, EV_SLAUNCH_START, &[]),
            kernel(17, &format!("initrd of {}", self.mle), "Measured initrd"),
            kernel(
                18,
                &format!("command line of {}", self.mle),
                "Measured Kernel command line",
            ),
            note(17, EV_SLAUNCH_END, &[]),
        ]
    }
}

impl LaunchPcrs {
    /// What a host's registers hold that was never launched dynamically.
    pub fn never_launched(bank: HashAlg) -> Self {
        Self {
            bank,
            pcr17: vec![0xff; bank.digest_len()],
            pcr18: vec![0xff; bank.digest_len()],
        }
    }
}

fn step(by: By, pcr: u8, kind: u32, measured: &str, data: &[u8]) -> Step {
    Step {
        event: Event::of(Registers::Tpm(pcr), kind, measured, data),
        by,
    }
}

fn extended(bank: HashAlg, register: &[u8], event: &Event) -> Vec<u8> {
    match bank {
        HashAlg::Sha256 => Sha256::new()
            .chain_update(register)
            .chain_update(event.sha256())
            .finalize()
            .to_vec(),
        HashAlg::Sha384 => Sha384::new()
            .chain_update(register)
            .chain_update(event.sha384())
            .finalize()
            .to_vec(),
        other => panic!("no simulated TPM has a {other} bank"),
    }
}
