//! PZID: the instance that Google's hosts write into a TD's `MR_OWNER`.
//!
//! ```text
//! MR_OWNER = SHA-384( {"instanceId":N,"numericalProjectId":N,"zone":"…"} )    no blanks, N in decimal
//! ```
//!
//! As `google/go-tdx-guest` (`gce/pzid.go`) computes it.
//!
//! Hazard: the *host* sets `MR_OWNER`. A basement host writes whatever it likes there, so a match says something only once
//! another source has put this CPU into Google's hands. Then it ties the TD quote to the instance that the AK certificate
//! names. Hence the identity must be the AK certificate's, never a field of a bundle.

use sha2::{Digest, Sha384};

use super::ClaimFault;
use crate::ak::InstanceIdentity;

/// What `MR_OWNER` is on `instance`.
///
/// # Errors
/// If the zone is empty or is not of `a`–`z`, `0`–`9` and `-`: nothing else can be put into the JSON without deciding how
/// to escape it.
pub fn pzid(instance: &InstanceIdentity) -> Result<[u8; 48], ClaimFault> {
    let InstanceIdentity {
        zone,
        project_number,
        instance_id,
        ..
    } = instance;
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if zone.is_empty() || !zone.bytes().all(is_plain) {
        return Err(ClaimFault::Zone(zone.clone()));
    }
    let text =
        format!(r#"{{"instanceId":{instance_id},"numericalProjectId":{project_number},"zone":"{zone}"}}"#);
    Ok(Sha384::digest(text).into())
}

/// That `owner`, the TD quote's `MR_OWNER`, is `instance`'s.
///
/// # Errors
/// If it is another, or the zone cannot be one of Google's.
pub fn check_pzid(instance: &InstanceIdentity, owner: &[u8; 48]) -> Result<(), ClaimFault> {
    let computed = pzid(instance)?;
    if computed == *owner {
        return Ok(());
    }
    Err(ClaimFault::Pzid {
        quoted: hex::encode(owner),
        computed: hex::encode(computed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The instance of `go-tdx-guest`'s own tests, its digest by `sha384sum`.
    #[test]
    fn the_digest_is_googles() {
        assert_eq!(hex::encode(pzid(&instance()).unwrap()), DIGEST);
    }

    #[test]
    fn an_instance_number_beyond_i64_is_written_in_decimal() {
        let mut instance = instance();
        instance.instance_id = u64::MAX;
        let text = br#"{"instanceId":18446744073709551615,"numericalProjectId":123456789012,"zone":"us-central1-a"}"#;
        assert_eq!(pzid(&instance).unwrap()[..], Sha384::digest(text)[..]);
    }

    #[test]
    fn another_instance_project_or_zone_does_not_match() {
        let owner = pzid(&instance()).unwrap();
        assert_eq!(check_pzid(&instance(), &owner), Ok(()));
        let changes: [fn(&mut InstanceIdentity); 3] = [
            |instance| instance.instance_id += 1,
            |instance| instance.project_number += 1,
            |instance| instance.zone = "us-central1-b".into(),
        ];
        for change in changes {
            let mut other = instance();
            change(&mut other);
            let fault = check_pzid(&other, &owner).unwrap_err();
            assert!(matches!(fault, ClaimFault::Pzid { .. }), "{fault}");
        }
        let mut zero = [0; 48];
        assert!(check_pzid(&instance(), &zero).is_err());
        zero.copy_from_slice(&owner);
        zero[47] ^= 1;
        assert!(check_pzid(&instance(), &zero).is_err());
    }

    #[test]
    fn a_zone_that_json_would_have_to_escape_is_refused() {
        for zone in [
            "",
            "us-central1-a\"",
            "us\\u002dcentral1-a",
            "US-central1-a",
            "us central1",
            "é",
            "a\0",
            "a_b",
        ] {
            let mut instance = instance();
            instance.zone = zone.into();
            assert_eq!(pzid(&instance), Err(ClaimFault::Zone(zone.into())));
        }
    }

    fn instance() -> InstanceIdentity {
        InstanceIdentity {
            zone: "us-central1-a".into(),
            project_number: 123_456_789_012,
            project_id: "project".into(),
            instance_id: 112_233_445_566_778_899,
            instance_name: "instance".into(),
            security: None,
        }
    }

    const DIGEST: &str =
        "c9f79053aed02b9c4a2012fd7af9905c62e5790a9181f23bdedab6405b2a5866c8a68db6e565956d8b4844a3241059f2";
}
