//! Challenges that wait for their one answer.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use chassis_verifier::{claims::RegistrarClaims, sha256};

/// A TPM activates in a second.
pub(super) const KEPT: Duration = Duration::from_mins(1);
/// Each is some hundred bytes. Whoever fills this up waits a minute, as everybody does.
const MOST: usize = 4096;

/// What is stated if the answer is right.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) claims: RegistrarClaims,
    pub(super) machine: String,
    /// SHA-256 of the secret: what is compared says nothing about it.
    pub(super) secret: B256,
    since: Instant,
}

/// Challenges by name.
#[derive(Debug, Default)]
pub(super) struct Challenges(HashMap<B256, Pending>);

impl Challenges {
    /// Keeps one. `false` if there are too many.
    pub(super) fn keep(
        &mut self,
        name: B256,
        secret: &[u8; 32],
        claims: RegistrarClaims,
        machine: String,
    ) -> bool {
        self.0.retain(|_, pending| pending.since.elapsed() < KEPT);
        if self.0.len() >= MOST {
            return false;
        }
        let pending = Pending {
            claims,
            machine,
            secret: sha256(secret),
            since: Instant::now(),
        };
        self.0.insert(name, pending);
        true
    }

    /// Takes the challenge out, for its only answer, and gives it if that is right and in time.
    pub(super) fn answer(&mut self, name: B256, secret: &[u8]) -> Option<Pending> {
        let pending = self.0.remove(&name)?;
        (pending.since.elapsed() < KEPT && pending.secret == sha256(secret)).then_some(pending)
    }
}

#[cfg(test)]
mod tests {
    use chassis_verifier::challenge::AkName;

    use super::*;

    const NAME: B256 = B256::repeat_byte(1);

    fn kept() -> Challenges {
        let claims = RegistrarClaims {
            ak_name: AkName::NONE,
            ek_cert_hash: B256::ZERO,
            platform_id: B256::ZERO,
            provider: 2,
            zone: String::new(),
            not_after: 0,
        };
        let mut challenges = Challenges::default();
        assert!(challenges.keep(NAME, &[7; 32], claims, "m".into()));
        challenges
    }

    #[test]
    fn a_challenge_has_one_answer() {
        let mut challenges = kept();
        assert!(challenges.answer(NAME, &[7; 32]).is_some());
        assert!(challenges.answer(NAME, &[7; 32]).is_none(), "replayed");
        let mut challenges = kept();
        assert!(challenges.answer(NAME, &[8; 32]).is_none());
        assert!(challenges.answer(NAME, &[7; 32]).is_none(), "a second guess");
        assert!(kept().answer(B256::ZERO, &[7; 32]).is_none(), "another challenge");
    }

    #[test]
    fn a_challenge_ends() {
        let mut challenges = kept();
        let Some(old) = Instant::now().checked_sub(KEPT) else {
            return;
        };
        challenges.0.get_mut(&NAME).unwrap().since = old;
        assert!(challenges.answer(NAME, &[7; 32]).is_none());
    }

    #[test]
    fn there_is_room_for_so_many() {
        let mut challenges = kept();
        let claims = challenges.0[&NAME].claims.clone();
        let mut keep = |number: u32| {
            let mut name = [0xee; 32];
            name[..4].copy_from_slice(&number.to_be_bytes());
            challenges.keep(name.into(), &[7; 32], claims.clone(), "m".into())
        };
        let most = u32::try_from(MOST).unwrap();
        assert!((1..most).all(&mut keep));
        assert!(!keep(most));
    }
}
