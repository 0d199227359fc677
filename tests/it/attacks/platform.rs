//! TDs that Intel, or the policy, would not stand by.

use chassis_sim::{
    Cloud, Seed,
    firmware::Image,
    intel::{CollateralSpec, OLD_SVNS, PckSpec},
    machine::MachineSpec,
};
use chassis_verifier::{Accept, Appraisal, Binding, CheckId, CustodyLevel, Endorsements};
use dcap_qvl::TcbStatus;

use crate::world::{World, failed};

const DAY: u64 = 86_400;

fn appraise_spec(world: &World, spec: MachineSpec) -> Appraisal {
    let machine = world.boot(spec);
    world.appraise(&world.attest(&machine.parts()), &machine)
}

fn with_pck(world: &World, change: impl FnOnce(&mut PckSpec)) -> MachineSpec {
    let mut pck = world.cloud.intel().pck_spec("a");
    change(&mut pck);
    MachineSpec {
        pck: Some(pck),
        ..MachineSpec::new("a")
    }
}

#[track_caller]
fn nothing_holds_for(appraisal: &Appraisal, checks: &[CheckId]) {
    assert_eq!(failed(appraisal), checks, "{:#?}", appraisal.checks);
    assert_eq!(appraisal.verdict.binding, Binding::None);
    assert_eq!(appraisal.verdict.custody, CustodyLevel::None);
    assert_eq!(appraisal.verdict.expiry, 0);
}

#[test]
fn a_debug_td() {
    let world = World::new();
    let td_attributes = ((1_u64 << 28) | 1).to_le_bytes();
    let appraisal = appraise_spec(
        &world,
        MachineSpec {
            td_attributes,
            ..MachineSpec::new("a")
        },
    );
    // No reviewed workload is a debug TD's, so none excuses the difference either.
    let checks = [
        CheckId::TdDebug,
        CheckId::CrossConfiguration,
        CheckId::CrossSystem,
        CheckId::Workload,
    ];
    nothing_holds_for(&appraisal, &checks);
}

/// Its host could move it to another machine after it has attested. `dcap-qvl` refuses it, with the quote.
#[test]
fn a_td_that_can_migrate() {
    let world = World::new();
    let td_attributes = ((1_u64 << 28) | (1 << 29)).to_le_bytes();
    let appraisal = appraise_spec(
        &world,
        MachineSpec {
            td_attributes,
            ..MachineSpec::new("a")
        },
    );
    let checks = [
        CheckId::TdQuote,
        CheckId::CrossConfiguration,
        CheckId::CrossSystem,
        CheckId::Workload,
    ];
    nothing_holds_for(&appraisal, &checks);
}

#[test]
fn an_old_tcb() {
    let world = World::new();
    let spec = with_pck(&world, |pck| pck.cpu_svn = OLD_SVNS);
    nothing_holds_for(&appraise_spec(&world, spec), &[CheckId::TdTcb]);
}

#[test]
fn an_advisory_that_the_policy_rejects() {
    let mut world = World::new();
    let advisories = ["INTEL-SA-00001", "INTEL-SA-00960"].map(Into::into).to_vec();
    world
        .cloud
        .update_collateral(|collateral| collateral.advisories = advisories);
    assert_eq!(failed(&appraise_spec(&world, MachineSpec::new("a"))), []);
    for spelling in ["INTEL-SA-00960", "intel-sa-00960"] {
        world.policy.tcb.rejected_advisories = vec![spelling.into()];
        nothing_holds_for(&appraise_spec(&world, MachineSpec::new("a")), &[CheckId::TdTcb]);
    }
}

#[test]
fn a_tcb_that_intel_lowered() {
    let world = World::new();
    world
        .cloud
        .update_collateral(|collateral| collateral.status = TcbStatus::OutOfDate);
    nothing_holds_for(&appraise_spec(&world, MachineSpec::new("a")), &[CheckId::TdTcb]);
    world
        .cloud
        .update_collateral(|collateral| collateral.status = TcbStatus::Revoked);
    nothing_holds_for(&appraise_spec(&world, MachineSpec::new("a")), &[CheckId::TdQuote]);
}

#[test]
fn a_revoked_pck() {
    let world = World::new();
    world.cloud.revoke(world.cloud.intel().pck_spec("a").ppid);
    nothing_holds_for(&appraise_spec(&world, MachineSpec::new("a")), &[CheckId::TdQuote]);
    assert_eq!(failed(&appraise_spec(&world, MachineSpec::new("b"))), []);
}

#[test]
fn collateral_out_of_date() {
    let world = World::new();
    world
        .cloud
        .update_collateral(|collateral| collateral.issued -= 60 * DAY);
    nothing_holds_for(&appraise_spec(&world, MachineSpec::new("a")), &[CheckId::TdQuote]);
}

#[test]
fn collateral_of_another_fmspc() {
    let world = World::new();
    let machine = world.boot(with_pck(&world, |pck| pck.fmspc = [9; 6]));
    let bundle = world.attest(&machine.parts());
    let elsewhere = world.cloud.endorsements(&world.cloud.intel().pck_spec("a"));
    nothing_holds_for(&world.appraise_with(&bundle, &elsewhere), &[CheckId::TdQuote]);
    assert_eq!(failed(&world.appraise(&bundle, &machine)), []);
}

