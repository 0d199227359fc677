//! Many bundles of many machines in little time: each machine has a platform and an attestation key of its own, and all
//! booted what one machine with a real software TPM has booted.

use std::collections::BTreeMap;

use alloy::{primitives::B256, signers::local::PrivateKeySigner};
use anyhow::{Context as _, ensure};
use chassis_attester::consent;
use chassis_verifier::{
    Endorsements,
    bundle::{Anchor, Bundle, Evidence, Tee, Tpm},
    challenge::{AkName, challenge, qualifying_data, report_data},
    platform_id,
};
use dcap_qvl::quote::TDReport10;

use crate::{
    Cloud, Key, Seed,
    intel::{PckSpec, Platform, QuoteFormat},
    machine::Machine,
    provider::Instance,
};

/// Machines of one cloud that booted one image.
#[derive(Debug)]
pub struct Fleet<'a> {
    cloud: &'a Cloud,
    model: Evidence,
    report: TDReport10,
    instance: Instance,
    members: Vec<Member>,
}

/// What one machine has of its own.
#[derive(Debug)]
struct Member {
    platform: Platform,
    zone: String,
    ak: Key,
    ak_certificate: Vec<u8>,
}

impl<'a> Fleet<'a> {
    /// `size` machines that booted what `model` has booted.
    ///
    /// # Errors
    /// If `model` does not attest.
    pub fn new(cloud: &'a Cloud, model: &Machine, size: usize) -> anyhow::Result<Self> {
        Self::packed(cloud, model, size, 1)
    }

    /// `platforms` processors, each with `instances` machines on it, which are numbered one processor after the other.
    ///
    /// # Errors
    /// If `model` does not attest.
    pub fn packed(
        cloud: &'a Cloud,
        model: &Machine,
        platforms: usize,
        instances: usize,
    ) -> anyhow::Result<Self> {
        let members = (0..platforms * instances)
            .map(|index| member(cloud, model, index, index / instances))
            .collect();
        Ok(Self {
            cloud,
            model: cloud.bundle(&model.parts(), &operator(0))?.evidence,
            report: *model.td().report(),
            instance: model.instance().clone(),
            members,
        })
    }

    /// Changes the platform of one machine, as an update of its firmware does: its PPID stays, its certificate is new.
    pub fn update(&mut self, machine: usize, cpu_svn: [u8; 16]) {
        self.certify(machine, |spec| spec.cpu_svn = cpu_svn);
    }

    /// Has Intel certify something else of the platform of one machine.
    pub fn certify(&mut self, machine: usize, change: impl FnOnce(&mut PckSpec)) {
        if let Some(member) = self.members.get_mut(machine) {
            let mut spec = member.platform.spec.clone();
            change(&mut spec);
            member.platform = self.cloud.intel().platform(spec);
        }
    }

    /// Has the owner of one machine make it anew on the same platform: it is another instance, with another key.
    pub fn recreate(&mut self, machine: usize) {
        if let Some(member) = self.members.get_mut(machine) {
            let number = machine as u64 | (1 << 32);
            member.ak = Seed(number).key("fleet/ak");
            let instance = Instance {
                instance_id: (1 << 63) | number,
                zone: member.zone.clone(),
                ..self.instance.clone()
            };
            member.ak_certificate = self.cloud.provider().ak_certificate(&member.ak, &instance);
        }
    }

    /// Has the provider list every machine's host.
    pub fn list(&self) {
        for member in &self.members {
            self.cloud.list(member.platform.spec.ppid, &member.zone);
        }
    }

    /// Evidence of one machine for one operator, both by number. All of it is made now, but for what booted.
    ///
    /// # Errors
    /// If there is no such machine.
    pub fn bundle(&self, machine: usize, operator_number: usize) -> anyhow::Result<Bundle> {
        self.bundle_at(machine, operator_number, self.model.anchor)
    }

