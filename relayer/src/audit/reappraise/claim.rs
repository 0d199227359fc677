//! What was posted, and what evidence must show.

use alloy::primitives::{Address, B256};
use serde::Serialize;

use super::super::judge::Posted;
use crate::{
    history::{Batch, Happening, History, Standing, What},
    render::date,
};

/// Something that was posted.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(in crate::audit) enum Claim {
    Attested(Entry),
    Entered(Entrance),
}

/// An operator's attestation: a digest that was posted.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::audit) struct Entry {
    pub(in crate::audit) batch: u64,
    pub(in crate::audit) time: u64,
    pub(in crate::audit) operator: Address,
    pub(in crate::audit) digest: B256,
    pub(in crate::audit) is_grant: bool,
    pub(in crate::audit) expiry: u64,
    #[serde(skip)]
    pub(in crate::audit) standing: Standing,
    #[serde(skip)]
    pub(in crate::audit) evidence_time: Option<u64>,
}

/// A platform's entry: no digest stands beside it, but the batch's evidence must show it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::audit) struct Entrance {
    pub(in crate::audit) batch: u64,
    pub(in crate::audit) time: u64,
    pub(in crate::audit) platform: B256,
    pub(in crate::audit) provider: u16,
    pub(in crate::audit) custody: u8,
    pub(in crate::audit) custody_expiry: u64,
}

impl Claim {
    /// `None`: nothing was claimed. The history may have gone on since it happened.
    pub(in crate::audit) fn of(history: &History, happening: &Happening) -> Option<Self> {
        let What::Entered {
            platform,
            provider,
            custody,
            custody_expiry,
        } = happening.what
        else {
            return Entry::of(history, happening).map(Self::Attested);
        };
        Some(Self::Entered(Entrance {
            batch: happening.batch?,
            time: happening.at.time,
            platform,
            provider,
            custody,
            custody_expiry,
        }))
    }

    pub(in crate::audit) fn batch(&self) -> u64 {
        match self {
            Self::Attested(entry) => entry.batch,
            Self::Entered(entrance) => entrance.batch,
        }
    }

    pub(in crate::audit) fn time(&self) -> u64 {
        match self {
            Self::Attested(entry) => entry.time,
            Self::Entered(entrance) => entrance.time,
        }
    }

    /// The operator or the platform, and the digest, if there is one.
    pub(in crate::audit) fn subject(&self) -> (String, String) {
        match self {
            Self::Attested(entry) => (entry.operator.to_string(), entry.digest.to_string()),
            Self::Entered(entrance) => (entrance.platform.to_string(), entrance.to_string()),
        }
    }
}

impl std::fmt::Display for Entrance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&said(self.provider, self.custody, self.custody_expiry))
    }
}

/// What is said of a platform.
pub(super) fn said(provider: u16, custody: u8, until: u64) -> String {
    let custody = super::super::words::custody(custody);
    format!("provider {provider}, custody {custody} until {}", date(until))
}

impl Entry {
    /// `None`: nothing was attested. The history may have gone on since it happened.
    pub(in crate::audit) fn of(history: &History, happening: &Happening) -> Option<Self> {
        let batch = happening.batch?;
        let time = happening.at.time;
        match &happening.what {
            What::Granted(granted) => Some(Self {
                batch,
                time,
                operator: granted.operator,
                digest: granted.digest,
                is_grant: true,
                expiry: granted.expiry,
                standing: granted.standing,
                evidence_time: Some(granted.evidence_time),
            }),
            What::Renewed {
                operator,
                digest,
                expiry,
            } => Some(Self {
                batch,
                time,
                operator: *operator,
                digest: *digest,
                is_grant: false,
                expiry: *expiry,
                standing: history.operator(*operator)?.span_after(happening.at)?.standing,
                evidence_time: None,
            }),
            _ => None,
        }
    }

    pub(in crate::audit) fn posted(&self, batch: &Batch) -> Posted {
        Posted {
            operator: self.operator,
            digest: self.digest,
            issued_at: batch.issued_at,
            standing: self.standing,
            expiry: self.expiry,
            evidence_time: self.evidence_time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::tests::scribe::{HOUR, Scribe, operator, platform};

    #[test]
    fn claims_are_held_against_what_stood_when_they_were_made() {
        let mut scribe = Scribe::new();
        let mut happenings = scribe.enrol(&[1], 0xa1);
        scribe.wait(HOUR);
        happenings.extend(scribe.post(vec![], &[(1, 13 * HOUR)], 0b011));
        scribe.wait(HOUR);
        // Another platform, and a worse level.
        let entry = scribe.entry(0xa2, 1, 720 * HOUR);
        let grant = scribe.grant(1, 0xa2, Some(&entry), 5, 12 * HOUR);
        happenings.extend(scribe.post(vec![entry, grant], &[], 0b011));
        // The history is at its end, as it is after a range of logs.
        let claims = happenings
            .iter()
            .filter_map(|happening| Claim::of(&scribe.history, happening));
        let told: Vec<_> = claims
            .map(|claim| match claim {
                Claim::Attested(entry) => (
                    entry.standing.platform,
                    Some((entry.is_grant, entry.standing.tcb)),
                ),
                Claim::Entered(entrance) => (entrance.platform, None),
            })
            .collect();
        let (a, b) = (platform(0xa1), platform(0xa2));
        assert_eq!(
            told[..3],
            [(a, None), (a, Some((true, 1))), (a, Some((false, 1)))]
        );
        assert_eq!(told[3..], [(b, None), (b, Some((true, 5)))]);
        let last = scribe.history.operator(operator(1)).unwrap().spans.last();
        assert_eq!(
            last.unwrap().standing.tcb,
            5,
            "what would have been held against the renewal"
        );
    }
}
