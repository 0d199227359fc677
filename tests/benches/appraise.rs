//! How long an appraisal takes, beside `dcap-qvl`'s verification of the same quote with the same collateral in the same
//! run. Needs `swtpm`: the bundle is one of the simulated cloud.
//!
//! `cargo bench -p chassis-tests --bench appraise`

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use chassis_sim::{
    Cloud, Seed,
    fleet::{Fleet, operator},
    machine::MachineSpec,
};
use chassis_verifier::{
    Appraisal, Appraiser, Binding, Endorsements, Policy, appraise, appraise_many,
    bundle::{Bundle, DEFAULT_LIMIT, Tee},
};
use dcap_qvl::verify::QuoteVerifier;

/// Measurements of each kind, taken in turn, so that whatever else the machine does falls on all alike.
const ROUNDS: usize = 400;

/// The fleet: machines, and operators that each of them attests for.
const MACHINES: usize = 50;
const OPERATORS: usize = 20;
const FLEET_ROUNDS: usize = 5;

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let cloud = Cloud::new(&folder.path().join("cloud"), Seed(1))?;
    let machine = cloud.boot(MachineSpec::new("bench"))?;
    let setting = Setting {
        policy: cloud.policy(),
        endorsements: cloud.endorsements(machine.td().pck()),
        as_of: cloud.now() + 60,
    };
    one(&cloud.bundle(&machine.parts(), &operator(0))?, &setting)?;
    let fleet = Fleet::new(&cloud, &machine, MACHINES)?;
    let bundles: Vec<_> = (0..OPERATORS)
        .flat_map(|operator| (0..MACHINES).map(move |machine| (machine, operator)))
        .map(|(machine, operator)| fleet.bundle(machine, operator))
        .collect::<Result<_, _>>()?;
    let setting = Setting {
        endorsements: fleet.endorsements(),
        ..setting
    };
    many(&bundles, &setting)
}

struct Setting {
    policy: Policy,
    endorsements: Endorsements,
    as_of: u64,
}

impl Setting {
    fn appraise(&self, bundle: &Bundle) -> anyhow::Result<()> {
        let appraisal = appraise(bundle, &self.endorsements, &self.policy, self.as_of)?;
        expect_bound(&appraisal)?;
        black_box(appraisal);
        Ok(())
    }
}

/// One bundle.
fn one(bundle: &Bundle, setting: &Setting) -> anyhow::Result<()> {
    let document = bundle.to_json()?;
    let Tee::Tdx { quote, ccel, .. } = &bundle.evidence.tee;
    let tpm = bundle.evidence.tpm.as_ref();
    println!(
        "bundle {} bytes: quote {}, TPM log {}, CCEL {}",
        document.len(),
        quote.len(),
        tpm.and_then(|tpm| tpm.event_log.as_ref())
            .map_or(0, |log| log.len()),
        ccel.as_ref().map_or(0, |log| log.len()),
    );
    let collateral = setting
        .endorsements
        .tdx_collateral
        .as_ref()
        .expect("the cloud's own");
    let root = setting
        .policy
        .danger_intel_root
        .as_ref()
        .expect("the cloud's own");
    let intel = QuoteVerifier::new(root.to_vec());
    // The digests of endorsements and policy are made here, and in each `appraise` below. Nothing else is.
    let appraiser = Appraiser::new(&setting.endorsements, &setting.policy)?;
    let [alone, ready, whole, parsed] = medians(
        ROUNDS,
        [
            &mut || {
                black_box(intel.verify(quote, collateral, setting.as_of)?);
                Ok(())
            },
            &mut || expect_bound(black_box(&appraiser.appraise(bundle, setting.as_of)?)),
            &mut || setting.appraise(bundle),
            &mut || setting.appraise(&Bundle::parse(&document, DEFAULT_LIMIT)?),
        ],
    )?;
    print("dcap-qvl alone", alone, alone);
    print("Appraiser::appraise", ready, alone);
    print("appraise", whole, alone);
    print("Bundle::parse and appraise", parsed, alone);
    Ok(())
}

/// A fleet's bundles, one by one and all together.
fn many(bundles: &[Bundle], setting: &Setting) -> anyhow::Result<()> {
    println!("{} bundles of {MACHINES} machines", bundles.len());
    let [each, all] = medians(
        FLEET_ROUNDS,
        [
            &mut || bundles.iter().try_for_each(|bundle| setting.appraise(bundle)),
            &mut || {
                let appraisals =
                    appraise_many(bundles, &setting.endorsements, &setting.policy, setting.as_of);
                for appraisal in &appraisals {
                    expect_bound(appraisal.as_ref().map_err(Clone::clone)?)?;
                }
                black_box(appraisals);
                Ok(())
            },
        ],
    )?
    .map(|time| time / u32::try_from(bundles.len()).unwrap_or(u32::MAX));
    print("appraise, per bundle", each, each);
    print("appraise_many, per bundle", all, each);
    Ok(())
}

fn expect_bound(appraisal: &Appraisal) -> anyhow::Result<()> {
    anyhow::ensure!(
        appraisal.verdict.binding == Binding::VirtualTpm,
        "{:?}",
        appraisal.checks
    );
    Ok(())
}

type Task<'a> = &'a mut dyn FnMut() -> anyhow::Result<()>;

/// The median time of each task.
fn medians<const N: usize>(rounds: usize, mut tasks: [Task<'_>; N]) -> anyhow::Result<[Duration; N]> {
    let mut times: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..rounds {
        for (task, times) in tasks.iter_mut().zip(&mut times) {
            let start = Instant::now();
            task()?;
            times.push(start.elapsed());
        }
    }
    Ok(times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    }))
}

fn print(what: &str, time: Duration, unit: Duration) {
    println!(
        "{what:28} {:9.1} µs {:6.2}×",
        time.as_secs_f64() * 1e6,
        time.as_secs_f64() / unit.as_secs_f64()
    );
}
