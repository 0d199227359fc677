//! Which machines stand with the provider: what whoever racked them wrote down.
//!
//! ```toml
//! [[machine]]
//! name = "hall 4, rack 12, slot 3"
//! zone = "hall 4"
//! ek_certificate_sha256 = "…"   # of the DER, without padding: a refused `chassis-node enroll` names it
//! platform_id = "0x…"           # of this machine's CPU, as `chassis platform alias` shows it for a bundle made on it
//! ```
//!
//! Hazard: nothing binds a TPM to the CPU beside it but this file. Who can write it can give any basement's CPU a data
//! center's TPM.

use std::{collections::BTreeSet, path::Path};

use alloy_primitives::B256;
use chassis_verifier::claims::ZONE_LIMIT;
use serde::Deserialize;

use crate::Error;

/// One machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Machine {
    /// For people.
    pub(super) name: String,
    /// Where it stands, for statements: at most 64 bytes, empty where the provider names no zones.
    #[serde(default)]
    pub(super) zone: String,
    /// SHA-256 of its TPM's endorsement key's certificate (DER).
    pub(super) ek_certificate_sha256: B256,
    /// Its CPU, as on chain.
    pub(super) platform_id: B256,
}

/// The machines of a file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Machines {
    #[serde(default, rename = "machine")]
    list: Vec<Machine>,
}

impl Machines {
    /// Reads `path`.
    ///
    /// # Errors
    /// If it cannot be read, names a zone too long to be stated, or lists a TPM or a CPU twice: one of the two would be a
    /// mistake.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::File {
            doing: "read the list of machines",
            path: path.to_owned(),
            source,
            hint: "",
        })?;
        let machines: Self = toml::from_str(&text)
            .map_err(|error| Error::unusable(path.display().to_string(), error.to_string().trim()))?;
        let unusable = |problem: String| Err(Error::unusable(path.display().to_string(), problem));
        let (mut tpms, mut cpus) = (BTreeSet::new(), BTreeSet::new());
        for machine in &machines.list {
            if !tpms.insert(machine.ek_certificate_sha256) || !cpus.insert(machine.platform_id) {
                return unusable(format!(
                    "`{}` has a TPM or a CPU that another machine has",
                    machine.name
                ));
            }
            if machine.zone.len() > ZONE_LIMIT {
                return unusable(format!(
                    "the zone of `{}` has {} bytes, a statement holds {ZONE_LIMIT}",
                    machine.name,
                    machine.zone.len()
                ));
            }
        }
        Ok(machines)
    }

    /// The machine with this TPM.
    pub(super) fn find(&self, ek_certificate_sha256: B256) -> Option<&Machine> {
        self.list
            .iter()
            .find(|machine| machine.ek_certificate_sha256 == ek_certificate_sha256)
    }
}

#[cfg(test)]
mod tests {
    use chassis_verifier::{challenge::AkName, claims::RegistrarClaims};

    use super::*;

    fn read(text: &str) -> Result<Machines, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Machines::read(file.path()).map_err(|error| error.to_string())
    }

    fn machine(ek: u8, platform: u8) -> String {
        let (ek, platform) = (B256::repeat_byte(ek), B256::repeat_byte(platform));
        format!("[[machine]]\nname = \"m\"\nek_certificate_sha256 = \"{ek}\"\nplatform_id = \"{platform}\"\n")
    }

    #[test]
    fn a_tpm_and_a_cpu_are_listed_once() {
        let two = read(&[machine(1, 2), machine(3, 4)].concat()).unwrap();
        assert_eq!(
            two.find(B256::repeat_byte(3)).unwrap().platform_id,
            B256::repeat_byte(4)
        );
        assert!(two.find(B256::repeat_byte(2)).is_none());
        for twice in [machine(1, 4), machine(3, 2)] {
            let error = read(&[machine(1, 2), twice].concat()).unwrap_err();
            assert!(error.contains("that another machine has"), "{error}");
        }
        assert!(read("[[machine]]\nname = \"m\"").is_err());
        assert!(read("machines = 1").is_err());
    }

    /// Found out when the file is read, and not when a statement fails after the credential was activated.
    #[test]
    fn a_zone_that_no_statement_holds_is_refused() {
        let zone = |zone: &str| machine(1, 2).replace("name", &format!("zone = \"{zone}\"\nname"));
        let longest = "é".repeat(ZONE_LIMIT / 2);
        assert_eq!(
            read(&zone(&longest))
                .unwrap()
                .find(B256::repeat_byte(1))
                .unwrap()
                .zone,
            longest
        );
        let error = read(&zone(&format!("{longest}z"))).unwrap_err();
        assert!(error.contains("65 bytes, a statement holds 64"), "{error}");
        let states = |zone: String| {
            let claims = RegistrarClaims {
                ak_name: AkName(
                    [0, 0x0b]
                        .into_iter()
                        .chain([7; 32])
                        .collect::<Vec<_>>()
                        .try_into()
                        .unwrap(),
                ),
                ek_cert_hash: B256::ZERO,
                platform_id: B256::ZERO,
                provider: 2,
                zone,
                not_after: 0,
            };
            claims.to_payload().is_ok()
        };
        assert!(states(longest.clone()) && !states(longest + "z"));
    }
}
