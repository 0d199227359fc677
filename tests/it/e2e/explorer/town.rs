//! A registry with a past: a hundred operators at three providers, a TCB recovery, freezes, a revocation, a relayer that
//! signed two results of one appraisal.

use alloy::{
    primitives::{Address, B256, Bytes, U256, aliases::U40, keccak256},
    signers::SignerSync as _,
    sol_types::{SolStruct as _, SolValue as _},
};
use chassis_relayer::registry::{
    IProofOfCloudGovernance as Gov,
    IProofOfCloudRegistry::{
        AttestationResult, Grant, PlatformEntry, Report, deregisterCall, freezeOperatorCall,
        freezePlatformCall, freezeProviderCall, pauseCall,
    },
    domain,
};

use crate::e2e::{
    byzantine::selector,
    chain::signer,
    history::{Content, DAY, GUARDIAN, HOUR, History},
};

pub(super) const OPERATORS: u32 = 100;
/// Who is what in the end.
pub(super) const FROZEN: u32 = 7;
pub(super) const ON_FROZEN_PLATFORM: u32 = 12;
pub(super) const REVOKED: u32 = 23;
pub(super) const OUT_OF_DATE: u32 = 31;
pub(super) const EXPIRED: u32 = 45;
pub(super) const MOVED: u32 = 52;
/// Recovered from an old TCB, renewed every day.
pub(super) const RECOVERED: u32 = 66;
/// At the provider that is frozen last.
pub(super) const AT_FROZEN_PROVIDER: u32 = 10;
/// One key of anvil's, which can deregister itself.
pub(super) const DEREGISTERED: usize = 6;
/// Signs until it is convicted.
pub(super) const BYZANTINE: usize = 5;

pub(super) fn operator(n: u32) -> Address {
    Address::from_word(keccak256(format!("operator {n}")))
}

/// The evidence about which the Byzantine relayer signed two results.
pub(super) fn lie() -> B256 {
    keccak256("two results for one name")
}

/// Two operators on each.
pub(super) fn platform(n: u32) -> B256 {
    keccak256(format!("platform {}", n / 2))
}

fn provider(n: u32) -> u16 {
    match n / 2 % 6 {
        0..3 => 1,
        3 | 4 => 2,
        _ => 3,
    }
}

/// Levels of an operator: most have a virtual TPM, some a whole chassis, some no more than a quote.
fn levels(n: u32) -> (u8, u8) {
    match n % 10 {
        3 => (3, 2),
        8 => (2, 1),
        9 if n > 90 => (1, 1),
        _ => (2, 2),
    }
}

pub(super) struct Town<'a> {
    pub(super) history: History<'a>,
}

