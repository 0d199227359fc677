//! A fleet together: the same verdicts as one by one, whatever else is in the fleet and in whatever order.

use std::sync::LazyLock;

use chassis_attester::consent;
use chassis_sim::{
    Cloud, Seed,
    fleet::{Fleet, operator},
    machine::MachineSpec,
};
use chassis_verifier::{
    Appraisal, Binding, CheckId, Endorsements, Error, Memo, Policy, appraise, appraise_many,
    bundle::{Bundle, Evidence, Tee},
    eventlog::{Event, TcgLog},
};
use proptest::{prelude::*, sample::Index};

use crate::world::{failed, tpm};

const MACHINES: usize = 3;
const OPERATORS: usize = 2;

#[test]
fn a_fleet_is_appraised_as_each_of_it_alone() {
    let scene = &*SCENE;
    let together = scene.appraise_many(&scene.good);
    assert_eq!(together.len(), MACHINES * OPERATORS);
    for (appraisal, bundle) in together.iter().zip(&scene.good) {
        assert_eq!(appraisal.as_ref().unwrap().verdict.binding, Binding::VirtualTpm);
        assert_same(appraisal, &scene.appraise(bundle));
    }
}

/// Each damage is seen by the check it is meant for, or the property below would prove little.
#[test]
fn every_damage_is_noticed_after_the_undamaged_one() {
    let scene = &*SCENE;
    for damage in DAMAGES {
        let good = &scene.good[0];
        let bad = damage.to(good);
        let results = scene.appraise_many(&[good.clone(), bad.clone(), good.clone(), bad]);
        assert_eq!(results[0].as_ref().unwrap().verdict.binding, Binding::VirtualTpm);
        assert_eq!(results[2].as_ref().unwrap().verdict.binding, Binding::VirtualTpm);
        for result in [&results[1], &results[3]] {
            let failed = failed(result.as_ref().unwrap());
            assert!(
                failed.contains(&damage.noticed_by),
                "{:?}: {failed:?}",
                damage.noticed_by
            );
        }
    }
}

#[test]
fn a_bundle_that_cannot_be_read_is_an_error_in_its_own_place() {
    let scene = &*SCENE;
    let unreadable = changed(&scene.good[0], |evidence| tpm(evidence).attest.0.clear());
    let results = scene.appraise_many(&[scene.good[0].clone(), unreadable, scene.good[1].clone()]);
    assert!(results[0].is_ok() && results[2].is_ok());
    assert!(matches!(results[1], Err(Error::Parse(_))), "{:?}", results[1]);
}

