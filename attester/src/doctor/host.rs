//! A bare-metal host, asked through its agent as a node asks it.

use alloy_primitives::{Address, B256, hex};
use chassis_program::unix_now;
use chassis_verifier::{
    bundle::Anchor,
    claims::{RegistrarClaims, RegistrarStatement},
    eventlog::DrtmLog,
    host::{check_ak_policy, check_drtm_log, check_dynamic_pcrs},
    platform_id,
    td::TdQuote,
    tpm::{HashAlg, Public},
};

use super::{Level, Report, Setup, tpm::no_custody};
use crate::{AttestationKey, HostEvidence, HostTpm, SocketAddress, Subject, TpmQuote, TpmQuoter};

const ENROLL: &str =
    "run `chassis-node enroll` on the host again; `chassis-node host-doctor` there says more";
const STACK: &str = "launch the reviewed stack by TXT; `chassis-node host-doctor` on the host says more";

/// Evidence made after it is made after nothing.
const NO_ANCHOR: Anchor = Anchor {
    chain_id: 0,
    registry: Address::ZERO,
    block_number: 0,
    block_hash: B256::ZERO,
};

/// Asks the agent for its key, and for a quote about the TD quote that was just made.
pub(super) fn look(agent: &SocketAddress, td_quote: Option<&[u8]>, setup: &Setup, report: &mut Report) {
    report.missing(
        "tpm.device",
        Level::VirtualTpm,
        "left out: the host's TPM is asked",
        "nothing: what that gives is Chassis, which is more",
    );
    let tpm = HostTpm { agent: agent.clone() };
    let key = match tpm.attestation_key() {
        Ok(key) => key,
        Err(error) => {
            let todo = "run `chassis-node host-agent` on the host and give this guest a vsock device; if it refused, it says why";
            report.missing("host.agent", Level::Chassis, error.to_string(), todo);
            return no_custody(report);
        }
    };
    let name = hex::encode(key.name().0);
    report.ok("host.agent", Level::Chassis, format!("{agent}, key {name}"));
    let Some(evidence) = &key.host else { return };
    look_at_statement(&key, evidence, td_quote, setup, report);
    let Some(td_quote) = td_quote else { return };
    let subject = Subject {
        anchor: &NO_ANCHOR,
        operator: Address::ZERO,
        td_quote,
    };
    match tpm.quote(&key, &subject) {
        Ok(quote) => {
            report.ok("host.quote", Level::Chassis, "about the TD quote just made");
            look_at_launch(&key, evidence, &quote, report);
        }
        Err(error) => {
            let todo = "if it has not made the TD quote: QEMU must send quote requests to the agent's socket, not to QGS; if \
                        it is the launch: boot the reviewed stack, or enroll this one";
            report.missing("host.quote", Level::Chassis, error.to_string(), todo);
        }
    }
}

/// The registrar's signature is not verified here: which registrars count, the relayers' policy says.
fn look_at_statement(
    key: &AttestationKey,
    evidence: &HostEvidence,
    td_quote: Option<&[u8]>,
    setup: &Setup,
    report: &mut Report,
) {
    let claims = match RegistrarStatement::parse(&evidence.registrar_statement) {
        Ok(statement) => statement.claims().clone(),
        Err(error) => {
            report.missing("host.statement", Level::Chassis, error.to_string(), ENROLL);
            return no_custody(report);
        }
    };
    let platform = td_quote.and_then(|quote| {
        let quote = TdQuote::parse(quote).ok()?;
        let platform = quote.certified_platform(setup.danger_intel_root.as_deref(), unix_now());
        platform.ok().map(|platform| platform_id(&platform.ppid))
    });
    if let Some(problem) = wrong(&claims, key, platform, unix_now()) {
        report.missing("host.statement", Level::Chassis, problem, ENROLL);
        return no_custody(report);
    }
    let (provider, until) = (claims.provider, claims.not_after);
    let found = format!("by a registrar of provider {provider}, until {until} (Unix time)");
    report.ok("host.statement", Level::Chassis, found);
    custody(&claims, platform, report);
}

/// The statement is of one CPU: it gives custody to no other, and so to none that was not compared.
fn custody(claims: &RegistrarClaims, platform: Option<B256>, report: &mut Report) {
    if platform.is_some() {
        let found = format!("the registrar names zone `{}` and this CPU", claims.zone);
        report.ok("custody", Level::Custody, found);
    } else {
        report.missing(
            "custody",
            Level::Custody,
            "the registrar names a CPU, and no quote says whether it is this one",
            "see td.quote and td.platform",
        );
    }
}