impl Town<'_> {
    /// All of it.
    pub(super) async fn build(&mut self) {
        self.govern().await;
        self.enter().await;
        for day in 0..6 {
            self.history.wait(14 * HOUR).await;
            match day {
                1 => self.tcb(5).await,
                2 => self.guardian().await,
                3 => self.tcb(1).await,
                4 => self.convict().await,
                _ => {}
            }
            let out = |n: &u32| [FROZEN, REVOKED, EXPIRED].contains(n) && day >= 2;
            // Some miss a day, and come back by a grant.
            let missing = |n: &u32| day == 4 && n.is_multiple_of(17);
            let stopped = |n: &u32| day >= 2 && platform(*n) == platform(ON_FROZEN_PLATFORM);
            let all: Vec<_> = (1..=OPERATORS)
                .filter(|n| !(out(n) || missing(n) || stopped(n)))
                .collect();
            self.keep(&all, 20 * HOUR).await;
        }
        // Today: some expire within hours.
        self.history.wait(HOUR).await;
        let soon: Vec<_> = (80..=86).collect();
        let rest: Vec<_> = (60..80).collect();
        self.keep(&rest, 23 * HOUR).await;
        self.regrant(&soon, |grant| grant, 2 * HOUR).await;
        self.regrant(
            &[MOVED],
            |grant| Grant {
                platformId: platform(60),
                ..grant
            },
            18 * HOUR,
        )
        .await;
        self.regrant(&[OUT_OF_DATE], |grant| Grant { tcb: 5, ..grant }, 18 * HOUR)
            .await;
    }

    /// Three relayers of which two must sign. The registry has three providers from the start.
    async fn govern(&mut self) {
        let members = [1, BYZANTINE, 4].map(|key| signer(key).address());
        let rotate = Gov::rotateRelayersCall {
            members: members.to_vec(),
            threshold: 2,
            freezeThreshold: 1,
            grace: U40::ZERO,
        };
        self.history.governed(&rotate).await;
        self.history.set = 2;
        self.history.signers = vec![signer(1), signer(BYZANTINE)];
    }

    async fn enter(&self) {
        for first in (1..=OPERATORS).step_by(25) {
            let numbers: Vec<_> = (first..first + 25).collect();
            self.history.wait(64).await;
            let mut platforms = Vec::new();
            for n in &numbers {
                let entry = self.entry(*n).await;
                if platforms
                    .iter()
                    .all(|known: &PlatformEntry| known.platformId != entry.platformId)
                {
                    platforms.push(entry);
                }
            }
            self.history
                .post(Content {
                    platforms,
                    ..Content::default()
                })
                .await;
            self.regrant(&numbers, |grant| grant, 20 * HOUR).await;
        }
        // One that will leave by itself.
        let mut grant = self.grant(70, 20 * HOUR).await;
        grant.operator = signer(DEREGISTERED).address();
        grant.instanceId = B256::repeat_byte(0xdd);
        grant.statusNonce = 0;
        self.history.wait(64).await;
        self.history
            .post(Content {
                grants: vec![grant],
                ..Content::default()
            })
            .await;
    }

    async fn guardian(&self) {
        let freeze = freezeOperatorCall {
            operator: operator(FROZEN),
            reason: 102,
            evidenceHash: keccak256("a stale microcode"),
        };
        self.history.send(GUARDIAN, &freeze).await;
        let freeze = freezePlatformCall {
            platformId: platform(ON_FROZEN_PLATFORM),
            reason: 801,
            evidenceHash: keccak256("a host that is not listed"),
        };
        self.history.send(GUARDIAN, &freeze).await;
        let revoke = Gov::revokeOperatorCall {
            operator: operator(REVOKED),
            reason: 204,
            evidenceHash: keccak256("mixed evidence"),
        };
        self.history.send(GUARDIAN, &revoke).await;
        self.history.send(DEREGISTERED, &deregisterCall {}).await;
    }

    /// A relayer that signed two results of one appraisal is disabled by its own signatures, which anybody may show.
    async fn convict(&mut self) {
        let now = self.history.now().await;
        let honest = AttestationResult {
            operator: operator(1),
            platformId: platform(1),
            evidenceDigest: lie(),
            asOf: U40::from(now),
            binding: 2,
            ..AttestationResult::default()
        };
        let lying = AttestationResult {
            binding: 3,
            ..honest.clone()
        };
        let [a, b] = [honest, lying].map(|result| self.posting(result, now));
        let arguments = (U256::from(2), U256::ONE, a, b).abi_encode_params();
        let call = [selector("proveEquivocation").to_vec(), arguments].concat();
        self.history.send_bytes(0, call).await;
        self.history.signers = vec![signer(1), signer(4)];
        self.history.mask = Some(0b101);
    }

    /// A result in a report that the Byzantine relayer alone has signed.
    fn posting(&self, result: AttestationResult, now: u64) -> (AttestationResult, Report, Bytes) {
        let report = Report {
            relayerSetId: 2,
            policyDigest: self.history.policy,
            issuedAt: U40::from(now),
            deadline: U40::from(now + HOUR),
            platforms: Vec::new(),
            grants: Vec::new(),
            renewals: Bytes::new(),
            digests: vec![result.eip712_hash_struct()],
            archive: B256::ZERO,
        };
        let hash = report.eip712_signing_hash(&domain(31_337, self.history.chain.registry));
        let signature = signer(BYZANTINE).sign_hash_sync(&hash).unwrap();
        (result, report, signature.normalized_s().as_erc2098().into())
    }

    /// The third provider's operators stop.
    pub(super) async fn freeze_provider(&self) {
        let freeze = freezeProviderCall {
            provider: 3,
            reason: 803,
            evidenceHash: keccak256("its keys are out"),
        };
        self.history.send(GUARDIAN, &freeze).await;
    }

    /// Everybody stops.
    pub(super) async fn pause(&self) {
        let pause = pauseCall {
            reason: 9,
            evidenceHash: keccak256("a break in the verifier"),
        };
        self.history.send(GUARDIAN, &pause).await;
    }

    /// Intel's news: three in ten are out of date, until they have updated.
    async fn tcb(&self, level: u8) {
        let hit: Vec<_> = (1..=OPERATORS)
            .filter(|n| n % 10 < 3 || *n == RECOVERED)
            .filter(|n| {
                platform(*n) != platform(ON_FROZEN_PLATFORM) && ![FROZEN, REVOKED, EXPIRED].contains(n)
            })
            .collect();
        self.regrant(&hit, |grant| Grant { tcb: level, ..grant }, 20 * HOUR)
            .await;
    }

    async fn entry(&self, n: u32) -> PlatformEntry {
        let registry = self.history.chain.registry();
        let stored = registry.platform(platform(n)).call().await.unwrap();
        PlatformEntry {
            platformId: platform(n),
            provider: provider(n),
            custody: 2,
            custodyExpiry: U40::from(self.history.now().await + 30 * DAY),
            statusNonce: stored.statusNonce,
        }
    }

    async fn grant(&self, n: u32, seconds: u64) -> Grant {
        let registry = self.history.chain.registry();
        let stored = registry.attestationOf(operator(n)).call().await.unwrap();
        let (binding, custody) = levels(n);
        let now = self.history.now().await;
        Grant {
            operator: operator(n),
            platformId: platform(n),
            instanceId: keccak256(format!("instance {n}")),
            workloadId: keccak256(format!("workload {}", n % 3)),
            binding,
            custody,
            tcb: 1,
            teeClass: 1,
            flags: u8::from(!n.is_multiple_of(4)),
            evidenceTime: U40::from(now),
            ttl: 86_400,
            expiry: U40::from(now + seconds),
            digest: keccak256(format!("result {n} {now}")),
            statusNonce: stored.statusNonce,
        }
    }

    async fn regrant(&self, numbers: &[u32], change: impl Fn(Grant) -> Grant, seconds: u64) {
        for numbers in numbers.chunks(50) {
            self.history.wait(64).await;
            let mut grants = Vec::new();
            for n in numbers {
                grants.push(change(self.grant(*n, seconds).await));
            }
            self.history
                .post(Content {
                    grants,
                    ..Content::default()
                })
                .await;
        }
    }

    /// Renews who is live, and grants who is not.
    async fn keep(&self, numbers: &[u32], seconds: u64) {
        self.history.wait(64).await;
        let now = self.history.now().await;
        let registry = self.history.chain.registry();
        let (mut renewals, mut lapsed) = (Vec::new(), Vec::new());
        for n in numbers {
            let stored = registry.attestationOf(operator(*n)).call().await.unwrap();
            if stored.expiry.to::<u64>() > now + 60 {
                renewals.push((stored.lane, now + seconds));
            } else {
                lapsed.push(*n);
            }
        }
        self.history
            .post(Content {
                renewals,
                ..Content::default()
            })
            .await;
        if !lapsed.is_empty() {
            self.regrant(&lapsed, |grant| grant, seconds).await;
        }
    }
}
