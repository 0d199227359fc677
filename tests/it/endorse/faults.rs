//! A source that goes wrong endorses nothing, and takes nothing away that is still good.

use std::time::Duration;

use chassis_sim::{intel::CollateralSpec, pcs::Fault};

use super::World;

const TCB: &str = "/tdx/certification/v4/tcb";

#[tokio::test(flavor = "multi_thread")]
async fn what_intel_and_the_provider_answer_is_what_a_bundle_is_appraised_with() {
    let world = World::new().await;
    let set = world.fetch(&world.endorser(world.sources())).await.unwrap();
    assert!(world.holds(&set));
    assert_eq!(set.host_registry.len(), 1);
    let mut asked = world.pcs.asked();
    asked.sort();
    let paths: Vec<_> = asked
        .iter()
        .map(|target| target.split(['?', '&']).next().unwrap())
        .collect();
    let ppid = hex::encode(world.cloud.intel().pck_spec("a").ppid);
    let registry = format!("/host-registry/{ppid}");
    assert_eq!(
        paths,
        [
            "/crls/0",
            "/crls/1",
            registry.as_str(),
            "/sgx/certification/v4/pckcrl",
            "/sgx/certification/v4/rootcacrl",
            "/tdx/certification/v4/qe/identity",
            TCB,
        ]
    );
    assert!(asked.contains(&"/sgx/certification/v4/pckcrl?ca=platform&encoding=der".into()));
    assert!(asked.contains(&"/tdx/certification/v4/tcb?fmspc=00806F050000&update=standard".into()));
}

/// What goes wrong, where, and a word of the error.
fn faults() -> Vec<(&'static str, Fault, &'static str)> {
    let giant = Fault::Says(vec![b' '; (1 << 20) + 1]);
    vec![
        (TCB, Fault::Status(404), "404"),
        (TCB, Fault::Status(500), "500"),
        (TCB, Fault::Status(429), "429"),
        (TCB, Fault::Says(b"<html>".to_vec()), "JSON"),
        (TCB, giant.clone(), "more than 1048576 bytes"),
        (TCB, Fault::Forged, "signature"),
        (TCB, Fault::Slow(Duration::from_secs(5)), "timed out"),
        (
            TCB,
            Fault::As(format!("{TCB}?fmspc=00906ED50000")),
            "FMSPC 00906ED50000",
        ),
        (TCB, Fault::As("/tdx/certification/v4/qe/identity".into()), "JSON"),
        ("qe/identity", Fault::Forged, "signature"),
        ("pckcrl", Fault::Forged, "signature"),
        ("pckcrl", Fault::Says(vec![0x30, 0x82]), "header"),
        ("rootcacrl", Fault::Forged, "signature"),
        ("rootcacrl", Fault::Says(b"zz".to_vec()), "neither DER nor hex"),
        // A CRL of Intel's, but of another issuer.
        (
            "rootcacrl",
            Fault::As("/sgx/certification/v4/pckcrl?encoding=der".into()),
            "signature",
        ),
        ("host-registry", Fault::Status(503), "503"),
        ("host-registry", Fault::Says(b"{}".to_vec()), "missing field"),
        ("crls/1", Fault::Status(404), "404"),
        ("crls/1", Fault::Says(b"no".to_vec()), "CRL"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_an_error_that_names_it_and_goes_by() {
    let world = World::new().await;
    for (path, fault, word) in faults() {
        world.pcs.break_path(path, fault.clone());
        let endorser = world.endorser(world.sources());
        let error = world.fetch(&endorser).await.unwrap_err();
        assert!(error.is_transient(), "{path}, {fault:?}: {error}");
        assert!(error.to_string().contains(word), "{path}: {error}");
        let warnings = endorser.warnings();
        assert_eq!(warnings.len(), 1, "{path}: {warnings:?}");
        world.pcs.mend();
        // The pause after a first failure is a second at most.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        assert!(
            world.holds(&world.fetch(&endorser).await.unwrap()),
            "{path}, {fault:?}"
        );
        assert_eq!(endorser.warnings(), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_takes_away_nothing_that_is_still_good() {
    let world = World::new().await;
    let endorser = world.endorser(world.sources());
    let good = world.fetch(&endorser).await.unwrap();
    for (path, fault, _) in faults() {
        world.pcs.break_path(path, fault.clone());
        let set = world.fetch(&endorser).await.unwrap();
        assert_eq!(set.digest().unwrap(), good.digest().unwrap(), "{path}, {fault:?}");
        assert_eq!(endorser.warnings().len(), 1, "{path}, {fault:?}");
        world.pcs.mend();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        world.fetch(&endorser).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let world = World::new().await;
    let other = World::new().await;
    for path in [TCB, "host-registry", "crls/0"] {
        world
            .pcs
            .break_path(path, Fault::Redirect(format!("{}{TCB}", other.pcs.url())));
        let error = world.fetch(&world.endorser(world.sources())).await.unwrap_err();
        assert!(
            error.to_string().contains("redirects are not followed"),
            "{error}"
        );
        world.pcs.mend();
    }
    assert_eq!(other.pcs.asked(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_collateral_is_refused_and_older_collateral_too() {
    let world = World::new().await;
    let now = world.cloud.now();
    let change = |change: fn(&mut CollateralSpec, u64)| {
        world
            .cloud
            .update_collateral(|collateral| change(collateral, now));
    };
    change(|collateral, now| collateral.lifetime = now - 1 - collateral.issued);
    let error = world.fetch(&world.endorser(world.sources())).await.unwrap_err();
    assert!(error.to_string().contains("expired"), "{error}");

    change(|collateral, _| collateral.lifetime = 30 * 86_400);
    let endorser = world.endorser(world.sources());
    change(|collateral, _| collateral.evaluation_number += 1);
    let newer = world.fetch(&endorser).await.unwrap();
    change(|collateral, _| collateral.evaluation_number -= 1);
    let kept = world.fetch(&endorser).await.unwrap();
    assert_eq!(kept.digest().unwrap(), newer.digest().unwrap());
    assert!(
        endorser.warnings()[0].contains("older"),
        "{:?}",
        endorser.warnings()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_answer_is_used_to_its_end_and_not_beyond() {
    let world = World::new().await;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    world
        .cloud
        .update_collateral(|collateral| collateral.lifetime = now + 4 - collateral.issued);
    let endorser = world.endorser(world.sources());
    world.fetch(&endorser).await.unwrap();
    world.pcs.break_path("certification", Fault::Status(500));
    world.fetch(&endorser).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    world.fetch(&endorser).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_bundles_at_once_make_one_request_each_source() {
    let world = World::new().await;
    world
        .pcs
        .break_path("certification", Fault::Slow(Duration::from_millis(300)));
    let endorser = world.endorser(chassis_relayer::endorse::Sources {
        refresh_s: 3600,
        ..world.sources()
    });
    let fetches = (0..50).map(|_| world.fetch(&endorser));
    for fetched in futures::future::join_all(fetches).await {
        fetched.unwrap();
    }
    assert_eq!(world.pcs.asked().len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_is_left_alone_for_a_while() {
    let world = World::new().await;
    world.pcs.break_path(TCB, Fault::Status(500));
    let endorser = world.endorser(world.sources());
    for _ in 0..20 {
        world.fetch(&endorser).await.unwrap_err();
    }
    let asked = world.pcs.asked();
    assert_eq!(asked.iter().filter(|target| target.starts_with(TCB)).count(), 1);
}
