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
async fn what_has_gone_bad_or_is_gone_is_put_back() {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path()).unwrap();
    let digest = keep(&archive).await;
    let file = file(dir.path(), digest);
    for spoil in [
        |file: &Path| fs::write(file, b"{ }").unwrap(),
        |file: &Path| fs::remove_file(file).unwrap(),
    ] {
        spoil(&file);
        archive.heal(Kind::Policy, digest, b"{}".to_vec()).await.unwrap();
        assert_eq!(archive.get(Kind::Policy, digest).await.unwrap().unwrap(), b"{}");
    }
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

#[tokio::test]
async fn a_set_is_made_and_stored_once_and_only_then_taken_for_stored() {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path()).unwrap();
    let (set, digest) = (b"{}".to_vec(), sha256(b"{}"));
    let folder = dir.path().join(Kind::Endorsements.folder());
    fs::remove_dir(&folder).unwrap();
    fs::write(&folder, "in the way").unwrap();
    archive.put_set(digest, || Ok(set.clone())).await.unwrap_err();
    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    archive.put_set(digest, || Ok(set.clone())).await.unwrap();
    assert_eq!(
        archive.get(Kind::Endorsements, digest).await.unwrap().unwrap(),
        set
    );
    archive
        .put_set(digest, || unreachable!("it is there"))
        .await
        .unwrap();
}

/// A power cut forgets nothing that was acknowledged. Nothing else shows it without one.
#[test]
fn a_folder_waits_for_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(dir.path()).unwrap();
    let objects = format!("{:?}", archive.objects);
    assert!(objects.contains("fsync: true"), "{objects}");
}