#[test]
fn no_call_remembers_what_another_verified() {
    let scene = &*SCENE;
    let mut endorsements = scene.endorsements.clone();
    let collateral = endorsements.tdx_collateral.as_mut().expect("the cloud's own");
    collateral.tcb_info_signature[40] ^= 1;
    scene.appraise_many(&scene.good);
    let broken = || appraise_many(&scene.good, &endorsements, &scene.policy, scene.as_of);
    let kept = Memo::default();
    kept.scope(|| scene.appraise_many(&scene.good));
    // Nor does a memo that is kept: what was verified was another signature.
    for result in broken().into_iter().chain(kept.scope(broken)) {
        let appraisal = result.unwrap();
        assert!(failed(&appraisal).contains(&CheckId::TdQuote));
        assert_eq!(appraisal.verdict.binding, Binding::None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_good_and_bad_bundles_changes_any_result(
        fleet in prop::collection::vec((any::<Index>(), prop::option::weighted(0.6, any::<Index>())), 1..12)
    ) {
        let scene = &*SCENE;
        let bundles: Vec<_> = fleet
            .iter()
            .map(|(which, damage)| {
                let good = which.get(&scene.good);
                damage.map_or_else(|| good.clone(), |damage| damage.get(DAMAGES).to(good))
            })
            .collect();
        let together = scene.appraise_many(&bundles);
        prop_assert_eq!(together.len(), bundles.len());
        for ((together, bundle), (_, damage)) in together.iter().zip(&bundles).zip(&fleet) {
            assert_same(together, &scene.appraise(bundle));
            assert_same(together, &KEPT.scope(|| scene.appraise(bundle)));
            let bound = together.as_ref().is_ok_and(|appraisal| appraisal.verdict.binding == Binding::VirtualTpm);
            prop_assert_eq!(bound, damage.is_none());
        }
    }

    /// Wherever a bit of a signed thing flips, after the same thing has verified.
    #[test]
    fn no_flipped_bit_passes_for_what_has_verified(
        which in any::<Index>(), part in 0..5_usize, at in any::<Index>(), bit in 0..8_u32
    ) {
        let scene = &*SCENE;
        let good = which.get(&scene.good);
        let bad = changed(good, |evidence| {
            let bytes = match part {
                0 => &mut quote(evidence).0,
                1 => &mut tpm(evidence).ak_certificates[0].0,
                2 => &mut tpm(evidence).ak_certificates[1].0,
                3 => &mut tpm(evidence).signature.0,
                _ => &mut tpm(evidence).attest.0,
            };
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        });
        let together = scene.appraise_many(&[good.clone(), bad.clone()]);
        assert_same(&together[1], &scene.appraise(&bad));
        assert_same(&together[1], &KEPT.scope(|| scene.appraise(&bad)));
        let bound = together[1].as_ref().is_ok_and(|appraisal| appraisal.verdict.binding == Binding::VirtualTpm);
        prop_assert!(!bound, "part {}, byte {}", part, at.index(usize::MAX));
    }
}

/// One way to break a bundle, with the operator's consent to the broken one.
struct Damage {
    noticed_by: CheckId,
    change: fn(&mut Evidence),
}

impl Damage {
    fn to(&self, bundle: &Bundle) -> Bundle {
        changed(bundle, self.change)
    }
}

const DAMAGES: &[Damage] = &[
    Damage {
        noticed_by: CheckId::TdQuote,
        change: |evidence| flip(&mut quote(evidence).0, 700),
    },
    Damage {
        // A register: the quote's signature no longer fits.
        noticed_by: CheckId::TdQuote,
        change: |evidence| flip(&mut quote(evidence).0, 48 + 400),
    },
    Damage {
        noticed_by: CheckId::ReportData,
        change: |evidence| evidence.session_key_hash.0[0] ^= 1,
    },
    Damage {
        noticed_by: CheckId::Anchor,
        change: |evidence| evidence.anchor.block_number += 1,
    },
    Damage {
        noticed_by: CheckId::TpmSignature,
        change: |evidence| flip(&mut tpm(evidence).signature.0, 20),
    },
    Damage {
        noticed_by: CheckId::TpmPcrDigest,
        change: |evidence| tpm(evidence).pcrs[4].value.0[0] ^= 1,
    },
    Damage {
        // The last bytes of a certificate are its signature's.
        noticed_by: CheckId::AkChain,
        change: |evidence| flip_last(&mut tpm(evidence).ak_certificates[0].0),
    },
    Damage {
        noticed_by: CheckId::AkChain,
        change: |evidence| flip_last(&mut tpm(evidence).ak_certificates[1].0),
    },
    Damage {
        noticed_by: CheckId::AkChain,
        change: |evidence| tpm(evidence).ak_certificates.truncate(1),
    },
    Damage {
        noticed_by: CheckId::PcrReplay,
        change: |evidence| {
            let log = &mut tpm(evidence).event_log.as_mut().expect("the model has one").0;
            let digest = first_sha384(log);
            let place = log.windows(digest.len()).position(|bytes| bytes == digest);
            flip(log, place.expect("it was read there"));
        },
    },
];

/// Knows more with each case.
static KEPT: LazyLock<Memo> = LazyLock::new(Memo::default);

/// One fleet for all tests: the TPM takes its time.
static SCENE: LazyLock<Scene> = LazyLock::new(Scene::new);

struct Scene {
    good: Vec<Bundle>,
    endorsements: Endorsements,
    policy: Policy,
    as_of: u64,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let cloud = Cloud::new(&folder.path().join("cloud"), Seed(42)).expect("a cloud");
        let model = cloud.boot(MachineSpec::new("model")).expect("a machine");
        let fleet = Fleet::new(&cloud, &model, MACHINES).expect("a fleet");
        let good = (0..OPERATORS)
            .flat_map(|operator| (0..MACHINES).map(move |machine| (machine, operator)))
            .map(|(machine, operator)| fleet.bundle(machine, operator).expect("a bundle"))
            .collect();
        Self {
            good,
            endorsements: fleet.endorsements(),
            policy: cloud.policy(),
            as_of: cloud.now() + 60,
        }
    }

    fn appraise(&self, bundle: &Bundle) -> Result<Appraisal, Error> {
        appraise(bundle, &self.endorsements, &self.policy, self.as_of)
    }

    fn appraise_many(&self, bundles: &[Bundle]) -> Vec<Result<Appraisal, Error>> {
        appraise_many(bundles, &self.endorsements, &self.policy, self.as_of)
    }
}

/// Signed again by its own operator.
fn changed(bundle: &Bundle, change: impl FnOnce(&mut Evidence)) -> Bundle {
    let mut evidence = bundle.evidence.clone();
    change(&mut evidence);
    let signer = (0..OPERATORS)
        .map(operator)
        .find(|signer| signer.address() == evidence.operator)
        .expect("one of the fleet's operators");
    consent(evidence, &signer).expect("the operator's own evidence")
}

fn quote(evidence: &mut Evidence) -> &mut chassis_verifier::Base64 {
    let Tee::Tdx { quote, .. } = &mut evidence.tee;
    quote
}

/// The first measurement's digest.
fn first_sha384(log: &[u8]) -> [u8; 48] {
    let log = TcgLog::parse(log).expect("the model's own");
    let mut extended = log.events().iter().filter(|event| event.extends());
    extended.find_map(Event::sha384).expect("a SHA-384 bank")
}

fn flip(bytes: &mut [u8], at: usize) {
    bytes[at] ^= 1;
}

fn flip_last(bytes: &mut [u8]) {
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
}

/// Every check with its facts and text, the verdict, every digest.
fn assert_same(one: &Result<Appraisal, Error>, other: &Result<Appraisal, Error>) {
    let json = |appraisal: &Result<Appraisal, Error>| {
        let readable = |appraisal| serde_json::to_value(appraisal).expect("it has a JSON form");
        appraisal.as_ref().map(readable).map_err(Clone::clone)
    };
    assert_eq!(json(one), json(other));
    let digest = |appraisal: &Result<Appraisal, Error>| appraisal.as_ref().ok().map(Appraisal::digest);
    assert_eq!(digest(one), digest(other));
}
