//! Who says it: signed requests and answers between relayers.
//!
//! A request is signed before its body is read, over the body's hash, so that nobody outside the relayer set can make a
//! relayer read more than headers.

use alloy::{
    primitives::{Address, B256, Signature, keccak256},
    sol_types::{Eip712Domain, SolStruct, eip712_domain},
};
use axum::http::HeaderMap;
use chassis_program::Key;

use crate::Error;

mod structs {
    #![allow(missing_docs, clippy::pedantic, reason = "generated from Solidity")]

    alloy::sol! {
        /// What a relayer signs to be heard by another one. `nonce` is never used twice.
        #[derive(Debug)]
        struct CosignRequest {
            address sender;
            address recipient;
            string method;
            string path;
            bytes32 bodyHash;
            uint64 timestamp;
            bytes32 nonce;
        }

        /// What the other one signs with its answer. `request`: EIP-712 digest of the request.
        #[derive(Debug)]
        struct CosignAnswer {
            bytes32 request;
            uint16 status;
            bytes32 bodyHash;
        }
    }
}

use structs::{CosignAnswer, CosignRequest};

/// The only path.
pub(super) const PATH: &str = "/v1/cosign";

/// How far a request's time may lie from the recipient's clock, either way, seconds.
pub(super) const SKEW: u64 = 30;

pub(super) const SENDER: &str = "chassis-sender";
pub(super) const TIME: &str = "chassis-time";
pub(super) const NONCE: &str = "chassis-nonce";
pub(super) const BODY: &str = "chassis-body";
pub(super) const SIGNATURE: &str = "chassis-signature";

/// The domain of relayers' messages: a signature here is none under a report, or for another registry.
pub(super) fn domain(chain_id: u64, registry: Address) -> Eip712Domain {
    eip712_domain! {
        name: "ChassisCosign",
        version: "1",
        chain_id: chain_id,
        verifying_contract: registry,
    }
}

/// What a request's headers claim. Nothing is verified yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) sender: Address,
    pub(super) time: u64,
    pub(super) nonce: B256,
    pub(super) body: B256,
    signature: Signature,
}

impl Claim {
    /// Reads the headers.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, String> {
        fn field<T: std::str::FromStr>(headers: &HeaderMap, name: &str) -> Result<T, String> {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            let parsed = value.and_then(|value| value.parse().ok());
            parsed.ok_or_else(|| format!("header {name} is missing or unreadable"))
        }
        let signature: alloy::primitives::FixedBytes<64> = field(headers, SIGNATURE)?;
        Ok(Self {
            sender: field(headers, SENDER)?,
            time: field(headers, TIME)?,
            nonce: field(headers, NONCE)?,
            body: field(headers, BODY)?,
            signature: Signature::from_erc2098(signature.as_slice()),
        })
    }

    /// Whether the sender signed it, for this recipient, now. Gives the request's digest, for the answer to name.
    ///
    /// Whether the sender is a member, and the nonce new, is for the caller to ask.
    pub(super) fn verify(&self, domain: &Eip712Domain, recipient: Address, now: u64) -> Result<B256, String> {
        if self.time.abs_diff(now) > SKEW {
            return Err(format!(
                "the request is of {}, here it is {now}: set the clocks",
                self.time
            ));
        }
        let digest =
            request(self.sender, recipient, self.body, self.time, self.nonce).eip712_signing_hash(domain);
        if is_signed_by(self.sender, digest, &self.signature) {
            Ok(digest)
        } else {
            Err(format!(
                "not signed by {} for {recipient} at this registry",
                self.sender
            ))
        }
    }
}