/// `dcap-qvl` does not compare it.
#[test]
fn collateral_of_another_pce_id() {
    let world = World::new();
    let spec = with_pck(&world, |pck| pck.pce_id = [0, 1]);
    nothing_holds_for(&appraise_spec(&world, spec), &[CheckId::TdPceId]);
}

#[test]
fn a_quote_under_another_intel() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let other = Cloud::new(folder.path(), Seed(43)).unwrap();
    let machine = other.boot(MachineSpec::new("a")).unwrap();
    let bundle = other.bundle(&machine.parts(), &world.operator).unwrap();
    let theirs = Endorsements {
        tdx_collateral: Some(
            other
                .intel()
                .collateral(&CollateralSpec::fresh(machine.td().pck().fmspc, other.now())),
        ),
        ..world.cloud.endorsements(machine.td().pck())
    };
    nothing_holds_for(
        &world.appraise_with(&bundle, &theirs),
        &[CheckId::TdQuote, CheckId::AkChain],
    );
}

#[test]
fn an_image_nobody_reviewed_on_an_honest_machine() {
    let world = World::new();
    for image in [
        Image::other_kernel(),
        Image::other_cmdline(),
        Image::other_initrd(),
    ] {
        let appraisal = appraise_spec(&world, MachineSpec::new("a").image(image));
        let checks = [
            CheckId::CrossConfiguration,
            CheckId::CrossSystem,
            CheckId::Workload,
        ];
        assert_eq!(failed(&appraisal), checks, "{:#?}", appraisal.checks);
        assert_eq!(appraisal.verdict.binding, Binding::Quote);
    }
}

/// What it measured is all as reviewed, its own configuration volume aside. Who measured it, MRTD alone tells.
#[test]
fn another_firmware() {
    let mut world = World::new();
    let reviewed = &mut world.policy.workloads[0];
    (reviewed.rtmr0, reviewed.cfv) = (Accept::Any, Some(Accept::Any));
    assert_eq!(failed(&appraise_spec(&world, MachineSpec::new("a"))), []);
    let image = Image {
        firmware: "simulated-ovmf with a back door".into(),
        ..Image::reviewed()
    };
    let appraisal = appraise_spec(&world, MachineSpec::new("b").image(image));
    let checks = [
        CheckId::CrossConfiguration,
        CheckId::CrossSystem,
        CheckId::Workload,
    ];
    assert_eq!(failed(&appraisal), checks, "{:#?}", appraisal.checks);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
}

#[test]
fn a_host_that_the_provider_struck_off() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = world.attest(&machine.parts());
    world.cloud.unlist(machine.td().pck().ppid);
    let appraisal = world.appraise(&bundle, &machine);
    assert_eq!(failed(&appraisal), [CheckId::HostRegistry]);
    assert_eq!(appraisal.verdict.custody, CustodyLevel::None);
    assert_eq!(appraisal.verdict.binding, Binding::VirtualTpm);
}

#[test]
fn a_host_that_two_providers_claim() {
    let world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = world.attest(&machine.parts());
    let mut endorsements = world.cloud.endorsements(machine.td().pck());
    let mut claim = endorsements.host_registry[0].clone();
    claim.provider = 2;
    endorsements.host_registry.push(claim);
    let appraisal = world.appraise_with(&bundle, &endorsements);
    assert_eq!(failed(&appraisal), [CheckId::Conflict]);
    assert_eq!(appraisal.verdict.custody, CustodyLevel::None);
}

#[test]
fn a_platform_the_policy_denies() {
    let mut world = World::new();
    let machine = world.boot(MachineSpec::new("a"));
    let bundle = world.attest(&machine.parts());
    let honest = world.appraise(&bundle, &machine);
    assert_eq!(failed(&honest), []);
    let platform = honest.result.platformId;
    let lists = |change: &dyn Fn(&mut chassis_verifier::Platforms)| {
        let mut lists = chassis_verifier::Platforms::default();
        change(&mut lists);
        lists
    };
    for refusing in [
        lists(&|lists| lists.denied.push(platform)),
        lists(&|lists| lists.accepted.push(alloy::primitives::B256::ZERO)),
        lists(&|lists| lists.fmspcs.push(chassis_verifier::HexBytes([9; 6]))),
    ] {
        world.policy.platforms = refusing;
        let appraisal = world.appraise(&bundle, &machine);
        assert_eq!(failed(&appraisal), [CheckId::TdPlatform]);
        nothing_holds_for(&appraisal, &[CheckId::TdPlatform]);
    }
    world.policy.platforms = lists(&|lists| {
        lists.accepted.push(platform);
        lists
            .fmspcs
            .push(chassis_verifier::HexBytes(machine.td().pck().fmspc));
    });
    assert_eq!(failed(&world.appraise(&bundle, &machine)), []);
}

/// Intel issues new TCB levels under a new number, and the old ones stay in date for months.
#[test]
fn collateral_of_an_old_evaluation() {
    let mut world = World::new();
    let number = 19; // of the cloud's collateral
    world.policy.tcb.min_evaluation_data_number = number;
    assert_eq!(failed(&appraise_spec(&world, MachineSpec::new("a"))), []);
    world.policy.tcb.min_evaluation_data_number = number + 1;
    nothing_holds_for(
        &appraise_spec(&world, MachineSpec::new("a")),
        &[CheckId::TdEvaluation],
    );
}
