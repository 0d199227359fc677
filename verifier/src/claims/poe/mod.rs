//! Intel's Platform Ownership Endorsement (POE): an issuer says who owns the platform with this instance id.
//!
//! ```cddl
//! poe        = COSE_Sign1                                   ; ES384 or ESP384
//! protected  = {1 => -51 / -35, 3 => "application/rim+cbor", 15 => {1 => tstr}, * label => any}    ; 15: CWT claims, iss
//! unprotected = {33 => bstr / [2*4 bstr], * label => any}   ; x5chain, leaf first
//! payload    = #6.501({
//!   0 => tstr / bstr .size 16,                              ; id, informational
//!   1 => [#6.506(bstr .cbor comid)],                        ; exactly one
//!   3 => #6.32("tag:intel.com,2026:tee.poe#1.0"),           ; any minor version
//!   4 => {0 => #6.1(uint), 1 => #6.1(uint)},                ; rim-validity: not-before, not-after, Unix seconds
//!   * (int / tstr) => any })
//! comid      = {1 => {0 => tstr / bstr .size 16, * int => any}, 4 => {10 => [record], * int => any}, * int => any}
//! record     = [[statement<PIID-OID, -101 => bstr .size (16 / 32)>],          ; condition: the platform is this one
//!               [statement<owner-OID, -401 => tstr .size (1..1024)>]]         ; then: its owner is this one
//! statement<oid, entry> = [{0 => {0 => #6.111(oid), * int => any}, * int => any},
//!                          [{? 0 => tstr, 1 => {entry}, * int => any}]]       ; 2, authorized-by, is refused
//! ```
//!
//! Sources: draft-bzb-rats-intel-poe-endorsements-02, a profile of draft-ietf-rats-corim-10; background in Intel's white paper
//! *Platform Ownership Endorsements for Confidential Computing* (871281).
//!
//! - What the draft lets a verifier ignore is ignored (`*`), with two exceptions on the safe side. Beside the PIID and the
//!   owner no further value may stand, since another value on the left would be another *condition*. And the CWT claims `exp`
//!   and `nbf`, which producers must not write, are refused: who writes them means them.
//! - Revision 01 wrote the profile as bare text, 02 as a tagged URI. It is the same string under the same signature; both are
//!   taken.
//! - `kid` is a hint and is not looked at: the key is the leaf certificate's.
//! - The issuer need not be the owner. What [`Poe::owner`] must be is the policy's to say, once [`Poe::verify`] has said
//!   which root vouches for the issuer.

mod parse;

#[cfg(test)]
mod tests;

use alloy_primitives::B256;

use super::{ClaimFault, PinnedKey, cose::Sign1};
use crate::ak::{AkCertificate, AkError, Revocation, verify_chain};

/// An endorsement that could be read. Nothing about it is verified.
#[derive(Clone, Debug)]
pub struct Poe {
    document: Sign1,
    /// Leaf first, never empty.
    chain: Vec<Vec<u8>>,
    issuer: String,
    binding: Binding,
}

/// What is endorsed.
#[derive(Clone, Debug)]
struct Binding {
    /// 16 or 32 bytes.
    piid: Vec<u8>,
    owner: String,
    not_before: u64,
    not_after: u64,
}

/// What a verified endorsement says about its issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedPoe {
    /// The root that verified, by its place in the list: who vouches for the issuer follows from this and nothing else.
    pub root: usize,
    /// Last second, Unix time: the earliest of the endorsement's own and its certificates', the root's included.
    pub not_after: u64,
    /// What the CRLs covered, and until when.
    pub revocation: Revocation,
}

impl Poe {
    /// The PIID, 16 or 32 bytes.
    pub fn piid(&self) -> &[u8] {
        &self.binding.piid
    }

    /// Whether it is about the platform with this instance id: the value of 1.2.840.113741.1.13.1.6 in the SGX extension of
    /// the quote's PCK certificate.
    ///
    /// Compared is all of it; another length is another platform (draft §4.3). Certificates of today have 16 bytes, so an
    /// endorsement over 32 matches none of them, and its first half is not an id.
    pub fn matches(&self, platform_instance_id: &[u8]) -> bool {
        self.binding.piid == platform_instance_id
    }

    /// `tee.owner-name`: the owner, as a domain name if the issuer follows the draft; 1 to 1024 bytes.
    pub fn owner(&self) -> &str {
        &self.binding.owner
    }

    /// `iss` of the CWT claims: the issuer, as it calls itself. For people; whom to believe is a matter of roots.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The issuer's certificate, DER; its subject is the name that an authority has checked.
    pub fn certificate(&self) -> &[u8] {
        self.chain.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// First and last second it says it holds, Unix time. Its certificates may end before.
    pub fn validity(&self) -> (u64, u64) {
        (self.binding.not_before, self.binding.not_after)
    }

    /// The name to revoke it by: SHA-256 of the bytes its signature is over (`Sig_structure`, RFC 9052 §4.4).
    ///
    /// The document's own digest would not do. Its unprotected header is not signed, the tag is optional, and of every ECDSA
    /// signature `(r, s)` anybody can make a second one, `(r, −s)`: whoever holds a revoked document has others of other
    /// digests that verify alike. The signed bytes cannot be varied without the issuer's key.
    pub fn id(&self) -> B256 {
        self.document.id(NO_AAD)
    }

    /// That its leaf certificate's key signed it, that this certificate chains to one of `roots` (DER) and may sign, and
    /// that endorsement and certificates are in date at `at` (Unix seconds), as far as `crls` (DER) reach not revoked.
    ///
    /// Every certificate that came along must be in date, on the path or not (draft §3.5.4).
    ///
    /// # Errors
    /// If any of this is not so, or a root or CRL cannot be used.
    pub fn verify(&self, roots: &[&[u8]], crls: &[&[u8]], at: u64) -> Result<VerifiedPoe, ClaimFault> {
        let others: Vec<&[u8]> = self.chain.iter().skip(1).map(Vec::as_slice).collect();
        let path = verify_chain(self.certificate(), &others, roots, crls, at)?;

        let certificates = self
            .chain
            .iter()
            .map(|der| AkCertificate::parse(der).map_err(|error| AkError::Chain(error.to_string())))
            .collect::<Result<Vec<_>, _>>()?;
        let leaf = certificates.first().ok_or(AkError::UnknownIssuer)?;
        leaf.check_key_usage().map_err(|error| match error {
            AkError::KeyUsage(usage) => ClaimFault::KeyUsage(usage),
            other => ClaimFault::Chain(other),
        })?;
        let key = PinnedKey::from_spki(leaf.spki()).map_err(ClaimFault::CertifiedKey)?;
        self.document.verify(&key, NO_AAD)?;

        let mut not_after = path.not_after.min(self.binding.not_after);
        for certificate in &certificates {
            certificate.check_validity(at)?;
            not_after = not_after.min(certificate.not_after());
        }
        self.check_date(at)?;
        Ok(VerifiedPoe {
            root: path.root,
            not_after,
            revocation: path.revocation,
        })
    }

    fn check_date(&self, at: u64) -> Result<(), ClaimFault> {
        let (not_before, not_after) = self.validity();
        if at < not_before {
            return Err(ClaimFault::NotYetValid { not_before, at });
        }
        if at > not_after {
            return Err(ClaimFault::Expired { not_after, at });
        }
        Ok(())
    }
}

/// There is no external data; what keeps these signatures apart from others is the content type.
const NO_AAD: &[u8] = b"";
