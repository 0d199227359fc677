//! Checks 805 to 807: claims that somebody signed.

use alloy_primitives::B256;

use super::{Claim, Sources};
use crate::{
    Check, CheckId, CustodyLevel, ParseError, PoeIssuer, bundle,
    claims::{AllianceToken, ClaimFault, Poe},
};

/// The signed claims in a bundle, read.
pub(in crate::appraise) struct Signed {
    poe: Option<Poe>,
    token: Option<AllianceToken>,
}

impl Signed {
    pub(in crate::appraise) fn parse(custody: &bundle::Custody) -> Result<Self, ParseError> {
        Ok(Self {
            poe: custody.poe.as_ref().map(|poe| Poe::parse(poe)).transpose()?,
            token: custody
                .alliance_token
                .as_ref()
                .map(|token| AllianceToken::parse(token))
                .transpose()?,
        })
    }
}

/// Bytes of a PPID, by which the alliance names a machine.
const PPID_LEN: usize = 16;

/// A check, and what it establishes if it passes.
pub(super) type Answer = (Check, Option<Claim>);

fn fail(id: CheckId, text: impl Into<String>) -> Answer {
    (Check::fail(id, text), None)
}

/// 805. Intel's platform ownership endorsement: an issuer the policy pins says whose machine this CPU's is.
pub(super) fn poe(sources: &Sources<'_, '_>) -> Answer {
    const ID: CheckId = CheckId::Poe;
    let Some(poe) = &sources.signed.poe else {
        let text = "no platform ownership endorsement";
        return (Check::not_applicable(ID, text), None);
    };
    let Some(td) = sources.td else {
        let text = "no quote verified, so no CPU is known";
        return (Check::not_applicable(ID, text), None);
    };
    match td.claims.platform.pck.platform_instance_id {
        None => {
            return fail(
                ID,
                "the quote's certificate names no platform instance to endorse",
            );
        }
        Some(instance) if !poe.matches(&instance) => {
            return fail(ID, "it endorses another platform than the one that quoted");
        }
        Some(_) => {}
    }
    let mut told = "the policy names no issuer of endorsements".to_owned();
    let mut strangers = None;
    // An issuer may endorse several providers' machines, each with an entry for its owners: that of a stranger says most.
    for (index, issuer) in sources.policy.poe_issuers.iter().enumerate() {
        let entry = format!("poe_issuer[{index}]");
        match judge(poe, issuer, sources) {
            Ok(claim) => {
                let check = Check::pass(ID, format!("{} endorses `{}`", issuer.name, poe.owner()))
                    .fact("id", poe.id().to_string())
                    .fact("owner", poe.owner())
                    .fact("provider", issuer.provider)
                    .by(entry);
                return (check, Some(claim));
            }
            Err(Refusal::Final(key, text)) => {
                return (Check::fail(ID, text).by(format!("{entry}.{key}")), None);
            }
            Err(Refusal::Stranger(text)) => {
                strangers.get_or_insert((text, format!("{entry}.owners")));
            }
            Err(Refusal::Unsigned(text)) => told = text,
        }
    }
    let (text, rule) = strangers.unwrap_or((told, "poe_issuer".to_owned()));
    (Check::fail(ID, text).by(rule), None)
}