fn wrong(claims: &RegistrarClaims, key: &AttestationKey, platform: Option<B256>, now: u64) -> Option<String> {
    if claims.ak_name != key.name() {
        return Some("the registrar's statement is about another key".into());
    }
    if now >= claims.not_after {
        return Some(format!(
            "the registrar's statement ended at {}, by this machine's clock",
            claims.not_after
        ));
    }
    match platform {
        Some(platform) if platform != claims.platform_id => Some(format!(
            "the registrar's statement is about platform {}, the TD quote is by {platform}: correct the list of machines",
            claims.platform_id
        )),
        _ => None,
    }
}

fn look_at_launch(key: &AttestationKey, evidence: &HostEvidence, quote: &TpmQuote, report: &mut Report) {
    let [pcr17, pcr18] = &quote.pcrs[..] else {
        let found = format!("{} PCRs are quoted, not 17 and 18", quote.pcrs.len());
        return report.missing("host.pcrs", Level::Chassis, found, STACK);
    };
    let Some(bank) = [HashAlg::Sha256, HashAlg::Sha384]
        .into_iter()
        .find(|bank| bank.digest_len() == pcr17.value.len())
    else {
        return report.missing("host.pcrs", Level::Chassis, "they are of an unknown bank", STACK);
    };
    let policy = Public::parse(&key.public)
        .map_err(|error| error.to_string())
        .and_then(|key| {
            check_ak_policy(&key, bank, &pcr17.value, &pcr18.value).map_err(|fault| fault.to_string())
        });
    let log = Ok(&evidence.drtm_log[..]);
    launch(bank, &pcr17.value, &pcr18.value, log, report);
    match policy {
        Ok(()) => report.ok(
            "host.ak_policy",
            Level::Chassis,
            "the key is sealed to this launch",
        ),
        Err(problem) => report.missing("host.ak_policy", Level::Chassis, problem, ENROLL),
    }
}

/// Whether PCR 17 and 18 hold a launch, and whether `log` explains them.
pub(super) fn launch(
    bank: HashAlg,
    pcr17: &[u8],
    pcr18: &[u8],
    log: Result<&[u8], String>,
    report: &mut Report,
) {
    match check_dynamic_pcrs(bank, pcr17, pcr18) {
        Ok(()) => report.ok(
            "host.pcrs",
            Level::Chassis,
            format!(
                "{bank}: 17 is {}, 18 is {}; the policy must list them",
                hex::encode(pcr17),
                hex::encode(pcr18)
            ),
        ),
        Err(fault) => report.missing("host.pcrs", Level::Chassis, fault.to_string(), STACK),
    }
    let explained = log.and_then(|log| {
        let log = DrtmLog::parse(log).map_err(|error| error.to_string())?;
        check_drtm_log(&log, bank, pcr17, pcr18).map_err(|fault| fault.to_string())
    });
    match explained {
        Ok(()) => report.ok("host.drtm_log", Level::Chassis, "gives PCR 17 and 18"),
        Err(problem) => report.missing(
            "host.drtm_log",
            Level::Chassis,
            problem,
            "give the log of this very launch (--drtm-log); reboot the host if it has another",
        ),
    }
}

#[cfg(test)]
mod tests {
    use chassis_verifier::challenge::AkName;

    use super::*;

    fn claims(ak_name: AkName) -> RegistrarClaims {
        RegistrarClaims {
            ak_name,
            ek_cert_hash: B256::ZERO,
            platform_id: B256::repeat_byte(1),
            provider: 2,
            zone: String::new(),
            not_after: 1000,
        }
    }

    #[test]
    fn a_cpu_that_was_not_compared_is_in_nobodys_custody() {
        let claims = claims(AkName::NONE);
        for (platform, reachable) in [(Some(claims.platform_id), true), (None, false)] {
            let mut report = Report::default();
            custody(&claims, platform, &mut report);
            assert_eq!(report.reach(Level::Custody).reachable, reachable);
        }
    }

    #[test]
    fn a_statement_is_about_this_key_this_cpu_and_now() {
        let key = AttestationKey {
            public: vec![1],
            certificates: Vec::new(),
            host: None,
        };
        let claims = claims(key.name());
        let platform = Some(claims.platform_id);
        assert_eq!(wrong(&claims, &key, platform, 999), None);
        assert_eq!(wrong(&claims, &key, None, 999), None);
        let other_key = RegistrarClaims {
            ak_name: AkName::NONE,
            ..claims.clone()
        };
        for (claims, platform, at, says) in [
            (&other_key, platform, 999, "another key"),
            (&claims, platform, 1000, "ended at 1000"),
            (&claims, Some(B256::ZERO), 999, "about platform"),
        ] {
            let problem = wrong(claims, &key, platform, at).unwrap();
            assert!(problem.contains(says), "{problem}");
        }
    }
}
