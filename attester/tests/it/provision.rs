//! Writes an attestation key into a TPM's NV, in Google's shape: a template, and a certificate about the key it makes.

use std::io::Write;

use chassis_attester::{NvPair, Tpm};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PublicKeyData, SignatureAlgorithm,
};
use tss_esapi::{
    abstraction::nv::NvOpenOptions,
    attributes::NvIndexAttributesBuilder,
    handles::NvIndexTpmHandle,
    interface_types::{algorithm::HashingAlgorithm, resource_handles::NvAuth},
    structures::{NvPublicBuilder, Public},
};

/// `fixedTPM|fixedParent|sensitiveDataOrigin|userWithAuth|restricted|sign`.
const SIGNING: u32 = 0x0005_0072;

/// ECDSA on P-256 with SHA-256; both algorithms of symmetric and key derivation null.
pub(crate) fn ecc_template(attributes: u32) -> Vec<u8> {
    let mut template = vec![0x00, 0x23, 0x00, 0x0b];
    template.extend(attributes.to_be_bytes());
    template.extend([0, 0, 0, 0x10, 0, 0x18, 0, 0x0b, 0, 0x03, 0, 0x10, 0, 0, 0, 0]);
    template
}

pub(crate) fn ecc_ak_template() -> Vec<u8> {
    ecc_template(SIGNING)
}

/// RSASSA with 2048 bits and SHA-256.
pub(crate) fn rsa_ak_template() -> Vec<u8> {
    let mut template = vec![0x00, 0x01, 0x00, 0x0b];
    template.extend(SIGNING.to_be_bytes());
    template.extend([0, 0, 0, 0x10, 0, 0x14, 0, 0x0b, 0x08, 0x00, 0, 0, 0, 0, 0, 0]);
    template
}

/// Writes both parts of an AK that agree with each other.
pub(crate) fn provision_ak(tpm: &mut Tpm, pair: NvPair, template: &[u8], ca: &Ca) {
    let certificate = ca.certify(&tpm.create_endorsement_primary(template).unwrap().public);
    write_nv(tpm, pair.template, template);
    write_nv(tpm, pair.certificate, &certificate);
}

pub(crate) fn write_nv(tpm: &mut Tpm, index: u32, bytes: &[u8]) {
    let nv_public = NvPublicBuilder::new()
        .with_nv_index(NvIndexTpmHandle::new(index).unwrap())
        .with_index_name_algorithm(HashingAlgorithm::Sha256)
        .with_index_attributes(
            NvIndexAttributesBuilder::new()
                .with_owner_write(true)
                .with_owner_read(true)
                .build()
                .unwrap(),
        )
        .with_data_area_size(bytes.len())
        .build()
        .unwrap();
    NvOpenOptions::NewIndex {
        nv_public,
        auth_handle: NvAuth::Owner,
    }
    .open(tpm.context())
    .unwrap()
    .write_all(bytes)
    .unwrap();
}

/// A provider's root and one intermediate.
pub(crate) struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) root: Vec<u8>,
    pub(crate) intermediate: Vec<u8>,
}

impl Ca {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = ca_params("Test AK root");
        let root = params.self_signed(&key).unwrap();
        let root_issuer = Issuer::new(params, key);

        let key = KeyPair::generate().unwrap();
        let params = ca_params("Test AK intermediate");
        let intermediate = params.signed_by(&key, &root_issuer).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            root: root.der().to_vec(),
            intermediate: intermediate.der().to_vec(),
        }
    }

    pub(crate) fn certify(&self, public: &Public) -> Vec<u8> {
        self.certify_key(&CertifiedKey::of(public))
    }

    pub(crate) fn certify_key(&self, key: &impl PublicKeyData) -> Vec<u8> {
        params("Test AK")
            .signed_by(key, &self.issuer)
            .unwrap()
            .der()
            .to_vec()
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// A TPM's key as rcgen wants it: the content of the `subjectPublicKey` bit string.
struct CertifiedKey {
    bytes: Vec<u8>,
    algorithm: &'static SignatureAlgorithm,
}

impl CertifiedKey {
    fn of(public: &Public) -> Self {
        match public {
            Public::Ecc { unique, .. } => Self {
                bytes: [&[0x04], unique.x().value(), unique.y().value()].concat(),
                algorithm: &rcgen::PKCS_ECDSA_P256_SHA256,
            },
            Public::Rsa { unique, .. } => Self {
                bytes: rsa_public_key(unique.value()),
                algorithm: &rcgen::PKCS_RSA_SHA256,
            },
            _ => panic!("neither ECC nor RSA"),
        }
    }
}

impl PublicKeyData for CertifiedKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

/// `RSAPublicKey` (RFC 8017 A.1.1) of a 2048-bit modulus and the exponent 65537.
fn rsa_public_key(modulus: &[u8]) -> Vec<u8> {
    assert_eq!((modulus.len(), modulus[0] >> 7), (256, 1));
    let header: &[u8] = &[0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
    [header, modulus, &[0x02, 0x03, 0x01, 0x00, 0x01]].concat()
}
