//! What the registrar asks before it states anything.

use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use alloy_primitives::B256;
use chassis_verifier::{
    Base64, HostStack, Policy, Provider,
    ak::{AkCertificate, verify_chain},
    challenge::AkName,
    claims::RegistrarClaims,
    host::check_ak_policy,
    sha256,
    tpm::{Public, PublicKey},
};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::{
    Machines, RegistrarConfig, RegistrarKey,
    audit::Audit,
    challenges::Challenges,
    credential,
    protocol::{Challenge, ChallengeRequest, Statement, StatementRequest},
};
use crate::Error;

/// A provider's registrar.
#[derive(Debug)]
pub struct Registrar {
    key: RegistrarKey,
    provider: Provider,
    /// Platforms of which the policy takes nothing.
    denied: Vec<B256>,
    stacks: Vec<HostStack>,
    machines: PathBuf,
    maker_roots: Vec<Vec<u8>>,
    valid_for: u64,
    audit: Audit,
    challenges: Mutex<Challenges>,
    random: SystemRandom,
}

/// Why a host gets no statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// The host's own doing.
    #[error("{0}")]
    Host(String),
    /// Too many hosts at once.
    #[error("too many challenges wait for their answers; try again in a minute")]
    Busy,
    /// The registrar's own trouble; the text is for its log.
    #[error("the registrar failed; its log says why")]
    Internal(String),
}

impl Registrar {
    /// A registrar, after a look at its files.
    ///
    /// # Errors
    /// If a file cannot be used, or the policy does not pin the key: nobody would believe what it states.
    pub fn new(config: &RegistrarConfig) -> Result<Self, Error> {
        let key = RegistrarKey::read(&config.key)?;
        let text = std::fs::read_to_string(&config.policy).map_err(|source| Error::File {
            doing: "read the policy",
            path: config.policy.clone(),
            source,
            hint: "",
        })?;
        let policy = Policy::from_toml(&text)?;
        let spki = key.spki();
        let pins = |provider: &&Provider| provider.registrars.iter().any(|pinned| pinned[..] == spki[..]);
        let provider = policy.providers.iter().find(pins).ok_or_else(|| {
            let problem = "no provider in it pins this registrar's key; add what `chassis-node registrar key` prints to \
                           that provider's `registrars`";
            Error::unusable(config.policy.display().to_string(), problem)
        })?;
        if policy.hosts.is_empty() {
            return Err(Error::unusable(
                config.policy.display().to_string(),
                "it lists no host stack, so no key could be sealed to one",
            ));
        }
        Machines::read(&config.machines)?;
        Ok(Self {
            provider: provider.clone(),
            denied: policy.platforms.denied.clone(),
            stacks: policy.hosts.clone(),
            key,
            machines: config.machines.clone(),
            maker_roots: config.maker_roots.certificates().to_vec(),
            valid_for: config.valid_for,
            audit: Audit::open(&config.audit)?,
            challenges: Mutex::default(),
            random: SystemRandom::new(),
        })
    }

    /// A challenge for a host whose keys are as they should be.
    pub(super) fn challenge(&self, request: &ChallengeRequest, now: u64) -> Result<Challenge, Refusal> {
        let (ek, ek_cert_hash) = self.endorsement_key(&request.ek_certificates, now)?;
        let ak_name = self.attestation_key(&request.ak_public)?;
        let machines =
            Machines::read(&self.machines).map_err(|error| Refusal::Internal(error.to_string()))?;
        let machine = machines.find(ek_cert_hash).ok_or_else(|| {
            Refusal::Host(format!(
                "no machine is registered with the endorsement key's certificate {ek_cert_hash}"
            ))
        })?;
        let claims = RegistrarClaims {
            ak_name,
            ek_cert_hash,
            platform_id: machine.platform_id,
            provider: self.provider.id,
            zone: machine.zone.clone(),
            not_after: now.saturating_add(self.valid_for),
        };
        self.refuse_revoked(&claims)?;
        let (name, secret) = (self.random()?, self.random()?);
        let credential = credential::make(ek, ak_name, &secret, &self.random)
            .map_err(|_| Refusal::Host("the endorsement key is not on its curve".into()))?;
        if !self
            .challenges()
            .keep(name.into(), &secret, claims, machine.name.clone())
        {
            return Err(Refusal::Busy);
        }
        Ok(Challenge {
            id: name.to_vec().into(),
            credential_blob: credential.blob.into(),
            encrypted_secret: credential.point.into(),
        })
    }

