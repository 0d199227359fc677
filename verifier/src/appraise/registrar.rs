//! A registrar's statement about a host's key, and who of the policy's registrars made it.

use super::tpm::Tpm;
use crate::{
    Policy, Profile, Provider,
    claims::{PinnedKey, RegistrarClaims},
};

/// A statement, and whether to believe it.
pub(super) struct Registrar<'p> {
    /// What is stated. Believe it only with a [`provider`](Self::provider).
    pub(super) claims: RegistrarClaims,
    signed: Result<Signed<'p>, String>,
}

struct Signed<'p> {
    provider: &'p Provider,
    rule: String,
}

impl<'p> Registrar<'p> {
    /// Whose registrar signed it.
    pub(super) fn provider(&self) -> Option<&'p Provider> {
        self.signed.as_ref().ok().map(|signed| signed.provider)
    }

    /// The policy's entry that decided.
    pub(super) fn rule(&self) -> &str {
        self.signed.as_ref().map_or("provider", |signed| &signed.rule)
    }

    /// Why it is not believed.
    pub(super) fn problem(&self) -> Option<&str> {
        self.signed.as_ref().err().map(String::as_str)
    }
}

pub(super) fn of<'p>(tpm: &Tpm<'_>, policy: &'p Policy, as_of: u64) -> Option<Registrar<'p>> {
    let statement = tpm.registrar.as_ref()?;
    let mut signed = Err("the policy names no registrar".to_owned());
    for (index, provider) in policy.providers.iter().enumerate() {
        if provider.profile != Profile::BareMetal || provider.registrars.is_empty() {
            continue;
        }
        // A key that cannot be read signs nothing.
        let keys: Vec<_> = provider
            .registrars
            .iter()
            .filter_map(|der| PinnedKey::from_spki(der).ok())
            .collect();
        match statement.verify(&keys, as_of) {
            Err(fault) => signed = Err(fault.to_string()),
            Ok(_) if provider.revoked_statements.contains(&statement.id()) => {
                signed = Err(format!("{} has taken this statement back", provider.name));
                break;
            }
            Ok(_) if let Some(revoked) = provider.revocation_of(statement.claims()) => {
                signed = Err(revoked);
                break;
            }
            Ok(_) if statement.claims().provider != provider.id => {
                signed = Err(format!(
                    "signed by a registrar of provider {}, but it states provider {}",
                    provider.id,
                    statement.claims().provider
                ));
                break;
            }
            Ok(key) => {
                let rule = format!("provider[{index}].registrars[{key}]");
                signed = Ok(Signed { provider, rule });
                break;
            }
        }
    }
    Some(Registrar {
        claims: statement.claims().clone(),
        signed,
    })
}
