//! Quotes: what the quoting enclave of a platform signs for a TD.

use dcap_qvl::{
    INTEL_QE_VENDOR_ID,
    quote::{
        AuthData, AuthDataV4, CertificationData, Data, EnclaveReport, Header, QEReportCertificationData,
        Quote, Report, TDReport10, TDReport15,
    },
};
use parity_scale_codec::Encode as _;
use sha2::{Digest, Sha256};

use super::Platform;

/// The lowest `TEE_TCB_SVN` Intel still calls up to date.
pub(super) const MINIMUM_TEE_TCB_SVN: [u8; 16] = tee_tcb_svn(5, 0);

/// The layouts of a TDX quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuoteFormat {
    /// Version 4, with the body of TDX 1.0. What Linux hands out today.
    V4,
    /// Version 5, with the body of TDX 1.0.
    V5Td10,
    /// Version 5, with the body of TDX 1.5: adds the current TCB and the service TD.
    V5Td15,
}

/// A production TD's report with nothing measured yet; TDX module and attributes as on a real Google machine.
pub fn td_report() -> TDReport10 {
    TDReport10 {
        tee_tcb_svn: tee_tcb_svn(13, 1),
        mr_seam: [0x5e; 48],
        mr_signer_seam: [0; 48],
        seam_attributes: [0; 8],
        // SEPT_VE_DISABLE, and nothing else.
        td_attributes: (1_u64 << 28).to_le_bytes(),
        xfam: 0x0006_00e7_u64.to_le_bytes(),
        mr_td: [0; 48],
        mr_config_id: [0; 48],
        mr_owner: [0; 48],
        mr_owner_config: [0; 48],
        rt_mr0: [0; 48],
        rt_mr1: [0; 48],
        rt_mr2: [0; 48],
        rt_mr3: [0; 48],
        report_data: [0; 64],
    }
}

impl Platform {
    /// A quote over `report`, with the platform's certificate chain inside.
    pub fn quote(&self, format: QuoteFormat, report: TDReport10) -> Vec<u8> {
        let mut quote = Quote {
            header: Header {
                version: if format == QuoteFormat::V4 { 4 } else { 5 },
                attestation_key_type: 2,
                tee_type: 0x81,
                qe_svn: 0,
                pce_svn: 0,
                qe_vendor_id: INTEL_QE_VENDOR_ID,
                user_data: [0; 20],
            },
            report: match format {
                QuoteFormat::V4 | QuoteFormat::V5Td10 => Report::TD10(report),
                QuoteFormat::V5Td15 => Report::TD15(TDReport15 {
                    base: report,
                    tee_tcb_svn2: report.tee_tcb_svn,
                    mr_service_td: [0; 48],
                }),
            },
            auth_data: AuthData::V4(self.auth_data()),
        };
        // The attestation key signs header and body; neither depends on the signature.
        let signature = self
            .attestation_key
            .sign_raw(&quote.encode()[..quote.signed_length()]);
        if let AuthData::V4(auth_data) = &mut quote.auth_data {
            auth_data.ecdsa_signature = signature;
        }
        quote.encode()
    }

    /// Everything but the signature: the attestation key, vouched for by the quoting enclave's report, vouched for by
    /// the PCK.
    fn auth_data(&self) -> AuthDataV4 {
        let attestation_key = self.attestation_key.public_xy();
        let qe_auth_data = [0; 32];
        let mut report = quoting_enclave();
        report.report_data[..32].copy_from_slice(
            &Sha256::new()
                .chain_update(attestation_key)
                .chain_update(qe_auth_data)
                .finalize(),
        );
        let mut qe_report = [0; 384];
        qe_report.copy_from_slice(&report.encode());
        AuthDataV4 {
            ecdsa_signature: [0; 64],
            ecdsa_attestation_key: attestation_key,
            // Type 6: a QE report with its own certification data; encoded from the field below.
            certification_data: CertificationData {
                cert_type: 6,
                body: Data::new(Vec::new()),
            },
            qe_report_data: QEReportCertificationData {
                qe_report_signature: self.pck.sign_raw(&qe_report),
                qe_report,
                qe_auth_data: Data::new(qe_auth_data.to_vec()),
                // Type 5: a PCK certificate chain in PEM.
                certification_data: CertificationData {
                    cert_type: 5,
                    body: Data::new(self.chain_pem.clone().into_bytes()),
                },
            },
        }
    }
}

/// The report of the one quoting enclave there is, before it vouches for a key.
pub(super) fn quoting_enclave() -> EnclaveReport {
    let mut attributes = [0; 16];
    // INIT, MODE64BIT, PROVISION_KEY.
    attributes[0] = 0x15;
    EnclaveReport {
        cpu_svn: super::CURRENT_SVNS,
        misc_select: 0,
        reserved1: [0; 28],
        attributes,
        mr_enclave: [0x0e; 32],
        reserved2: [0; 32],
        mr_signer: [0x0d; 32],
        reserved3: [0; 96],
        isv_prod_id: 2,
        isv_svn: 6,
        reserved4: [0; 60],
        report_data: [0; 64],
    }
}

const fn tee_tcb_svn(module_svn: u8, module_version: u8) -> [u8; 16] {
    let mut svn = [0; 16];
    svn[0] = module_svn;
    svn[1] = module_version;
    svn[2] = 8;
    svn
}