    /// The statement, for whoever opened the challenge.
    pub(super) fn statement(&self, request: &StatementRequest, now: u64) -> Result<Statement, Refusal> {
        let unknown = || {
            Refusal::Host("no such challenge waits for this answer: it was answered before, is over a minute old, or hides another secret".into())
        };
        let name = B256::try_from(&request.challenge[..]).map_err(|_| unknown())?;
        let pending = self
            .challenges()
            .answer(name, &request.secret)
            .ok_or_else(unknown)?;
        let statement = self
            .key
            .sign(&pending.claims)
            .map_err(|error| Refusal::Internal(error.to_string()))?;
        self.audit
            .write(&statement, &pending, now)
            .map_err(|error| Refusal::Internal(format!("audit log: {error}")))?;
        tracing::info!(machine = pending.machine, platform = %pending.claims.platform_id, "stated");
        Ok(Statement {
            statement: statement.into(),
        })
    }

    /// A statement that no relayer would take is none to be kept until the policy is another one.
    fn refuse_revoked(&self, claims: &RegistrarClaims) -> Result<(), Refusal> {
        if let Some(revoked) = self.provider.revocation_of(claims) {
            return Err(Refusal::Host(revoked));
        }
        let platform = claims.platform_id;
        if self.denied.contains(&platform) {
            return Err(Refusal::Host(format!(
                "the policy denies this machine's CPU, {platform}"
            )));
        }
        Ok(())
    }

    /// The key that a TPM maker certified, and its certificate's hash.
    fn endorsement_key(&self, certificates: &[Base64], now: u64) -> Result<(Point, B256), Refusal> {
        let refused = |text: String| Refusal::Host(format!("the endorsement key's certificate: {text}"));
        let (leaf, issuers) = certificates
            .split_first()
            .ok_or_else(|| refused("there is none".into()))?;
        let issuers: Vec<_> = issuers.iter().map(|der| &**der).collect();
        let roots: Vec<_> = self.maker_roots.iter().map(Vec::as_slice).collect();
        verify_chain(leaf, &issuers, &roots, &[], now).map_err(|error| refused(error.to_string()))?;
        let certificate = AkCertificate::parse(leaf).map_err(|error| refused(error.to_string()))?;
        match certificate.public_key() {
            Some(PublicKey::EcP256 { x, y }) => {
                let number = |bytes: &[u8]| <[u8; 32]>::try_from(bytes);
                match (number(&x), number(&y)) {
                    (Ok(x), Ok(y)) => Ok(((x, y), sha256(leaf))),
                    _ => Err(refused("its key is not on P-256".into())),
                }
            }
            _ => Err(refused(
                "its key is not on P-256; show the certificate of the TPM's P-256 key, at NV 0x01c0000a"
                    .into(),
            )),
        }
    }

    /// The name of a key that cannot leave its TPM, signs only what the TPM made, and works under a reviewed launch only.
    ///
    /// The area is the host's word until the credential is activated: the secret comes back for this name alone, and the name
    /// covers the area.
    fn attestation_key(&self, area: &[u8]) -> Result<AkName, Refusal> {
        let refused = |text: String| Refusal::Host(format!("the attestation key: {text}"));
        let public = Public::parse(area).map_err(|error| refused(error.to_string()))?;
        if let Some(violation) = public.violations().first() {
            return Err(refused((*violation).into()));
        }
        let mut fault = String::new();
        for stack in &self.stacks {
            for (pcr17, pcr18) in launches(stack) {
                match check_ak_policy(&public, stack.bank, &pcr17, &pcr18) {
                    Ok(()) => {
                        return public
                            .name()
                            .ok_or_else(|| refused("it has no SHA-256 name".into()));
                    }
                    Err(other) => fault = other.to_string(),
                }
            }
        }
        Err(refused(format!(
            "it is sealed to no launch that the policy lists: {fault}"
        )))
    }

    fn random(&self) -> Result<[u8; 32], Refusal> {
        let mut bytes = [0; 32];
        self.random
            .fill(&mut bytes)
            .map_err(|_| Refusal::Internal("the system gives no randomness".into()))?;
        Ok(bytes)
    }

    fn challenges(&self) -> MutexGuard<'_, Challenges> {
        // Nothing there can be left half-done by a panic.
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Coordinates on P-256.
type Point = ([u8; 32], [u8; 32]);

/// Every pair of PCR 17 and 18 that `stack` may launch with.
fn launches(stack: &HostStack) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    // Reading the policy made sure that all are hex.
    let values = |list: &[String]| -> Vec<Vec<u8>> {
        list.iter()
            .filter_map(|value| alloy_primitives::hex::decode(value).ok())
            .collect()
    };
    let pcr18 = values(&stack.pcr18);
    values(&stack.pcr17)
        .into_iter()
        .flat_map(move |pcr17| pcr18.clone().into_iter().map(move |pcr18| (pcr17.clone(), pcr18)))
}
