//! What others say about the CPU: endorsements of ownership, and witnesses.

use alloy::primitives::B256;
use chassis_sim::{
    CrlSpec, Owner, Seed, Witnesses,
    machine::{Machine, MachineSpec},
    named,
};
use chassis_verifier::{
    Alliance, Appraisal, Binding, CheckId, CustodyLevel, HexBytes, Outcome, PoeIssuer,
    bundle::{Bundle, Tee},
    challenge::{AkName, challenge, report_data},
    claims::Poe,
};

use crate::world::{World, failed};

/// A provider without a host registry, an owner and an alliance that the policy believes, and a machine nobody lists.
fn world() -> (World, Machine, Owner, Witnesses) {
    let mut world = World::new();
    let (owner, witnesses) = (Owner::new(Seed(42)), Witnesses::new(Seed(42)));
    world.policy.providers[0].host_registry = false;
    world.policy.poe_issuers.push(PoeIssuer {
        name: "owner".into(),
        provider: 1,
        roots: vec![owner.root_der().into()],
        owners: vec![owner.name().into()],
        require_crl: false,
        revoked: Vec::new(),
    });
    world.policy.alliances.push(Alliance {
        name: "alliance".into(),
        key: HexBytes(witnesses.key()),
        revoked: Vec::new(),
    });
    let machine = world.boot(MachineSpec::new("a"));
    world.cloud.unlist(machine.td().pck().ppid);
    (world, machine, owner, witnesses)
}

fn with_poe(world: &World, machine: &Machine, poe: &[u8]) -> Bundle {
    world.tamper(&world.attest(&machine.parts()), |evidence| {
        evidence.custody.poe = Some(poe.to_vec().into());
    })
}

fn with_token(world: &World, machine: &Machine, token: impl FnOnce(&[u8]) -> String) -> Bundle {
    world.tamper(&world.attest(&machine.parts()), |evidence| {
        let Tee::Tdx { quote, .. } = &evidence.tee;
        evidence.custody.alliance_token = Some(token(quote));
    })
}

#[track_caller]
fn established(appraisal: &Appraisal, by: CheckId, level: CustodyLevel) {
    assert_eq!(failed(appraisal), []);
    let check = appraisal.checks.iter().find(|check| check.id == by).unwrap();
    assert_eq!(check.outcome, Outcome::Pass);
    assert_eq!(appraisal.verdict.custody, level);
}

#[track_caller]
fn refused(appraisal: &Appraisal, by: CheckId) {
    assert_eq!(failed(appraisal), [by]);
    assert_eq!(appraisal.verdict.custody, CustodyLevel::None);
}

#[test]
fn an_owner_endorses_its_platform() {
    let (world, machine, owner, _) = world();
    let instance = machine.td().pck().platform_instance_id;
    let at = world.cloud.now();
    let appraisal = world.appraise(
        &with_poe(&world, &machine, &owner.endorse(instance, at)),
        &machine,
    );
    established(&appraisal, CheckId::Poe, CustodyLevel::Automated);
    // Nobody said anything: nothing is established.
    let bare = world.appraise(&world.attest(&machine.parts()), &machine);
    assert_eq!(failed(&bare), []);
    assert_eq!(bare.verdict.custody, CustodyLevel::None);
}

#[test]
fn an_endorsement_ends_custody_when_it_ends() {
    let (world, machine, owner, _) = world();
    let instance = machine.td().pck().platform_instance_id;
    // Made nine days ago less an hour: an hour is left.
    let made = world.cloud.now() - 9 * 86_400 + 3600;
    let appraisal = world.appraise(
        &with_poe(&world, &machine, &owner.endorse(instance, made)),
        &machine,
    );
    established(&appraisal, CheckId::Poe, CustodyLevel::Automated);
    let end = world.cloud.now() + 3600;
    assert_eq!(appraisal.verdict.custody_expiry, end & !63);
    assert!(appraisal.verdict.expiry <= end);
    let over = with_poe(&world, &machine, &owner.endorse(instance, made - 2 * 3600));
    refused(&world.appraise(&over, &machine), CheckId::Poe);
}

