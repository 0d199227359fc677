//! Sealing on a real software TPM.

use std::{fs, path::Path};

use chassis_attester::{Error, KeySource, OperatorKey, SEALED_TO, Sealed, Tpm, create_sealed_key};
use chassis_verifier::sha256;
use ring::digest::{SHA384, digest};
use tss_esapi::{
    attributes::{ObjectAttributes, ObjectAttributesBuilder},
    constants::SessionType,
    handles::{KeyHandle, PcrHandle},
    interface_types::{
        algorithm::{HashingAlgorithm, PublicAlgorithm},
        ecc::EccCurve,
        resource_handles::Hierarchy,
        session_handles::{AuthSession, PolicySession},
    },
    structures::{
        Digest, DigestValues, EccPoint, KeyedHashScheme, MaxBuffer, PcrSelectSize, PcrSelectionList, PcrSlot,
        Private, Public, PublicBuilder, PublicEccParametersBuilder, PublicKeyedHashParameters, SensitiveData,
        SymmetricDefinition, SymmetricDefinitionObject,
    },
    traits::{Marshall, UnMarshall},
};

use crate::swtpm::Swtpm;

const BANKS: &str = "sha256,sha384";
const LOADER: [u8; 48] = [1; 48];

fn extend(tpm: &mut Tpm, pcr: u32) {
    let mut digests = DigestValues::new();
    digests.set(HashingAlgorithm::Sha384, Digest::try_from(&LOADER[..]).unwrap());
    let pcr = PcrHandle::try_from(pcr).unwrap();
    tpm.context().pcr_extend(pcr, digests).unwrap();
}

#[test]
fn a_secret_comes_out_until_one_of_its_pcrs_changes() {
    let swtpm = Swtpm::start(BANKS);
    let mut secrets = Vec::new();
    for changed in SEALED_TO {
        let sealed = swtpm.open().seal().unwrap();
        let secret = swtpm.open().unseal(&sealed).unwrap().unwrap();
        assert!(
            secret.len() == 32 && !secrets.contains(&secret),
            "each is another"
        );
        extend(&mut swtpm.open(), 10);
        let again = swtpm.open().unseal(&sealed).unwrap().unwrap();
        assert_eq!(secret, again, "IMA does not matter");
        extend(&mut swtpm.open(), changed.into());
        assert!(swtpm.open().unseal(&sealed).unwrap().is_none(), "PCR {changed}");
        secrets.push(secret);
    }
}

#[test]
fn another_tpm_does_not_open_it() {
    let sealed = Swtpm::start(BANKS).open().seal().unwrap();
    assert!(Swtpm::start(BANKS).open().unseal(&sealed).unwrap().is_none());
}

#[test]
fn a_bank_that_is_not_there_is_no_policy() {
    let swtpm = Swtpm::start("sha256");
    let sealed = Swtpm::start(BANKS).open().seal().unwrap();
    for error in [
        swtpm.open().seal().unwrap_err(),
        swtpm.open().unseal(&sealed).unwrap_err(),
    ] {
        assert!(error.to_string().contains("no Sha384 bank"), "{error}");
    }
}

/// A TPM without a resource manager has room for three objects and a few sessions.
#[test]
fn nothing_is_left_loaded() {
    let swtpm = Swtpm::start(BANKS);
    for _ in 0..5 {
        let sealed = swtpm.open().seal().unwrap();
        assert!(swtpm.open().unseal(&sealed).unwrap().is_some());
    }
}

/// The machine's owner boots another system first, and leaves a key file for the reviewed image: with a secret that he
/// brought, for the PCRs which that image will have.
#[tokio::test]
async fn a_key_that_somebody_planted_under_the_reviewed_boots_policy_is_refused() {
    let swtpm = Swtpm::start(BANKS);
    let data = plant(&swtpm, plain(), KeyedHashScheme::Null, Some(&KNOWN)).unwrap();
    let hmac = plant(&swtpm, signs(), KeyedHashScheme::HMAC_SHA_256, Some(&KNOWN)).unwrap();
    let by_password = signs_of_its_own().with_user_with_auth(true).build().unwrap();
    let open_to_all = plant(&swtpm, by_password, KeyedHashScheme::HMAC_SHA_256, None).unwrap();
    extend(&mut swtpm.open(), REVIEWED);

    assert_eq!(
        unsealed(&swtpm, &data).value(),
        KNOWN,
        "its policy holds in this boot"
    );
    let folder = tempfile::tempdir().unwrap();
    for planted in [data, hmac, open_to_all] {
        let path = folder.path().join("operator.sealed");
        let file =
            serde_json::json!({"version": 3, "address": alloy_primitives::Address::ZERO, "sealed": planted});
        fs::write(&path, file.to_string()).unwrap();
        let error = open(&swtpm, &path).await.unwrap_err();
        assert!(matches!(error, Error::Key(_)), "{error}");
        assert!(
            error.to_string().contains("whoever wrote it may know it"),
            "{error}"
        );
    }
}

