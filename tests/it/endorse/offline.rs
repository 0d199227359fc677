//! Recorded answers stand in for the network.

use chassis_relayer::endorse::Sources;

use super::World;

#[tokio::test(flavor = "multi_thread")]
async fn recorded_answers_are_played_back_without_a_network() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let recording = Sources {
        record_dir: Some(folder.path().join("answers")),
        ..world.sources()
    };
    let set = world.fetch(&world.endorser(recording)).await.unwrap();
    assert_eq!(
        std::fs::read_dir(folder.path().join("answers")).unwrap().count(),
        7
    );
    world.pcs.asked();

    let playing = Sources {
        replay_dir: Some(folder.path().join("answers")),
        ..world.sources()
    };
    let again = world.fetch(&world.endorser(playing.clone())).await.unwrap();
    assert_eq!(again.digest().unwrap(), set.digest().unwrap());
    assert!(world.holds(&again));
    assert_eq!(world.pcs.asked(), [""; 0]);

    // What is not recorded, or recorded as the answer to something else, is an error.
    for file in std::fs::read_dir(folder.path().join("answers")).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("http://127.0.0.1", "http://127.0.0.2")).unwrap();
        let error = world.fetch(&world.endorser(playing.clone())).await.unwrap_err();
        assert!(error.to_string().contains("is the answer of"), "{error}");
        std::fs::remove_file(&path).unwrap();
        let error = world.fetch(&world.endorser(playing.clone())).await.unwrap_err();
        assert!(error.to_string().contains("not recorded"), "{error}");
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(world.pcs.asked(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn collateral_in_one_piece_is_checked_as_if_it_came_in_parts() {
    let world = World::new().await;
    let url = world.pcs.url();
    let whole = Sources {
        pcs: None,
        collateral: Some(format!("{url}/collateral/{{fmspc}}")),
        ..world.sources()
    };
    let set = world.fetch(&world.endorser(whole.clone())).await.unwrap();
    let parts = world.fetch(&world.endorser(world.sources())).await.unwrap();
    assert_eq!(set.digest().unwrap(), parts.digest().unwrap());

    world.pcs.break_path(
        "/collateral/",
        chassis_sim::pcs::Fault::As("/collateral/00906ed50000".into()),
    );
    let error = world.fetch(&world.endorser(whole)).await.unwrap_err();
    assert!(error.to_string().contains("FMSPC"), "{error}");
}
