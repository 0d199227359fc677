use super::*;

fn layers_of(text: &str, variables: &[(&str, &str)]) -> Layers {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Layers::read(text, Path::new(""), variables).unwrap()
}

fn decode(text: &str, variables: &[(&str, &str)]) -> Result<ConfigFile, Vec<String>> {
    layers_of(text, variables).decode()
}

#[test]
fn the_template_parses_and_shows_the_defaults() {
    let file = decode(TEMPLATE, &[]).unwrap();
    assert_eq!(file.mistakes().len(), 1, "the registry is the operator's to name");
    // What has no default stands in the first; all else is left out of the second.
    let needed = ["listen", "registry", "policy", "data_dir"];
    let mut shown: toml::Table = toml::from_str(TEMPLATE).unwrap();
    let bare: toml::Table = needed
        .iter()
        .map(|key| ((*key).to_owned(), shown[*key].clone()))
        .collect();
    // Examples: no default names anybody's server.
    shown.remove("rpc_url");
    shown["endorsements"]
        .as_table_mut()
        .unwrap()
        .remove("pcs")
        .unwrap();
    let [shown, bare] = [shown, bare].map(|table| {
        let file = decode(&table.to_string(), &[]).unwrap();
        serde_json::to_value(file).unwrap()
    });
    for (section, value) in shown.as_object().unwrap() {
        assert_eq!(value, &bare[section], "{section}");
    }
}

/// As its first lines have it.
#[test]
fn no_more_is_required_than_the_template_says() {
    let required = [
        "listen = \"127.0.0.1:8645\"",
        "registry = \"0x1111111111111111111111111111111111111111\"",
        "policy = \"policy.toml\"",
        "data_dir = \"data\"",
        "rpc_url = \"http://127.0.0.1:8545\"",
        "[endorsements]\npcs = \"https://pcs.example\"",
    ];
    let mistakes = |text: &str| {
        let file = decode(text, &[])?;
        let mut mistakes = file.mistakes();
        Rpc::check(file.rpc_url.as_deref(), &file.rpc, &mut mistakes);
        Ok::<_, Vec<String>>(mistakes)
    };
    assert_eq!(mistakes(&required.join("\n")), Ok(Vec::new()));
    for left_out in required {
        let key = left_out.lines().last().unwrap();
        let text = required.join("\n").replace(key, "");
        let (Ok(told) | Err(told)) = mistakes(&text);
        assert_eq!(told.len(), 1, "{key}: {told:?}");
    }
}

#[test]
fn whatever_is_missing_or_unknown_is_named() {
    let reference: toml::Table = toml::from_str(TEMPLATE).unwrap();
    for key in reference.keys() {
        let mut text = reference.clone();
        text.remove(key);
        if let Err(mistakes) = decode(&text.to_string(), &[]) {
            assert!(mistakes[0].starts_with(key), "{key}: {mistakes:?}");
        }
    }
    let without = reference
        .clone()
        .into_iter()
        .filter(|(key, _)| key != "endorsements");
    let file = decode(&without.collect::<toml::Table>().to_string(), &[]).unwrap();
    let mistakes = file.mistakes().join("\n");
    assert!(mistakes.contains("endorsements: name either `pcs`"), "{mistakes}");

    let mistakes = decode(&format!("{TEMPLATE}\n[cosing]\n"), &[]).unwrap_err();
    assert!(mistakes[0].contains("unknown field `cosing`"), "{mistakes:?}");
}

#[test]
fn a_stage_is_shorter_than_a_request() {
    let registry = "registry = \"0x00000000000000000000000000000000000000aa\"";
    let text = TEMPLATE.replace(
        "registry = \"0x0000000000000000000000000000000000000000\"",
        registry,
    );
    let peer = "{ address = \"0x00000000000000000000000000000000000000ab\", url = \"https://peer.example\" }";
    for (peer, seconds, mistakes) in [(peer, "21", 0), (peer, "20", 1), ("", "20", 0)] {
        let limits = [("CHASSIS_LIMITS__REQUEST_TIMEOUT_S", seconds)];
        let text = text.replace("\npeers = []", &format!("\npeers = [{peer}]"));
        let found = decode(&text, &limits).unwrap().mistakes();
        assert_eq!(found.len(), mistakes, "{found:?}");
    }
}

