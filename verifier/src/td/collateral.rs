//! The size of collateral, before any of it is read.
//!
//! It comes from a peer, and `dcap-qvl` reads all of it before it looks at a signature: in memory, a CRL of many short
//! entries then takes eleven times its size, TCB info of many advisories nine times.

use dcap_qvl::QuoteCollateralV3;

/// Largest text, in bytes. Real ones have 500 to 6,000.
const TEXT_LIMIT: usize = 64 << 10;

/// Largest CRL, in bytes. Intel's have 300 to 3,300; this one would revoke 7,000 platforms.
const CRL_LIMIT: usize = 256 << 10;

/// Every part is within its limit.
pub(super) fn check(collateral: &QuoteCollateralV3) -> Result<(), String> {
    // Taken apart, so that a new part cannot be forgotten here.
    let QuoteCollateralV3 {
        pck_crl_issuer_chain,
        root_ca_crl,
        pck_crl,
        tcb_info_issuer_chain,
        tcb_info,
        tcb_info_signature,
        qe_identity_issuer_chain,
        qe_identity,
        qe_identity_signature,
        pck_certificate_chain,
    } = collateral;
    let pck_certificate_chain = pck_certificate_chain.as_ref().map_or(0, String::len);
    let sizes = [
        ("pck_crl_issuer_chain", pck_crl_issuer_chain.len(), TEXT_LIMIT),
        ("root_ca_crl", root_ca_crl.len(), CRL_LIMIT),
        ("pck_crl", pck_crl.len(), CRL_LIMIT),
        ("tcb_info_issuer_chain", tcb_info_issuer_chain.len(), TEXT_LIMIT),
        ("tcb_info", tcb_info.len(), TEXT_LIMIT),
        ("tcb_info_signature", tcb_info_signature.len(), TEXT_LIMIT),
        (
            "qe_identity_issuer_chain",
            qe_identity_issuer_chain.len(),
            TEXT_LIMIT,
        ),
        ("qe_identity", qe_identity.len(), TEXT_LIMIT),
        ("qe_identity_signature", qe_identity_signature.len(), TEXT_LIMIT),
        ("pck_certificate_chain", pck_certificate_chain, TEXT_LIMIT),
    ];
    match sizes.into_iter().find(|(_, size, limit)| size > limit) {
        Some((name, size, limit)) => Err(format!(
            "collateral: {name} has {size} bytes, at most {limit} are read"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_a_limit() {
        let collateral = |len: usize| {
            let text = "1".repeat(len);
            let list = "11".repeat(len);
            serde_json::json!({
                "pck_crl_issuer_chain": text, "root_ca_crl": list, "pck_crl": list, "tcb_info_issuer_chain": text,
                "tcb_info": text, "tcb_info_signature": list, "qe_identity_issuer_chain": text, "qe_identity": text,
                "qe_identity_signature": list, "pck_certificate_chain": text,
            })
        };
        let parsed = |json| serde_json::from_value(json).unwrap();
        assert_eq!(check(&parsed(collateral(TEXT_LIMIT))), Ok(()));
        let large = collateral(CRL_LIMIT + 1);
        for (name, part) in large.as_object().unwrap() {
            let mut json = collateral(10);
            json[name] = part.clone();
            let refusal = check(&parsed(json)).unwrap_err();
            assert!(
                refusal.starts_with(&format!("collateral: {name} has 262145")),
                "{refusal}"
            );
        }
    }
}
