//! Whether an endorsement set that another relayer proposes may be appraised with. Pure.
//!
//! Whether its signatures hold and its dates are right is the appraisal's to find, with this very set. What the appraisal
//! cannot know is what *else* there is: a proposer might leave out the CRL that names its machine, or offer last month's,
//! which verifies just as well. And of what nobody signed, a proposer's word counts for nothing.

use std::collections::BTreeMap;

use alloy::primitives::{hex, keccak256};
use chassis_verifier::Endorsements;
use dcap_qvl::QuoteCollateralV3;
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use x509_parser::{
    extensions::ParsedExtension, prelude::FromDer, revocation_list::CertificateRevocationList,
};

/// How much older than this relayer's own an issue may be, and how long an issue that is outnumbered still counts,
/// seconds.
const DAY: u64 = 86_400;

/// Largest revocation list read, in bytes.
const CRL_LIMIT: usize = 1 << 20;

/// One signed part of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Issue {
    /// Who says it about what. The same for every issue of one thing.
    pub(super) source: String,
    /// Counts issues: `tcbEvaluationDataNumber`, or a CRL's number. Big-endian, without leading zeros.
    pub(super) number: Vec<u8>,
    /// Unix seconds.
    pub(super) issued: u64,
}

impl Issue {
    /// The number as stored and shown.
    pub(super) fn number_name(&self) -> String {
        format!("0x{}", hex::encode(&self.number))
    }
}

/// Every signed part of a set.
///
/// # Errors
/// If one cannot be read.
pub(super) fn issues(set: &Endorsements) -> Result<Vec<Issue>, String> {
    let mut issues = Vec::new();
    if let Some(collateral) = &set.tdx_collateral {
        let QuoteCollateralV3 {
            tcb_info,
            qe_identity,
            root_ca_crl,
            pck_crl,
            ..
        } = collateral;
        issues.push(dated("TCB info", tcb_info)?);
        issues.push(dated("QE identity", qe_identity)?);
        issues.push(listed("Intel root CRL", root_ca_crl)?);
        issues.push(listed("PCK CRL", pck_crl)?);
    }
    for crl in &set.provider_crls {
        issues.push(listed("provider CRL", crl)?);
    }
    Ok(issues)
}

/// Everything that speaks against appraising with `proposed`. `own` is what this relayer has fetched for the same bundle;
/// `since` says since when it knows each of its own issues' numbers, Unix seconds, by source; `now` is Unix seconds.
pub(super) fn vet(
    proposed: &Endorsements,
    own: &Endorsements,
    since: &BTreeMap<String, u64>,
    now: u64,
) -> Vec<String> {
    let mut reasons = Vec::new();
    if proposed.anchor != own.anchor {
        reasons.push(format!(
            "anchor: it claims block {} {}, here the finalized block is {} {}",
            proposed.anchor.number, proposed.anchor.hash, own.anchor.number, own.anchor.hash
        ));
    }
    if *proposed.canonical().host_registry != *own.canonical().host_registry {
        reasons.push(format!(
            "host registry: it claims {:?}, this relayer was told {:?}",
            proposed.host_registry, own.host_registry
        ));
    }
    if proposed.tdx_collateral.is_some() != own.tdx_collateral.is_some() {
        reasons.push("Intel's collateral is there for one of us only".into());
    }
    match (issues(proposed), issues(own)) {
        (Ok(proposed), Ok(own)) => compare(&proposed, &own, since, now, &mut reasons),
        (Err(problem), _) => reasons.push(format!("its endorsements: {problem}")),
        (_, Err(problem)) => reasons.push(format!("this relayer's own endorsements: {problem}")),
    }
    reasons
}

fn compare(
    proposed: &[Issue],
    own: &[Issue],
    since: &BTreeMap<String, u64>,
    now: u64,
    reasons: &mut Vec<String>,
) {
    for known in own {
        let mut same = proposed.iter().filter(|issue| issue.source == known.source);
        let (Some(issue), None) = (same.next(), same.next()) else {
            reasons.push(format!("{}: not in it, or more than once", known.source));
            continue;
        };
        if issue.issued.saturating_add(DAY) < known.issued {
            reasons.push(format!(
                "{}: of {}, a later one is of {}",
                known.source, issue.issued, known.issued
            ));
        }
        let known_since = since.get(&known.source).copied().unwrap_or(0);
        if is_less(&issue.number, &known.number) && known_since.saturating_add(DAY) < now {
            reasons.push(format!(
                "{}: number {}, this relayer knows {} since {known_since}",
                known.source,
                issue.number_name(),
                known.number_name()
            ));
        }
    }
    for issue in proposed {
        if own.iter().all(|known| known.source != issue.source) {
            reasons.push(format!("{}: this relayer knows of no such thing", issue.source));
        }
    }
}

fn is_less(a: &[u8], b: &[u8]) -> bool {
    (a.len(), a) < (b.len(), b)
}

/// Intel's JSON documents.
fn dated(name: &str, document: &str) -> Result<Issue, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Head {
        issue_date: String,
        tcb_evaluation_data_number: u32,
        #[serde(default)]
        fmspc: String,
        #[serde(default)]
        pce_id: String,
    }
    let head: Head = serde_json::from_str(document).map_err(|error| format!("{name}: {error}"))?;
    let issued = OffsetDateTime::parse(&head.issue_date, &Rfc3339)
        .map_err(|error| format!("{name}: issue date `{}`: {error}", head.issue_date))?;
    Ok(Issue {
        source: format!(
            "{name} {}{}",
            head.fmspc.to_lowercase(),
            head.pce_id.to_lowercase()
        )
        .trim_end()
        .to_owned(),
        number: without_zeros(&head.tcb_evaluation_data_number.to_be_bytes()),
        issued: unix(issued.unix_timestamp()),
    })
}

/// Revocation lists, by issuer and key: providers' authorities may share one name.
fn listed(name: &str, der: &[u8]) -> Result<Issue, String> {
    if der.len() > CRL_LIMIT {
        return Err(format!(
            "{name}: {} bytes, at most {CRL_LIMIT} are read",
            der.len()
        ));
    }
    let (rest, list) = CertificateRevocationList::from_der(der)
        .map_err(|error| format!("{name}: no revocation list: {error}"))?;
    if !rest.is_empty() {
        return Err(format!("{name}: {} bytes after it", rest.len()));
    }
    let key = list
        .extensions()
        .iter()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref(),
            _ => None,
        });
    let number = list
        .crl_number()
        .ok_or_else(|| format!("{name}: without a number"))?;
    let issuer = keccak256([list.issuer().as_raw(), key.map_or(&[][..], |key| key.0)].concat());
    Ok(Issue {
        source: format!("{name} {}", hex::encode(&issuer[..8])),
        number: without_zeros(&number.to_bytes_be()),
        issued: unix(list.last_update().timestamp()),
    })
}

fn without_zeros(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}

/// Before 1970 is long ago.
fn unix(timestamp: i64) -> u64 {
    u64::try_from(timestamp).unwrap_or(0)
}