#[tokio::test]
async fn every_mistake_is_listed_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relayer.toml");
    let text = TEMPLATE
        .replace("rpc_url = \"http", "rpc_url = \"://")
        .replace(
            "# host_registry = \"https://registry.example/{ppid}\"",
            "host_registry = \"ftp://registry.example/\"",
        )
        .replace("connections = 1024", "connections = 0");
    std::fs::write(&path, text).unwrap();
    let Err(Error::Config { mistakes, .. }) = Config::load(&path).await else {
        panic!("loaded")
    };
    for part in [
        "rpc_url",
        "registry",
        "policy",
        "{ppid}",
        "ftp://",
        "limits.connections",
    ] {
        assert!(
            mistakes.iter().any(|mistake| mistake.contains(part)),
            "{part} in {mistakes:?}"
        );
    }
}

#[test]
fn no_mistake_of_form_hides_another() {
    let text = TEMPLATE
        .replace("poll_ms = 1000", "poll_ms = \"soon\"\nmax_quue = 1")
        .replace("connections = 1024", "conections = 1024")
        .replace("parsers = 0", "parsers = -1")
        .replace("data_dir = \"data\"\n", "");
    let mistakes = decode(&text, &[("CHASSIS_MAX_BATCH", "many")]).unwrap_err();
    for (key, word) in [
        ("poll_ms", "soon"),
        ("max_quue", "unknown field"),
        ("limits.conections", "unknown field"),
        ("limits.parsers", "-1"),
        ("data_dir", "missing"),
        ("max_batch (from CHASSIS_MAX_BATCH)", "many"),
    ] {
        assert!(
            mistakes
                .iter()
                .any(|mistake| mistake.starts_with(key) && mistake.contains(word)),
            "{key} in {mistakes:#?}"
        );
    }
    assert_eq!(mistakes.len(), 6, "{mistakes:#?}");
}

#[test]
fn the_environment_is_over_the_file_and_each_value_has_its_origin() {
    let variables = [
        ("CHASSIS_LIMITS__CONNECTIONS", "64"),
        ("CHASSIS_LISTEN", "127.0.0.1:1"),
        ("CHASSIS_RELAYER_KEY", "not a key of the file"),
        ("CHASSIS_ENDORSEMENTS__PROVIDER_CRLS", "[\"https://a.example/x\"]"),
        ("CHASSIS_LIMITS__CLIENT_HEADER", "x-real-ip"),
    ];
    let text = TEMPLATE.replace("poll_ms = 1000\n", "");
    let layers = layers_of(&text, &variables);
    let file = layers.decode().unwrap();
    assert_eq!(file.limits.connections, 64);
    assert_eq!(file.limits.client_header.as_deref(), Some("x-real-ip"));
    assert_eq!(file.listen.port(), 1);
    assert_eq!(file.endorsements.provider_crls, ["https://a.example/x"]);

    let shown = InForce::of(&layers).unwrap().settings;
    let origin = |key: &str| &shown.iter().find(|setting| setting.key == key).unwrap().origin;
    assert_eq!(
        origin("limits.connections"),
        &Origin::Environment("CHASSIS_LIMITS__CONNECTIONS".into())
    );
    assert_eq!(origin("poll_ms"), &Origin::Default);
    assert_eq!(origin("max_batch"), &Origin::File);
    let text = serde_json::to_string(&shown).unwrap();
    assert!(!text.contains("not a key"), "{text}");
}

/// So a service finds its policy whatever its working directory is.
#[tokio::test]
async fn a_policy_is_looked_for_beside_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relayer.toml");
    std::fs::write(&path, TEMPLATE).unwrap();
    let looked_for = async || match Config::load(&path).await {
        Err(Error::Config { mistakes, .. }) => mistakes
            .into_iter()
            .find(|mistake| mistake.starts_with("policy ")),
        other => panic!("{other:?}"),
    };
    let policy = dir.path().join("policy.toml");
    let mistake = looked_for().await.unwrap();
    assert!(mistake.contains(&*policy.to_string_lossy()), "{mistake}");
    std::fs::write(&policy, "version = 1\nname = \"n\"\n").unwrap();
    assert_eq!(looked_for().await, None);
}

#[test]
fn a_misspelt_variable_of_a_section_is_a_mistake() {
    let mistakes = decode(TEMPLATE, &[("CHASSIS_LIMITS__CONECTIONS", "64")]).unwrap_err();
    assert!(
        mistakes[0].contains("CHASSIS_LIMITS__CONECTIONS") && mistakes[0].contains("unknown field"),
        "{mistakes:?}"
    );
}
