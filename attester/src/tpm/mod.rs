//! A TPM, as much of it as attestation needs.
//!
//! A context is opened for one operation and dropped after it: a TPM without a resource manager serves one client at a
//! time and has three transient slots. Sessions are plain password sessions with an empty password, which take no
//! slot: nothing secret crosses the bus, and every answer that matters is signed by the TPM. But for sealed keys: that
//! secret comes out in a policy session, which is salted and encrypts it.

mod ak;
mod pcr;
mod quote;
mod seal;

use std::str::FromStr;

use tss_esapi::{
    Context, TctiNameConf,
    abstraction::nv,
    attributes::NvIndexAttributesBuilder,
    constants::CapabilityType,
    handles::{KeyHandle, NvIndexTpmHandle, PersistentTpmHandle, TpmHandle},
    interface_types::{
        algorithm::HashingAlgorithm,
        resource_handles::{Hierarchy, NvAuth, Provision},
        session_handles::AuthSession,
    },
    structures::{CapabilityData, MaxNvBuffer, NvPublicBuilder, Public},
    traits::{Marshall, UnMarshall},
};

use crate::Error;

pub(crate) use pcr::selection as pcr_selection;
pub(crate) use quote::{Selected, check as check_quote};

pub use ak::{GOOGLE_AK, GoogleAk, NvPair};
pub use quote::QUOTED_PCRS;
pub use seal::{SEALED_TO, Sealed};

/// An open TPM. Whatever was loaded through it is flushed when it is dropped.
#[derive(Debug)]
pub struct Tpm {
    context: Context,
}

/// A primary key, loaded, or one that the TPM keeps.
#[derive(Debug)]
pub struct Primary {
    /// Its handle; a transient one is invalid once its [`Tpm`] is dropped.
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

    /// Writes `bytes` to the NV index `index`, and defines it in their length, for everybody to read and write, if it is not.
    ///
    /// # Errors
    /// If it may not be written, or has less room.
    pub fn write_nv(&mut self, index: u32, bytes: &[u8]) -> Result<(), Error> {
        let error = || Error::tpm(format!("writing NV index 0x{index:08x}"));
        let tpm_handle = NvIndexTpmHandle::new(index).map_err(error())?;
        if !self.is_nv_defined(tpm_handle)? {
            let attributes = NvIndexAttributesBuilder::new()
                .with_owner_write(true)
                .with_owner_read(true)
                .with_auth_write(true)
                .with_auth_read(true)
                .build();
            let area = attributes.and_then(|attributes| {
                NvPublicBuilder::new()
                    .with_nv_index(tpm_handle)
                    .with_index_name_algorithm(HashingAlgorithm::Sha256)
                    .with_index_attributes(attributes)
                    .with_data_area_size(bytes.len())
                    .build()
            });
            area.and_then(|area| self.context.nv_define_space(Provision::Owner, None, area))
                .map_err(error())?;
        }
        let object = self
            .context
            .execute_without_session(|context| context.tr_from_tpm_public(tpm_handle.into()))
            .map_err(error())?;
        MaxNvBuffer::try_from(bytes)
            .and_then(|bytes| self.context.nv_write(NvAuth::Owner, object.into(), bytes, 0))
            .map_err(error())
    }

    /// The key that the TPM keeps at `handle` (`0x81……`), or `None` if there is none.
    ///
    /// # Errors
    /// If the TPM does not answer.
    pub fn persistent_key(&mut self, handle: u32) -> Result<Option<Primary>, Error> {
        let error = || Error::tpm(format!("reading the key at handle 0x{handle:08x}"));
        let tpm_handle = PersistentTpmHandle::new(handle).map_err(error())?;
        if !self.has_handle(TpmHandle::Persistent(tpm_handle))? {
            return Ok(None);
        }
        let read = self.context.execute_without_session(|context| {
            let key = context.tr_from_tpm_public(tpm_handle.into())?;
            let (public, _, _) = context.read_public(key.into())?;
            Ok((key, public))
        });
        let (key, public) = read.map_err(error())?;
        Ok(Some(Primary {
            handle: key.into(),
            public_bytes: public.marshall().map_err(error())?,
            public,
        }))
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

    fn is_nv_defined(&mut self, index: NvIndexTpmHandle) -> Result<bool, Error> {
        self.has_handle(TpmHandle::NvIndex(index))
    }

    /// Asks for the list of handles, since asking for what is there itself would be an error where it is missing.
    fn has_handle(&mut self, handle: TpmHandle) -> Result<bool, Error> {
        let (handles, _) = self
            .context
            .execute_without_session(|context| {
                context.get_capability(CapabilityType::Handles, handle.into(), 1)
            })
            .map_err(Error::tpm("listing handles"))?;
        Ok(match handles {
            CapabilityData::Handles(list) => list.into_inner().contains(&handle),
            _ => false,
        })
    }
}
