//! A TPM, as much of it as attestation needs.
//!
//! A context is opened for one operation and dropped after it: a TPM without a resource manager serves one client at a
//! time and has three transient slots. Sessions are plain password sessions with an empty password, which take no
//! slot: nothing secret crosses the bus, and every answer that matters is signed by the TPM.

mod ak;
mod pcr;
mod quote;
mod seal;

use std::str::FromStr;

use tss_esapi::{
    Context, TctiNameConf,
    abstraction::nv,
    constants::CapabilityType,
    handles::{KeyHandle, NvIndexTpmHandle, TpmHandle},
    interface_types::{
        resource_handles::{Hierarchy, NvAuth},
        session_handles::AuthSession,
    },
    structures::{CapabilityData, Public},
    traits::{Marshall, UnMarshall},
};

use crate::Error;

pub(crate) use pcr::selection as pcr_selection;
pub(crate) use quote::check as check_quote;

pub use ak::{GOOGLE_AK, GoogleAk, NvPair};
pub use quote::QUOTED_PCRS;
pub use seal::{SEALED_TO, Sealed};

/// An open TPM. Whatever was loaded through it is flushed when it is dropped.
#[derive(Debug)]
pub struct Tpm {
    context: Context,
}

/// A primary key, loaded.
#[derive(Debug)]
pub struct Primary {
    /// Its transient handle; invalid once its [`Tpm`] is dropped.
    pub handle: KeyHandle,
    /// Its public area, parsed.
    pub public: Public,
    /// Its public area on the wire, `TPMT_PUBLIC`.
    pub public_bytes: Vec<u8>,
}

impl Tpm {
    /// Opens the TPM at `tcti`: `device:/dev/tpmrm0`, `swtpm:host=127.0.0.1,port=2321`, `tabrmd`, …
    ///
    /// # Errors
    /// If the string names no TCTI or there is no TPM behind it.
    pub fn open(tcti: &str) -> Result<Self, Error> {
        let error = |source| Error::TpmOpen {
            tcti: tcti.to_owned(),
            source,
        };
        let mut context = TctiNameConf::from_str(tcti)
            .and_then(Context::new)
            .map_err(error)?;
        context.set_sessions((Some(AuthSession::Password), None, None));
        Ok(Self { context })
    }

    /// Everything else a TPM can do. A password session with an empty password is set.
    pub fn context(&mut self) -> &mut Context {
        &mut self.context
    }

    /// The whole of the NV index `index`, or `None` if it is not defined.
    ///
    /// # Errors
    /// If it is defined but neither the owner nor its own empty password may read it.
    pub fn read_nv(&mut self, index: u32) -> Result<Option<Vec<u8>>, Error> {
        let error = || Error::tpm(format!("reading NV index 0x{index:08x}"));
        let tpm_handle = NvIndexTpmHandle::new(index).map_err(error())?;
        if !self.is_nv_defined(tpm_handle)? {
            return Ok(None);
        }
        let object = self
            .context
            .execute_without_session(|context| context.tr_from_tpm_public(tpm_handle.into()))
            .map_err(error())?;
        let (area, _) = self
            .context
            .execute_without_session(|context| context.nv_read_public(object.into()))
            .map_err(error())?;
        let auth = if area.attributes().owner_read() {
            NvAuth::Owner
        } else {
            NvAuth::NvIndex(object.into())
        };
        nv::read_full(&mut self.context, auth, tpm_handle)
            .map(Some)
            .map_err(error())
    }

    /// Creates the primary key of the endorsement hierarchy that `template` (`TPMT_PUBLIC`) describes.
    ///
    /// The same template always gives the same key, until the endorsement seed is changed.
    ///
    /// # Errors
    /// If `template` does not parse or the TPM cannot make such a key.
    pub fn create_endorsement_primary(&mut self, template: &[u8]) -> Result<Primary, Error> {
        let error = || Error::tpm("creating a key in the endorsement hierarchy from its template");
        let template = Public::unmarshall(template).map_err(error())?;
        let created = self
            .context
            .create_primary(Hierarchy::Endorsement, template, None, None, None, None)
            .map_err(error())?;
        Ok(Primary {
            handle: created.key_handle,
            public_bytes: created.out_public.marshall().map_err(error())?,
            public: created.out_public,
        })
    }

    /// Asks for the list of handles, since asking for the index itself would be an error where it is missing.
    fn is_nv_defined(&mut self, index: NvIndexTpmHandle) -> Result<bool, Error> {
        let (handles, _) = self
            .context
            .execute_without_session(|context| {
                context.get_capability(CapabilityType::Handles, index.into(), 1)
            })
            .map_err(Error::tpm("listing NV indices"))?;
        Ok(match handles {
            CapabilityData::Handles(list) => list.into_inner().contains(&TpmHandle::NvIndex(index)),
            _ => false,
        })
    }
}
