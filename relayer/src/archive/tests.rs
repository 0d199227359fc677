use std::{fs, path::Path};

use chassis_verifier::sha256;
use futures::TryStreamExt as _;

use super::*;

async fn keep(archive: &Archive) -> B256 {
    let digest = sha256(b"{}");
    archive.put(Kind::Policy, digest, b"{}").await.unwrap();
    digest
}

fn file(root: &Path, digest: B256) -> std::path::PathBuf {
    root.join(Kind::Policy.path(digest).as_ref())
}

#[tokio::test]
async fn a_document_comes_back_and_a_changed_one_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path()).unwrap();
    let digest = sha256(b"{}");
    assert!(archive.get(Kind::Policy, digest).await.unwrap().is_none());
    keep(&archive).await;
    keep(&archive).await;
    assert_eq!(archive.get(Kind::Policy, digest).await.unwrap().unwrap(), b"{}");

    fs::write(file(dir.path(), digest), b"{ }").unwrap();
    let Err(Error::ArchiveCorrupt { path }) = archive.get(Kind::Policy, digest).await else {
        panic!("taken for whole")
    };
    assert_eq!(path, file(dir.path(), digest));
    keep(&archive).await;
    assert!(
        archive.get(Kind::Policy, digest).await.unwrap().is_some(),
        "stored again, it is whole"
    );
}

#[tokio::test]
async fn a_folder_that_is_gone_is_an_error_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("archive");
    let archive = Archive::open(&root).unwrap();
    fs::remove_dir_all(&root).unwrap();
    fs::write(&root, b"not a folder").unwrap();
    let error = archive.put(Kind::Policy, sha256(b"{}"), b"{}").await.unwrap_err();
    assert!(matches!(error, Error::Archive { .. }), "{error:?}");
    assert!(error.is_transient(), "it may come back");
}

#[tokio::test]
async fn what_is_listed_has_a_digest_unless_its_name_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path()).unwrap();
    let digest = keep(&archive).await;
    fs::write(dir.path().join("policies/notes.txt"), b"").unwrap();
    let mut found: Vec<_> = archive.entries(Kind::Policy).try_collect().await.unwrap();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let digests: Vec<_> = found.iter().map(|entry| entry.digest).collect();
    assert_eq!(digests, [Some(digest), None], "{found:?}");
    let others: Vec<_> = archive.entries(Kind::Bundle).try_collect().await.unwrap();
    assert!(others.is_empty());
}

#[test]
fn places_are_folders_and_buckets() {
    let parse = |url| ArchivePlace::parse(url, None);
    assert_eq!(parse("a/b"), Ok(ArchivePlace::Folder("a/b".into())));
    assert_eq!(parse("s3://bucket/a/b/").unwrap().to_string(), "s3://bucket/a/b");
    assert_eq!(parse("s3://bucket").unwrap().to_string(), "s3://bucket");
    for bad in ["s3://", "s3://key:secret@bucket", "gs://bucket"] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    assert!(ArchivePlace::parse("s3://bucket", Some("minio:9000")).is_err());
}

/// Against a real service: `pip install 'moto[s3,server]'`, `moto_server -p 5000`, make the bucket `evidence`
/// (`curl -X PUT localhost:5000/evidence`), then with `CHASSIS_S3=http://localhost:5000` and any `AWS_ACCESS_KEY_ID` and
/// `AWS_SECRET_ACCESS_KEY`: `cargo nextest run -p chassis-relayer --run-ignored all a_bucket`.
#[tokio::test]
#[ignore = "needs an S3-compatible service"]
async fn a_bucket_is_an_archive() {
    let endpoint = std::env::var("CHASSIS_S3").expect("CHASSIS_S3 says where the service is");
    let place = |endpoint: &str| ArchivePlace::parse("s3://evidence/a/b", Some(endpoint)).unwrap();
    let archive = Archive::at(&place(&endpoint)).unwrap();
    let digest = keep(&archive).await;
    keep(&archive).await;
    assert_eq!(archive.get(Kind::Policy, digest).await.unwrap().unwrap(), b"{}");
    assert!(
        archive
            .get(Kind::Policy, sha256(b"other"))
            .await
            .unwrap()
            .is_none()
    );
    let found: Vec<_> = archive.entries(Kind::Policy).try_collect().await.unwrap();
    assert_eq!(found[0].digest, Some(digest));

    let other = Kind::Policy.path(digest);
    archive.objects.put(&other, b"{ }".to_vec().into()).await.unwrap();
    let changed = archive.get(Kind::Policy, digest).await;
    assert!(
        matches!(changed, Err(Error::ArchiveCorrupt { .. })),
        "{changed:?}"
    );

    let nobody = Archive::at(&place("http://127.0.0.1:9")).unwrap();
    let error = nobody.put(Kind::Policy, digest, b"{}").await.unwrap_err();
    assert!(matches!(error, Error::Archive { .. }), "{error:?}");
}