/// What the check above rests on: a TPM calls nothing its own that somebody brought, and what it draws before the reviewed
/// boot, for that boot, it gives to that boot alone.
#[test]
fn a_key_that_the_tpm_drew_for_another_boot_is_known_to_that_boot_alone() {
    let swtpm = Swtpm::start(BANKS);
    let drawn = signs_of_its_own().build().unwrap();
    let brought = plant(&swtpm, drawn, KeyedHashScheme::HMAC_SHA_256, Some(&KNOWN));
    brought.unwrap_err();
    let planted = plant(&swtpm, drawn, KeyedHashScheme::HMAC_SHA_256, None).unwrap();
    assert!(swtpm.open().unseal(&planted).unwrap().is_none());
    // Nor without the policy: its password is empty, and opens nothing.
    let mut tpm = swtpm.open();
    let object = load(&mut tpm, &planted);
    let text = MaxBuffer::try_from(&b"text"[..]).unwrap();
    tpm.context()
        .hmac(object.into(), text, HashingAlgorithm::Sha256)
        .unwrap_err();
    drop(tpm);

    extend(&mut swtpm.open(), REVIEWED);
    assert!(swtpm.open().unseal(&planted).unwrap().is_some());
}

#[tokio::test]
async fn a_file_of_an_older_version_says_what_to_do() {
    let swtpm = Swtpm::start(BANKS);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("operator.sealed");
    let made = create_sealed_key(&path, &swtpm.tcti()).unwrap();
    assert_eq!(open(&swtpm, &path).await.unwrap().address(), made);

    for version in [1, 2] {
        let older = format!(
            r#"{{"version": {version}, "address": "0x0000000000000000000000000000000000000000",
            "sealed": {{"pcrs": [4], "public": "", "private": ""}}}}"#
        );
        fs::write(&path, older).unwrap();
        let error = open(&swtpm, &path).await.unwrap_err().to_string();
        let is_told =
            error.contains(&format!("is of version {version}")) && error.contains("key new --sealed");
        assert!(is_told, "{error}");
    }
}

