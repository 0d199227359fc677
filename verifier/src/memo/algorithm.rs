//! The signature algorithms of `webpki` and `dcap-qvl`, with the memo in front.

use std::sync::LazyLock;

use dcap_qvl::{
    config::{Config, CryptoProvider},
    crypto::RingCrypto,
    signature::DerSigEncoder,
    x509::X509CertBackend,
};
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

use super::remembered;

/// All that `webpki` knows by `ring`, in its order.
static ALL: LazyLock<Vec<Remembering>> = LazyLock::new(|| {
    (0..)
        .zip(webpki::ALL_VERIFICATION_ALGS)
        .map(|(number, algorithm)| Remembering {
            number,
            algorithm: *algorithm,
        })
        .collect()
});

/// The one that `dcap-qvl` accepts.
static INTEL: LazyLock<Remembering> = LazyLock::new(|| Remembering {
    number: u8::MAX,
    algorithm: RingCrypto::sig_algo(),
});

/// [`webpki::ALL_VERIFICATION_ALGS`], with the memo in front.
pub(crate) fn all_algorithms() -> Vec<&'static dyn SignatureVerificationAlgorithm> {
    ALL.iter()
        .map(|algorithm| algorithm as &dyn SignatureVerificationAlgorithm)
        .collect()
}

/// `dcap-qvl`'s own `RingConfig`, with the memo in front of its one signature algorithm.
pub(crate) struct IntelConfig;

impl Config for IntelConfig {
    type X509 = X509CertBackend;
    type SigEncoder = DerSigEncoder;
    type Crypto = RememberingCrypto;
}

/// See [`IntelConfig`].
pub(crate) struct RememberingCrypto;

impl CryptoProvider for RememberingCrypto {
    fn sig_algo() -> &'static dyn SignatureVerificationAlgorithm {
        &*INTEL
    }

    fn sha256(data: &[u8]) -> [u8; 32] {
        RingCrypto::sha256(data)
    }

    fn sha384(data: &[u8]) -> [u8; 48] {
        RingCrypto::sha384(data)
    }
}

#[derive(Debug)]
pub(super) struct Remembering {
    /// Identifiers do not tell algorithms apart: two differ in nothing but the RSA keys they accept.
    pub(super) number: u8,
    pub(super) algorithm: &'static dyn SignatureVerificationAlgorithm,
}

impl SignatureVerificationAlgorithm for Remembering {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }

    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        remembered(self.number, [public_key, message, signature], || {
            self.algorithm.verify_signature(public_key, message, signature)
        })
    }
}