#[test]
fn an_endorsement_of_another_platform() {
    let (world, machine, owner, _) = world();
    let poe = owner.endorse([9; 16], world.cloud.now());
    refused(
        &world.appraise(&with_poe(&world, &machine, &poe), &machine),
        CheckId::Poe,
    );
}

#[test]
fn an_endorsement_by_an_issuer_nobody_pins() {
    let (world, machine, ..) = world();
    let stranger = Owner::new(Seed(43));
    let poe = stranger.endorse(machine.td().pck().platform_instance_id, world.cloud.now());
    refused(
        &world.appraise(&with_poe(&world, &machine, &poe), &machine),
        CheckId::Poe,
    );
}

/// A genuine one: its issuer endorses the machines of others too.
#[test]
fn an_endorsement_of_another_owners_machine() {
    let (mut world, machine, owner, _) = world();
    let poe = owner.endorse(machine.td().pck().platform_instance_id, world.cloud.now());
    let bundle = with_poe(&world, &machine, &poe);
    for others in ["neighbour.example", "Owner.example", "owner.example.", "owner"] {
        world.policy.poe_issuers[0].owners = vec![others.into()];
        refused(&world.appraise(&bundle, &machine), CheckId::Poe);
    }
    world.policy.poe_issuers[0].owners.push(owner.name().into());
    let appraisal = world.appraise(&bundle, &machine);
    established(&appraisal, CheckId::Poe, CustodyLevel::Automated);
    let check = appraisal.checks.iter().find(|check| check.id == CheckId::Poe);
    assert_eq!(check.unwrap().facts["owner"], owner.name());
}

/// Leaving the TPM out leaves out who vouches for the key, not whose CPU it is: a registry that does not list it still decides.
#[test]
fn an_endorsement_of_a_cpu_that_the_providers_registry_does_not_list() {
    let (mut world, machine, owner, _) = world();
    world.policy.providers[0].host_registry = true;
    let poe = owner.endorse(machine.td().pck().platform_instance_id, world.cloud.now());
    let challenge = challenge(&named(&world.cloud.anchor()), world.operator.address());
    let bundle = world.tamper(&world.attest(&machine.parts()), |evidence| {
        let Tee::Tdx { quote, .. } = &mut evidence.tee;
        *quote = machine
            .td_quote(report_data(challenge, AkName::NONE, B256::ZERO))
            .into();
        evidence.tpm = None;
        evidence.custody.poe = Some(poe.into());
    });
    let appraisal = world.appraise(&bundle, &machine);
    refused(&appraisal, CheckId::HostRegistry);
    assert_eq!(appraisal.verdict.binding, Binding::Quote);
    world.policy.providers[0].host_registry = false;
    let unasked = world.appraise(&bundle, &machine);
    assert_eq!(failed(&unasked), []);
    assert_eq!(unasked.verdict.custody, CustodyLevel::Automated);
}

#[test]
fn an_endorsement_that_was_taken_back() {
    let (mut world, machine, owner, _) = world();
    let poe = owner.endorse(machine.td().pck().platform_instance_id, world.cloud.now());
    let bundle = with_poe(&world, &machine, &poe);
    world.policy.poe_issuers[0]
        .revoked
        .push(Poe::parse(&poe).unwrap().id());
    refused(&world.appraise(&bundle, &machine), CheckId::Poe);
}

