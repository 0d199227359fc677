//! Missing certificates, fetched by the program from the one host that it was told of.

use std::{
    collections::HashMap,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

use axum::{Router, extract, http::StatusCode, routing::get};
use chassis_attester::CertificatePool;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyIdMethod, KeyPair,
};
use tempfile::TempDir;

use crate::{cli::run, servers::serve};

type Files = Arc<Mutex<HashMap<String, Vec<u8>>>>;

/// A root, an intermediate and an attestation key's certificate, each of which says where its issuer is.
struct World {
    host: String,
    files: Files,
    leaf: Vec<u8>,
    intermediate: Vec<u8>,
    folder: TempDir,
}

async fn world() -> World {
    let files = Files::default();
    let served = Arc::clone(&files);
    let hand_out = async move |extract::Path(name): extract::Path<String>| {
        let file = served.lock().unwrap().get(&name).cloned();
        file.ok_or(StatusCode::NOT_FOUND)
    };
    let url = serve(Router::new().route("/{name}", get(hand_out))).await;
    let [root_key, key, leaf_key] = [(); 3].map(|()| KeyPair::generate().unwrap());
    let root_params = params("root", None);
    let root = root_params.self_signed(&root_key).unwrap().der().to_vec();
    let root_issuer = Issuer::new(root_params, root_key);
    let middle = params("middle", Some(&format!("{url}/root.der")));
    let intermediate = middle.signed_by(&key, &root_issuer).unwrap().der().to_vec();
    let leaf = params("key", Some(&format!("{url}/middle.der")));
    let leaf = leaf.signed_by(&leaf_key, &Issuer::new(middle, key)).unwrap();
    let documents = [("root.der", root), ("middle.der", intermediate.clone())];
    let documents = documents.map(|(name, document)| (name.to_owned(), document));
    files.lock().unwrap().extend(documents);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("leaf.der"), leaf.der()).unwrap();
    World {
        host: url["http://".len()..].to_owned(),
        files,
        leaf: leaf.der().to_vec(),
        intermediate,
        folder,
    }
}

fn params(name: &str, issuer: Option<&str>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_identifier_method = KeyIdMethod::Sha256;
    params.use_authority_key_identifier_extension = issuer.is_some();
    if let Some(address) = issuer {
        // AuthorityInfoAccessSyntax with one caIssuers.
        let oid = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
        let length = |bytes: usize| u8::try_from(bytes).unwrap();
        let uri = [&[0x86, length(address.len())], address.as_bytes()].concat();
        let access = [&[0x30, length(oid.len() + uri.len())], &oid[..], &uri].concat();
        let list = [&[0x30, length(access.len())], &access[..]].concat();
        let extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], list);
        params.custom_extensions.push(extension);
    }
    params
}

async fn fetch(world: &World, host: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chassis-node"));
    // A node's environment names its TPM: the file goes before it.
    command.env("CHASSIS_TCTI", "device:/dev/no-such-tpm");
    command.args(["fetch-issuers", "--host", host, "--certificate"]);
    command.arg(world.folder.path().join("leaf.der"));
    command.arg("--out").arg(out(world));
    run(command).await
}

fn out(world: &World) -> std::path::PathBuf {
    world.folder.path().join("issuers")
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

#[tokio::test]
async fn what_is_missing_is_fetched_up_to_the_root() {
    let world = world().await;
    let (code, _, stderr) = fetch(&world, &world.host).await;
    assert_eq!(code, 0, "{stderr}");
    let pool = CertificatePool::read(&[out(&world)]).unwrap();
    assert_eq!(
        pool.certificates(),
        std::slice::from_ref(&world.intermediate),
        "the root is left out"
    );
    assert_eq!(
        pool.chain(world.leaf.clone()),
        [world.leaf.clone(), world.intermediate]
    );
}

/// Nothing was fetched, or not all of it: that must not look like success.
#[tokio::test]
async fn a_chain_that_does_not_reach_its_root_is_an_error() {
    let world = world().await;
    let (one, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let at = |name: &str| format!("http://{}/{name}.der", world.host);
    let loops = [("middle", "other"), ("other", "middle")]
        .map(|(name, above)| (name, params(name, Some(&at(above)))));
    let [(_, middle), (_, above)] = &loops;
    let signed = [
        (
            "middle.der",
            middle.signed_by(&one, &Issuer::from_params(above, &other)),
        ),
        (
            "other.der",
            above.signed_by(&other, &Issuer::from_params(middle, &one)),
        ),
    ];
    let documents = signed.map(|(name, signed)| (name.to_owned(), signed.unwrap().der().to_vec()));
    world.files.lock().unwrap().extend(documents);
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::from_params(middle, &one);
    for (address, problem) in [(Some(at("middle")), "and no root"), (None, "does not say where")] {
        let leaf = params("key", address.as_deref())
            .signed_by(&key, &issuer)
            .unwrap();
        std::fs::write(world.folder.path().join("leaf.der"), leaf.der()).unwrap();
        let (code, _, stderr) = fetch(&world, &world.host).await;
        assert_eq!(code, 3, "{stderr}");
        assert!(stderr.contains(problem), "{stderr}");
        assert!(is_empty(&out(&world)));
    }
}

#[tokio::test]
async fn no_other_host_is_asked() {
    let world = world().await;
    for host in ["pki.example", "127.0.0.1", "localhost", ""] {
        let (code, _, stderr) = fetch(&world, host).await;
        assert_eq!(code, 3, "{host}: {stderr}");
        assert!(stderr.contains(&format!("--host {}", world.host)), "{stderr}");
        assert!(is_empty(&out(&world)));
    }
}

#[tokio::test]
async fn what_is_not_the_issuer_is_not_taken() {
    let world = world().await;
    let other = params("middle", None);
    let other = other.self_signed(&KeyPair::generate().unwrap()).unwrap();
    for (document, problem) in [
        (other.der().to_vec(), "is not the issuer"),
        (b"<html>".to_vec(), "no certificate in DER"),
        ([&world.intermediate[..], b"x"].concat(), "bytes after"),
    ] {
        let files = || world.files.lock().unwrap();
        files().insert("middle.der".into(), document);
        let (code, _, stderr) = fetch(&world, &world.host).await;
        assert_eq!(code, 3, "{stderr}");
        assert!(stderr.contains(problem), "{stderr}");
        assert!(is_empty(&out(&world)));
    }
    world.files.lock().unwrap().clear();
    let (code, _, stderr) = fetch(&world, &world.host).await;
    assert!(code == 3 && stderr.contains("404"), "{stderr}");
}