    /// The same, fresh as of another block.
    ///
    /// # Errors
    /// If there is no such machine.
    pub fn bundle_at(
        &self,
        machine: usize,
        operator_number: usize,
        anchor: Anchor,
    ) -> anyhow::Result<Bundle> {
        let member = self.members.get(machine).context("no such machine")?;
        let signer = operator(operator_number);
        let mut evidence = self.model.clone();
        evidence.operator = signer.address();
        evidence.anchor = anchor;
        let challenge = challenge(&evidence.anchor, signer.address());
        let tpm = evidence.tpm.as_mut().context("the model has no TPM")?;
        let public = with_key(&tpm.ak_public, &member.ak)?;
        let quote = member.platform.quote(
            QuoteFormat::V4,
            TDReport10 {
                report_data: report_data(challenge, AkName::of(&public), B256::ZERO),
                ..self.report
            },
        );
        let Tee::Tdx {
            quote: model_quote, ..
        } = &self.model.tee;
        let model_data = qualifying_data(challenge_of(&self.model), model_quote);
        let attest = replaced(&tpm.attest, &model_data, &qualifying_data(challenge, &quote))?;
        *tpm = Tpm {
            signature: signature(&member.ak, &attest).into(),
            attest: attest.into(),
            ak_public: public.into(),
            ak_certificates: vec![
                member.ak_certificate.clone().into(),
                self.cloud.provider().intermediate_der().into(),
            ],
            ..tpm.clone()
        };
        let Tee::Tdx { quote: own_quote, .. } = &mut evidence.tee;
        *own_quote = quote.into();
        Ok(consent(evidence, &signer)?)
    }

    /// What an honest relayer appraises any of these bundles with.
    pub fn endorsements(&self) -> Endorsements {
        let claim = |member: &Member| {
            self.cloud
                .provider()
                .host_registry_claim(member.platform.spec.ppid, &member.zone)
        };
        let claims = self.members.iter().map(claim);
        let claims: BTreeMap<_, _> = claims.map(|claim| (claim.platform_id, claim)).collect();
        Endorsements {
            version: 1,
            anchor: self.cloud.anchor(),
            tdx_collateral: self
                .members
                .first()
                .map(|member| self.cloud.collateral(member.platform.spec.fmspc)),
            provider_crls: self.cloud.provider_crls().to_vec(),
            host_registry: claims.into_values().collect(),
        }
    }

    /// One machine's name on chain.
    pub fn platform_id(&self, machine: usize) -> Option<B256> {
        let member = self.members.get(machine)?;
        Some(platform_id(&member.platform.spec.ppid))
    }
}

/// The key of the operator with this number, as [`Fleet::bundle`] uses it.
pub fn operator(number: usize) -> PrivateKeySigner {
    let secret: [u8; 32] = Seed(number as u64).bytes("fleet/operator");
    PrivateKeySigner::from_slice(&secret).expect("all but one in 2^127 digests are keys")
}

fn member(cloud: &Cloud, model: &Machine, index: usize, processor: usize) -> Member {
    let name = format!("fleet-{index}");
    let ak = Seed(index as u64).key("fleet/ak");
    let instance = Instance {
        instance_id: (1 << 63) | index as u64,
        name: name.clone(),
        ..model.instance().clone()
    };
    Member {
        platform: cloud
            .intel()
            .platform(cloud.intel().pck_spec(&format!("fleet-{processor}"))),
        zone: instance.zone.clone(),
        ak_certificate: cloud.provider().ak_certificate(&ak, &instance),
        ak,
    }
}

fn challenge_of(evidence: &Evidence) -> B256 {
    challenge(&evidence.anchor, evidence.operator)
}

/// `TPMT_PUBLIC` of a P-256 key ends in `x` and `y`, each with its length in front (TPM 2.0 Part 2 §12.2.4).
fn with_key(public: &[u8], key: &Key) -> anyhow::Result<Vec<u8>> {
    let (x, y) = (&key.public_xy()[..32], &key.public_xy()[32..]);
    let head = public
        .len()
        .checked_sub(68)
        .context("too short for a P-256 key")?;
    Ok([&public[..head], &[0, 32], x, &[0, 32], y].concat())
}

/// `TPMT_SIGNATURE` by ECDSA with SHA-256.
fn signature(key: &Key, attest: &[u8]) -> Vec<u8> {
    let raw = key.sign_raw(attest);
    let (r, s) = raw.split_at(32);
    [&[0x00, 0x18, 0x00, 0x0b, 0, 32][..], r, &[0, 32], s].concat()
}

fn replaced(bytes: &[u8], old: &[u8; 32], new: &[u8; 32]) -> anyhow::Result<Vec<u8>> {
    let mut places = (0..bytes.len().saturating_sub(31)).filter(|at| bytes[*at..].starts_with(old));
    let place = places
        .next()
        .context("the model's qualifying data are not in its attest")?;
    ensure!(
        places.next().is_none(),
        "the model's qualifying data are there twice"
    );
    Ok([&bytes[..place], new, &bytes[place + 32..]].concat())
}
