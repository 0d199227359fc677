//! What the paravisor has made in its TPM before the guest runs, and Azure has certified.

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm};
use tss_esapi::{
    attributes::ObjectAttributesBuilder,
    handles::PersistentTpmHandle,
    interface_types::{
        algorithm::{HashingAlgorithm, PublicAlgorithm},
        dynamic_handles::Persistent,
        key_bits::RsaKeyBits,
        resource_handles::{Hierarchy, Provision},
    },
    structures::{
        HashScheme, Public, PublicBuilder, PublicKeyRsa, PublicRsaParametersBuilder, RsaExponent, RsaScheme,
        SymmetricDefinitionObject,
    },
};

use crate::{
    provider::Provider,
    tpm::{connect, write_nv},
};

/// Where the attestation key is kept.
const KEY: u32 = 0x8100_0003;
/// NV index of its certificate.
const CERTIFICATE: u32 = 0x01c1_01d0;

/// Makes the attestation key and has it certified for the confidential machine `name`. Gives its modulus (base64url).
pub(super) fn provision(tcti: &str, provider: &Provider, name: &str) -> anyhow::Result<String> {
    let mut context = connect(tcti)?;
    let created = context
        .create_primary(Hierarchy::Owner, template()?, None, None, None, None)
        .context("creating the attestation key")?;
    let Public::Rsa { unique, .. } = created.out_public else {
        anyhow::bail!("not an RSA key")
    };
    let kept = Persistent::Persistent(PersistentTpmHandle::new(KEY)?);
    context.evict_control(Provision::Owner, created.key_handle.into(), kept)?;
    let key = RsaKey::new(unique.value());
    write_nv(
        &mut context,
        CERTIFICATE,
        &provider.azure_ak_certificate(&key, name),
    )?;
    Ok(URL_SAFE_NO_PAD.encode(unique.value()))
}

/// RSA-2048, RSASSA with SHA-256, restricted.
fn template() -> anyhow::Result<Public> {
    let attributes = ObjectAttributesBuilder::new()
        .with_fixed_tpm(true)
        .with_fixed_parent(true)
        .with_sensitive_data_origin(true)
        .with_user_with_auth(true)
        .with_restricted(true)
        .with_sign_encrypt(true)
        .build()?;
    let parameters = PublicRsaParametersBuilder::new()
        .with_symmetric(SymmetricDefinitionObject::Null)
        .with_scheme(RsaScheme::RsaSsa(HashScheme::new(HashingAlgorithm::Sha256)))
        .with_key_bits(RsaKeyBits::Rsa2048)
        .with_exponent(RsaExponent::default())
        .with_is_signing_key(true)
        .with_is_decryption_key(false)
        .with_restricted(true)
        .build()?;
    Ok(PublicBuilder::new()
        .with_public_algorithm(PublicAlgorithm::Rsa)
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(attributes)
        .with_rsa_parameters(parameters)
        .with_rsa_unique_identifier(PublicKeyRsa::default())
        .build()?)
}

/// An RSA key to be certified, as `RSAPublicKey` (RFC 8017, A.1.1); its exponent is 65537.
struct RsaKey(Vec<u8>);

impl RsaKey {
    fn new(modulus: &[u8]) -> Self {
        Self(yasna::construct_der(|writer| {
            writer.write_sequence(|fields| {
                fields.next().write_bigint_bytes(modulus, true);
                fields.next().write_u32(65_537);
            });
        }))
    }
}

impl PublicKeyData for RsaKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}