/// Without its issuers' lists, nobody says that none of the certificates was revoked since.
#[test]
fn an_endorsement_without_the_lists_that_are_asked_for() {
    let (mut world, machine, owner, _) = world();
    world.policy.poe_issuers[0].require_crl = true;
    let now = world.cloud.now();
    let poe = owner.endorse(machine.td().pck().platform_instance_id, now);
    let bundle = with_poe(&world, &machine, &poe);
    refused(&world.appraise(&bundle, &machine), CheckId::Poe);
    let list = owner.crl(&CrlSpec {
        number: 1,
        this_update: now - 60,
        next_update: now + 86_400,
        revoked: Vec::new(),
    });
    let mut endorsements = world.cloud.endorsements(machine.td().pck());
    endorsements.provider_crls.push(list.into());
    let appraisal = world.appraise_with(&bundle, &endorsements);
    established(&appraisal, CheckId::Poe, CustodyLevel::Automated);
}

#[test]
fn one_issuer_endorses_the_machines_of_two_providers() {
    let (mut world, machine, owner, _) = world();
    let poe = owner.endorse(machine.td().pck().platform_instance_id, world.cloud.now());
    let bundle = with_poe(&world, &machine, &poe);
    world.policy.poe_issuers.push(PoeIssuer {
        name: "neighbour".into(),
        provider: 2,
        owners: vec!["neighbour.example".into()],
        ..world.policy.poe_issuers[0].clone()
    });
    for _ in 0..2 {
        world.policy.poe_issuers.reverse();
        let appraisal = world.appraise(&bundle, &machine);
        established(&appraisal, CheckId::Poe, CustodyLevel::Automated);
        assert_eq!(appraisal.result.provider, 1);
    }
    for issuer in &mut world.policy.poe_issuers {
        issuer.owners = vec!["neighbour.example".into()];
    }
    refused(&world.appraise(&bundle, &machine), CheckId::Poe);
}

/// The certificate of its key says one provider, the owner of the CPU another.
#[test]
fn an_endorsement_for_another_provider() {
    let (mut world, machine, owner, _) = world();
    let poe = owner.endorse(machine.td().pck().platform_instance_id, world.cloud.now());
    let bundle = with_poe(&world, &machine, &poe);
    world.policy.poe_issuers[0].provider = 2;
    refused(&world.appraise(&bundle, &machine), CheckId::Conflict);
}

#[test]
fn witnesses_never_give_more_than_witnessed() {
    let (world, machine, _, witnesses) = world();
    let ppid = machine.td().pck().ppid;
    let at = world.cloud.now();
    let bundle = with_token(&world, &machine, |quote| witnesses.token(quote, ppid, at));
    established(
        &world.appraise(&bundle, &machine),
        CheckId::Alliance,
        CustodyLevel::Witnessed,
    );
}

#[test]
fn a_token_for_another_quote() {
    let (world, machine, _, witnesses) = world();
    let ppid = machine.td().pck().ppid;
    let bundle = with_token(&world, &machine, |_| witnesses.token(b"another", ppid, 1));
    refused(&world.appraise(&bundle, &machine), CheckId::Alliance);
}

/// It contradicts itself: the quote is by this machine.
#[test]
fn a_token_for_this_quote_and_another_machine() {
    let (world, machine, _, witnesses) = world();
    let bundle = with_token(&world, &machine, |quote| witnesses.token(quote, [1; 16], 1));
    refused(&world.appraise(&bundle, &machine), CheckId::Alliance);
}

#[test]
fn a_token_by_witnesses_nobody_pins() {
    let (world, machine, ..) = world();
    let strangers = Witnesses::new(Seed(43));
    let ppid = machine.td().pck().ppid;
    let bundle = with_token(&world, &machine, |quote| strangers.token(quote, ppid, 1));
    refused(&world.appraise(&bundle, &machine), CheckId::Alliance);
}

#[test]
fn a_machine_whose_tokens_were_taken_back() {
    let (mut world, machine, _, witnesses) = world();
    let ppid = machine.td().pck().ppid;
    let bundle = with_token(&world, &machine, |quote| witnesses.token(quote, ppid, 1));
    let honest = world.appraise(&bundle, &machine);
    assert_eq!(failed(&honest), []);
    world.policy.alliances[0].revoked.push(honest.result.platformId);
    refused(&world.appraise(&bundle, &machine), CheckId::Alliance);
}