/// Why an issuer's entry lets an endorsement not pass.
enum Refusal {
    /// The issuer did not sign it. Another may have.
    Unsigned(String),
    /// It did, for an owner that is not this entry's. It may be another's.
    Stranger(String),
    /// It did, and no other entry can help. With the key that decided.
    Final(&'static str, String),
}

/// What an endorsement is worth under one issuer's entry.
fn judge(poe: &Poe, issuer: &PoeIssuer, sources: &Sources<'_, '_>) -> Result<Claim, Refusal> {
    let roots: Vec<_> = issuer.roots.iter().map(|root| &**root).collect();
    let crls: Vec<_> = sources
        .endorsements
        .provider_crls
        .iter()
        .map(|crl| &**crl)
        .collect();
    let verified = poe
        .verify(&roots, &crls, sources.as_of)
        .map_err(|fault| Refusal::Unsigned(fault.to_string()))?;
    let (name, owner) = (&issuer.name, poe.owner());
    if !issuer.owners.iter().any(|listed| listed == owner) {
        let text = format!("{name} endorses `{owner}`, which is no owner of the policy's");
        return Err(Refusal::Stranger(text));
    }
    if issuer.revoked.contains(&poe.id()) {
        return Err(Refusal::Final("revoked", format!("{name} has taken it back")));
    }
    if issuer.require_crl && verified.revocation.uncovered > 0 {
        let text = format!("no CRL for every issuer, which the policy requires of {name}");
        return Err(Refusal::Final("require_crl", text));
    }
    Ok(Claim {
        source: "a platform ownership endorsement",
        provider: Some(issuer.provider),
        level: CustodyLevel::Automated,
        zone: String::new(),
        // A CRL out of date says nothing about who was revoked since.
        until: [Some(verified.not_after), verified.revocation.until]
            .into_iter()
            .flatten()
            .min(),
    })
}

/// 806. The alliance's token: people saw this machine. It ends only by the policy's time, so it names this very quote.
pub(super) fn alliance(sources: &Sources<'_, '_>, quote: &[u8]) -> Answer {
    const ID: CheckId = CheckId::Alliance;
    let Some(token) = &sources.signed.token else {
        return (Check::not_applicable(ID, "no alliance token"), None);
    };
    if !token.names_quote(quote) {
        return fail(ID, "the token is about another quote");
    }
    let Some(td) = sources.td else {
        return (
            Check::not_applicable(ID, "no quote verified, so no CPU is known"),
            None,
        );
    };
    // The older name, 32 bytes, is a digest of what the quote's certificate says: the quote names the machine.
    let machine = token.machine_id();
    if machine.len() == PPID_LEN && machine != td.claims.platform.pck.ppid {
        return fail(ID, "the token names another machine than the one that quoted");
    }
    let keys: Vec<_> = sources
        .policy
        .alliances
        .iter()
        .map(|alliance| alliance.key.0)
        .collect();
    let signer = token.verify(&keys).and_then(|index| {
        Ok((
            index,
            sources
                .policy
                .alliances
                .get(index)
                .ok_or(ClaimFault::NotPinned { pinned: keys.len() })?,
        ))
    });
    let (index, alliance) = match signer {
        Ok(signer) => signer,
        Err(fault) => {
            let (check, claim) = fail(ID, fault.to_string());
            return (check.by("alliance"), claim);
        }
    };
    if alliance.revoked.contains(&sources.platform) {
        let (check, claim) = fail(
            ID,
            format!("{} has taken this machine's tokens back", alliance.name),
        );
        return (check.by(format!("alliance[{index}].revoked")), claim);
    }
    let claim = Claim {
        source: "an alliance token",
        provider: None,
        level: CustodyLevel::Witnessed,
        zone: String::new(),
        until: None,
    };
    let check =
        Check::pass(ID, format!("{} witnessed this machine", alliance.name)).by(format!("alliance[{index}]"));
    (check, Some(claim))
}

/// 807. The registrar's statement: the provider itself says that this CPU stands with it.
pub(super) fn registrar(sources: &Sources<'_, '_>) -> Answer {
    const ID: CheckId = CheckId::Registrar;
    let Some(registrar) = sources.registrar else {
        return (Check::not_applicable(ID, "no registrar's statement"), None);
    };
    let Some(provider) = registrar.provider() else {
        return fail(ID, registrar.problem().unwrap_or("it is not believed"));
    };
    if sources.platform == B256::ZERO || registrar.claims.platform_id != sources.platform {
        return fail(ID, "the statement is about another CPU, or no quote verified");
    }
    let claim = Claim {
        source: "a registrar",
        provider: Some(provider.id),
        level: CustodyLevel::Automated,
        zone: registrar.claims.zone.clone(),
        until: Some(registrar.claims.not_after),
    };
    let check = Check::pass(ID, format!("{} has this CPU in its data center", provider.name))
        .fact("provider", provider.id)
        .by(registrar.rule());
    (check, Some(claim))
}
