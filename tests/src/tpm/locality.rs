//! What only hardware does to a TPM: hash what the CPU launches, and say who speaks.
//!
//! On a host, the chipset tells the TPM from which of five address ranges a command comes, its *locality*: 4 is the CPU's
//! microcode, 3 the authenticated code module, 2 what it launched, 0 everybody. A software TPM is told through its control
//! channel (`swtpm_ioctl`'s commands `CMD_SET_LOCALITY` and `CMD_HASH_START`, `_DATA`, `_END`), and believes it. Beyond that
//! it keeps the rules itself: the hash sequence resets PCR 17–22 in every bank and extends PCR 17, and PCR 17 and 18 refuse
//! to be extended below locality 2.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use tss_esapi::Context;

use super::{Swtpm, connect};

/// Who speaks to the TPM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locality {
    /// Everybody.
    Software = 0,
    /// What a dynamic launch launched.
    Launched = 2,
    /// The authenticated code module.
    CodeModule = 3,
}

const SET_LOCALITY: u32 = 5;
const HASH_START: u32 = 6;
const HASH_DATA: u32 = 7;
const HASH_END: u32 = 8;
/// What `CMD_HASH_DATA` takes at a time.
const HASH_CHUNK: usize = 4096;

impl Swtpm {
    /// Has the CPU measure `data` at locality 4 (`_TPM_Hash_Start`, `_TPM_Hash_Data`, `_TPM_Hash_End`; TPM 2.0 Part 3,
    /// §22.9): PCR 17–22 become zero in every bank, and PCR 17 is extended by the bank's digest of `data`.
    ///
    /// # Errors
    /// If the TPM does not answer.
    pub fn hash_sequence(&self, data: &[u8]) -> anyhow::Result<()> {
        self.control(HASH_START, &[])?;
        for chunk in data.chunks(HASH_CHUNK) {
            let len = u32::try_from(chunk.len())?.to_be_bytes();
            self.control(HASH_DATA, &[&len, chunk].concat())?;
        }
        self.control(HASH_END, &[])
    }

    /// Lets `speak` speak at `locality`. Afterwards the TPM hears everybody again.
    ///
    /// # Errors
    /// If the TPM does not answer, or `speak` fails.
    pub fn at_locality(
        &self,
        locality: Locality,
        speak: impl FnOnce(&mut Context) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut context = connect(&self.tcti())?;
        self.control(SET_LOCALITY, &[locality as u8])?;
        let spoken = speak(&mut context);
        self.control(SET_LOCALITY, &[Locality::Software as u8])?;
        spoken
    }

    fn control(&self, command: u32, parameters: &[u8]) -> anyhow::Result<()> {
        let patience = Some(Duration::from_secs(5));
        let mut stream = TcpStream::connect(("127.0.0.1", self.control_port()))
            .context("the TPM's control channel does not open")?;
        stream.set_read_timeout(patience)?;
        stream.set_write_timeout(patience)?;
        stream.write_all(&[&command.to_be_bytes(), parameters].concat())?;
        let mut result = [0; 4];
        stream.read_exact(&mut result)?;
        let result = u32::from_be_bytes(result);
        ensure!(
            result == 0,
            "the TPM refuses control command {command}: {result:#x}"
        );
        Ok(())
    }
}