#[test]
fn a_key_that_cannot_be_written_leaves_nothing_and_says_why() {
    let swtpm = Swtpm::start(BANKS);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("operator.sealed");
    let error = |path: &Path| create_sealed_key(path, &swtpm.tcti()).unwrap_err().to_string();

    let missing = error(&folder.path().join("none/operator.sealed"));
    assert!(!missing.contains("never overwritten"), "{missing}");
    create_sealed_key(&path, "swtpm:host=127.0.0.1,port=9").unwrap_err();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    create_sealed_key(&path, &swtpm.tcti()).unwrap();
    let made = fs::read(&path).unwrap();
    let there = error(&path);
    assert!(there.contains("never overwritten"), "{there}");
    assert_eq!(fs::read(&path).unwrap(), made);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

const KNOWN: [u8; 32] = [0x5a; 32];
/// The other system has not extended this PCR; the reviewed image does.
const REVIEWED: u32 = 4;

async fn open(swtpm: &Swtpm, path: &Path) -> Result<OperatorKey, Error> {
    OperatorKey::open(&KeySource::Sealed(path.to_owned(), swtpm.tcti())).await
}

/// As a sealed secret that was brought.
fn plain() -> ObjectAttributes {
    ObjectAttributesBuilder::new()
        .with_fixed_tpm(true)
        .with_fixed_parent(true)
        .with_no_da(true)
        .build()
        .unwrap()
}

fn signs() -> ObjectAttributes {
    signs_of_its_own()
        .with_sensitive_data_origin(false)
        .build()
        .unwrap()
}

/// As the program makes its own.
fn signs_of_its_own() -> ObjectAttributesBuilder {
    ObjectAttributesBuilder::new()
        .with_fixed_tpm(true)
        .with_fixed_parent(true)
        .with_sensitive_data_origin(true)
        .with_admin_with_policy(true)
        .with_no_da(true)
        .with_sign_encrypt(true)
}

/// An object under the storage primary key, whose policy is that of the reviewed boot.
fn plant(
    swtpm: &Swtpm,
    attributes: ObjectAttributes,
    scheme: KeyedHashScheme,
    secret: Option<&[u8]>,
) -> tss_esapi::Result<Sealed> {
    let mut tpm = swtpm.open();
    let policy = policy(&mut tpm, SessionType::Trial, reviewed());
    let context = tpm.context();
    let policy = context
        .execute_without_session(|context| context.policy_get_digest(policy))
        .unwrap();
    let public = PublicBuilder::new()
        .with_public_algorithm(PublicAlgorithm::KeyedHash)
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(attributes)
        .with_auth_policy(policy)
        .with_keyed_hash_parameters(PublicKeyedHashParameters::new(scheme))
        .with_keyed_hash_unique_identifier(Digest::default())
        .build()
        .unwrap();
    let secret = secret.map(|secret| SensitiveData::try_from(secret).unwrap());
    let parent = storage_primary(&mut tpm);
    let created = tpm.context().create(parent, public, None, secret, None, None)?;
    Ok(Sealed {
        public: created.out_public.marshall().unwrap().into(),
        private: created.out_private.value().to_vec().into(),
    })
}

/// What the PCRs of the reviewed boot come to: known from any of its quotes.
fn reviewed() -> Digest {
    let zero = [0; 48];
    let values = SEALED_TO.map(|pcr| {
        if u32::from(pcr) == REVIEWED {
            digest(&SHA384, &[zero, LOADER].concat()).as_ref().to_vec()
        } else {
            zero.to_vec()
        }
    });
    Digest::try_from(&sha256(&values.concat())[..]).unwrap()
}

fn policy(tpm: &mut Tpm, kind: SessionType, pcrs: Digest) -> PolicySession {
    let slots = SEALED_TO.map(|pcr| PcrSlot::try_from(1u32 << pcr).unwrap());
    let selection = PcrSelectionList::builder()
        .with_size_of_select(PcrSelectSize::ThreeOctets)
        .with_selection(HashingAlgorithm::Sha384, &slots)
        .build()
        .unwrap();
    let symmetric = SymmetricDefinition::AES_128_CFB;
    tpm.context().execute_without_session(|context| {
        let session = context
            .start_auth_session(None, None, None, kind, symmetric, HashingAlgorithm::Sha256)
            .unwrap();
        let session = PolicySession::try_from(session.unwrap()).unwrap();
        context.policy_pcr(session, pcrs, selection).unwrap();
        session
    })
}

fn unsealed(swtpm: &Swtpm, planted: &Sealed) -> SensitiveData {
    let mut tpm = swtpm.open();
    let object = load(&mut tpm, planted);
    let session = policy(&mut tpm, SessionType::Policy, Digest::default());
    tpm.context()
        .execute_with_session(Some(AuthSession::from(session)), |context| {
            context.unseal(object.into())
        })
        .unwrap()
}

fn load(tpm: &mut Tpm, planted: &Sealed) -> KeyHandle {
    let parent = storage_primary(tpm);
    let private = Private::try_from(planted.private.to_vec()).unwrap();
    let public = Public::unmarshall(&planted.public).unwrap();
    tpm.context().load(parent, private, public).unwrap()
}

/// TCG TPM v2.0 Provisioning Guidance, §7.5.1: anybody makes it again.
fn storage_primary(tpm: &mut Tpm) -> KeyHandle {
    let attributes = ObjectAttributesBuilder::new()
        .with_fixed_tpm(true)
        .with_fixed_parent(true)
        .with_sensitive_data_origin(true)
        .with_user_with_auth(true)
        .with_no_da(true)
        .with_restricted(true)
        .with_decrypt(true)
        .build()
        .unwrap();
    let parameters = PublicEccParametersBuilder::new_restricted_decryption_key(
        SymmetricDefinitionObject::AES_128_CFB,
        EccCurve::NistP256,
    );
    let template = PublicBuilder::new()
        .with_public_algorithm(PublicAlgorithm::Ecc)
        .with_name_hashing_algorithm(HashingAlgorithm::Sha256)
        .with_object_attributes(attributes)
        .with_ecc_parameters(parameters.build().unwrap())
        .with_ecc_unique_identifier(EccPoint::default())
        .build()
        .unwrap();
    let created = tpm
        .context()
        .create_primary(Hierarchy::Owner, template, None, None, None, None);
    created.unwrap().key_handle
}
