//! Words of TPM clients.

use anyhow::{Context as _, bail};
use chassis_verifier::tpm::HashAlg;
use tss_esapi::{
    Context,
    attributes::SessionAttributesBuilder,
    constants::SessionType,
    interface_types::{
        algorithm::HashingAlgorithm,
        session_handles::{AuthSession, PolicySession},
    },
    structures::{PcrSelectSize, PcrSelectionList, PcrSlot, SymmetricDefinition},
};

/// The bank as TSS clients name it.
pub(super) fn algorithm(bank: HashAlg) -> anyhow::Result<HashingAlgorithm> {
    match bank {
        HashAlg::Sha256 => Ok(HashingAlgorithm::Sha256),
        HashAlg::Sha384 => Ok(HashingAlgorithm::Sha384),
        other => bail!("no simulated TPM has a {other} bank"),
    }
}

/// PCR 17 and 18 of `bank`, in three octets.
pub(super) fn selection(bank: HashAlg) -> anyhow::Result<PcrSelectionList> {
    Ok(PcrSelectionList::builder()
        .with_size_of_select(PcrSelectSize::ThreeOctets)
        .with_selection(algorithm(bank)?, &[PcrSlot::Slot17, PcrSlot::Slot18])
        .build()?)
}

/// A SHA-256 session without key or binding, flushed with `context`.
pub(super) fn session(
    context: &mut Context,
    kind: SessionType,
) -> anyhow::Result<(AuthSession, PolicySession)> {
    let session = context
        .execute_without_session(|context| {
            context.start_auth_session(
                None,
                None,
                None,
                kind,
                SymmetricDefinition::AES_128_CFB,
                HashingAlgorithm::Sha256,
            )
        })?
        .context("the TPM gave no session")?;
    let (attributes, mask) = SessionAttributesBuilder::new()
        .with_continue_session(true)
        .build();
    context.tr_sess_set_attributes(session, attributes, mask)?;
    Ok((session, session.try_into()?))
}