/// A request that is about to be sent.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    /// What the answer must name.
    pub(super) digest: B256,
    /// Names and values.
    pub(super) headers: [(&'static str, String); 5],
}

/// Signs a request.
pub(super) async fn sign_request(
    signer: &Key,
    domain: &Eip712Domain,
    recipient: Address,
    body: &[u8],
    now: u64,
) -> Result<Signed, Error> {
    let (sender, body, nonce) = (signer.address(), keccak256(body), nonce()?);
    let digest = request(sender, recipient, body, now, nonce).eip712_signing_hash(domain);
    let signature = sign(signer, digest).await?;
    Ok(Signed {
        digest,
        headers: [
            (SENDER, sender.to_string()),
            (TIME, now.to_string()),
            (NONCE, nonce.to_string()),
            (BODY, body.to_string()),
            (SIGNATURE, format!("0x{}", hex::encode(signature))),
        ],
    })
}

/// The signature header of an answer.
pub(super) async fn sign_answer(
    signer: &Key,
    domain: &Eip712Domain,
    request: B256,
    status: u16,
    body: &[u8],
) -> Result<String, Error> {
    let signature = sign(signer, answer(request, status, body).eip712_signing_hash(domain)).await?;
    Ok(format!("0x{}", hex::encode(signature)))
}

/// Whether `peer` gave this answer to this very request.
pub(super) fn verify_answer(
    peer: Address,
    domain: &Eip712Domain,
    request: B256,
    status: u16,
    body: &[u8],
    headers: &HeaderMap,
) -> bool {
    let value = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    let Some(signature) = value.and_then(|value| value.parse::<alloy::primitives::FixedBytes<64>>().ok())
    else {
        return false;
    };
    let digest = answer(request, status, body).eip712_signing_hash(domain);
    is_signed_by(peer, digest, &Signature::from_erc2098(signature.as_slice()))
}

/// 64 bytes (EIP-2098), as the registry takes them.
pub(super) async fn sign(signer: &Key, digest: B256) -> Result<[u8; 64], Error> {
    Ok(signer.sign_hash(&digest).await?.as_erc2098())
}

/// High-s twins are refused: one signature has one form.
pub(super) fn is_signed_by(signer: Address, digest: B256, signature: &Signature) -> bool {
    signature.normalize_s().is_none()
        && signature
            .recover_address_from_prehash(&digest)
            .is_ok_and(|recovered| recovered == signer)
}

fn nonce() -> Result<B256, Error> {
    let mut nonce = B256::ZERO;
    getrandom::fill(nonce.as_mut_slice()).map_err(|error| Error::Io {
        doing: "draw a nonce".into(),
        source: error.into(),
    })?;
    Ok(nonce)
}

fn request(sender: Address, recipient: Address, body: B256, time: u64, nonce: B256) -> CosignRequest {
    CosignRequest {
        sender,
        recipient,
        method: "POST".into(),
        path: PATH.into(),
        bodyHash: body,
        timestamp: time,
        nonce,
    }
}

fn answer(request: B256, status: u16, body: &[u8]) -> CosignAnswer {
    CosignAnswer {
        request,
        status,
        bodyHash: keccak256(body),
    }
}

#[cfg(test)]
mod tests {
    use alloy::signers::local::PrivateKeySigner;
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn signer(byte: u8) -> Key {
        Key::new(PrivateKeySigner::from_bytes(&B256::repeat_byte(byte)).unwrap())
    }

    fn headers(signed: &Signed) -> HeaderMap {
        let pairs = signed.headers.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            )
        });
        pairs.collect()
    }

    fn registry() -> Eip712Domain {
        domain(1, Address::repeat_byte(9))
    }

    #[tokio::test]
    async fn a_request_is_its_senders_for_one_recipient_at_one_registry() {
        let (from, to) = (signer(1), signer(2).address());
        let signed = sign_request(&from, &registry(), to, b"body", NOW).await.unwrap();
        let claim = Claim::read(&headers(&signed)).unwrap();
        assert_eq!(claim.sender, from.address());
        assert_eq!(claim.body, keccak256(b"body"));
        assert_eq!(claim.verify(&registry(), to, NOW), Ok(signed.digest));
        assert_eq!(claim.verify(&registry(), to, NOW + SKEW), Ok(signed.digest));

        claim.verify(&registry(), to, NOW + SKEW + 1).unwrap_err();
        claim.verify(&registry(), to, NOW - SKEW - 1).unwrap_err();
        claim.verify(&registry(), from.address(), NOW).unwrap_err();
        claim
            .verify(&domain(2, Address::repeat_byte(9)), to, NOW)
            .unwrap_err();
        claim
            .verify(&domain(1, Address::repeat_byte(8)), to, NOW)
            .unwrap_err();
    }

    #[tokio::test]
    async fn nothing_in_the_headers_can_be_changed() {
        let (from, to) = (signer(1), signer(2).address());
        let signed = sign_request(&from, &registry(), to, b"body", NOW).await.unwrap();
        let others = [
            (SENDER, signer(3).address().to_string()),
            (TIME, (NOW + 1).to_string()),
            (NONCE, B256::ZERO.to_string()),
            (BODY, keccak256(b"other").to_string()),
            (
                SIGNATURE,
                format!("0x{}", hex::encode(sign(&signer(3), B256::ZERO).await.unwrap())),
            ),
        ];
        for (name, value) in others {
            let mut changed = headers(&signed);
            changed.insert(name, value.parse().unwrap());
            let claim = Claim::read(&changed).unwrap();
            assert!(claim.verify(&registry(), to, NOW).is_err(), "{name}");
            changed.remove(name);
            assert!(Claim::read(&changed).unwrap_err().contains(name));
        }
    }

    #[tokio::test]
    async fn an_answer_is_bound_to_its_request() {
        let peer = signer(2);
        let request = B256::repeat_byte(5);
        let mut headers = HeaderMap::new();
        let signature = sign_answer(&peer, &registry(), request, 200, b"yes")
            .await
            .unwrap();
        let holds = |headers: &HeaderMap, peer, request, status, body: &[u8]| {
            verify_answer(peer, &registry(), request, status, body, headers)
        };
        assert!(
            !holds(&headers, peer.address(), request, 200, b"yes"),
            "no signature"
        );
        headers.insert(SIGNATURE, signature.parse().unwrap());
        assert!(holds(&headers, peer.address(), request, 200, b"yes"));
        assert!(!holds(&headers, peer.address(), B256::ZERO, 200, b"yes"));
        assert!(!holds(&headers, peer.address(), request, 422, b"yes"));
        assert!(!holds(&headers, peer.address(), request, 200, b"no"));
        assert!(!holds(&headers, signer(1).address(), request, 200, b"yes"));
    }

    #[tokio::test]
    async fn a_high_s_twin_is_nobodys() {
        let digest = B256::repeat_byte(7);
        let good = signer(1).sign_hash(&digest).await.unwrap();
        assert!(is_signed_by(signer(1).address(), digest, &good));
        let order =
            alloy::primitives::uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
        let twin = Signature::new(good.r(), order - good.s(), !good.v());
        assert_eq!(
            twin.recover_address_from_prehash(&digest).unwrap(),
            signer(1).address()
        );
        assert!(!is_signed_by(signer(1).address(), digest, &twin));
    }
}
