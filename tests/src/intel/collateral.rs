//! What Intel's provisioning certification service says about platforms: TCB info, QE identity, CRLs.

use dcap_qvl::{
    QeIdentity, QeTcb, QeTcbLevel, QuoteCollateralV3, Tcb, TcbComponents, TcbInfo, TcbLevel, TcbStatus,
    tcb_info::{TdxModule, TdxModuleIdentity, TdxModuleTcb, TdxModuleTcbLevel},
};
use time::format_description::well_known::Rfc3339;

use super::{Intel, PckSpec, quote};
use crate::{CrlSpec, authority::date};

/// SGX TCB components of an up-to-date platform, as on a real Google machine in 2026.
pub const CURRENT_SVNS: [u8; 16] = [8, 8, 2, 2, 4, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0];

/// SGX TCB components of a platform that missed an update: `OutOfDate`.
pub const OLD_SVNS: [u8; 16] = [7, 7, 2, 2, 3, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0];

/// SGX TCB components of a platform that has the next update already.
pub const NEXT_SVNS: [u8; 16] = [9, 9, 3, 3, 4, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0];

const DAY: u64 = 86_400;

/// Collateral to be made.
#[derive(Clone, Debug)]
pub struct CollateralSpec {
    /// Which platforms it speaks of.
    pub fmspc: [u8; 6],
    /// Which PCE it speaks of.
    pub pce_id: [u8; 2],
    /// When it was issued, in Unix seconds.
    pub issued: u64,
    /// For how long it counts, in seconds.
    pub lifetime: u64,
    /// What it says of a platform with [`CURRENT_SVNS`].
    pub status: TcbStatus,
    /// Whether Intel demands [`NEXT_SVNS`]: a platform with [`CURRENT_SVNS`] is out of date then, whatever `status` says.
    pub demands_next: bool,
    /// Advisories that apply to a platform with [`CURRENT_SVNS`].
    pub advisories: Vec<String>,
    /// `tcbEvaluationDataNumber`; later collateral has a greater one.
    pub evaluation_number: u32,
    /// The CRLs' number.
    pub crl_number: u64,
    /// PPIDs whose PCK certificates are revoked.
    pub revoked: Vec<[u8; 16]>,
}

impl CollateralSpec {
    /// Good collateral, issued the day before `now` (Unix seconds) for thirty days.
    pub fn fresh(fmspc: [u8; 6], now: u64) -> Self {
        Self {
            fmspc,
            pce_id: [0, 0],
            issued: now - DAY,
            lifetime: 30 * DAY,
            status: TcbStatus::UpToDate,
            demands_next: false,
            advisories: Vec::new(),
            evaluation_number: 19,
            crl_number: 1,
            revoked: Vec::new(),
        }
    }
}

impl Intel {
    /// Collateral as Intel's service would hand it out, without a PCK chain: quotes carry their own.
    pub fn collateral(&self, spec: &CollateralSpec) -> QuoteCollateralV3 {
        let tcb_info = to_json(&tcb_info(spec));
        let qe_identity = to_json(&qe_identity(spec));
        let signer_chain = [&*self.tcb_signer_pem, &*self.root.pem()].concat();
        let crl = |revoked| CrlSpec {
            number: spec.crl_number,
            this_update: spec.issued,
            next_update: spec.issued + spec.lifetime,
            revoked,
        };
        QuoteCollateralV3 {
            pck_crl_issuer_chain: [self.platform_ca.pem(), self.root.pem()].concat(),
            root_ca_crl: self.root.crl(&crl(Vec::new())),
            pck_crl: self.platform_ca.crl(&crl(spec
                .revoked
                .iter()
                .map(|&ppid| PckSpec::serial(ppid))
                .collect())),
            tcb_info_issuer_chain: signer_chain.clone(),
            tcb_info_signature: self.tcb_signer.sign_raw(tcb_info.as_bytes()).to_vec(),
            tcb_info,
            qe_identity_issuer_chain: signer_chain,
            qe_identity_signature: self.tcb_signer.sign_raw(qe_identity.as_bytes()).to_vec(),
            qe_identity,
            pck_certificate_chain: None,
        }
    }
}

fn tcb_info(spec: &CollateralSpec) -> TcbInfo {
    let level = |svns: [u8; 16], status, advisory_ids| TcbLevel {
        tcb: Tcb {
            sgx_components: components(svns),
            tdx_components: components(quote::MINIMUM_TEE_TCB_SVN),
            pce_svn: 11,
        },
        tcb_date: "2025-05-14T00:00:00Z".into(),
        tcb_status: status,
        advisory_ids,
    };
    let mut levels = Vec::new();
    let mut current = spec.status;
    if spec.demands_next {
        levels.push(level(NEXT_SVNS, TcbStatus::UpToDate, Vec::new()));
        current = TcbStatus::OutOfDate;
    }
    levels.push(level(CURRENT_SVNS, current, spec.advisories.clone()));
    levels.push(level(
        OLD_SVNS,
        TcbStatus::OutOfDate,
        vec!["INTEL-SA-01036".into(), "INTEL-SA-01099".into()],
    ));
    TcbInfo {
        id: "TDX".into(),
        version: 3,
        issue_date: rfc3339(spec.issued),
        next_update: rfc3339(spec.issued + spec.lifetime),
        fmspc: hex::encode_upper(spec.fmspc),
        pce_id: hex::encode_upper(spec.pce_id),
        tcb_type: 0,
        tcb_evaluation_data_number: spec.evaluation_number,
        tcb_levels: levels,
        tdx_module: Some(TdxModule {
            mrsigner: "00".repeat(48),
            attributes: "00".repeat(8),
            attributes_mask: "FF".repeat(8),
        }),
        tdx_module_identities: vec![TdxModuleIdentity {
            id: "TDX_01".into(),
            mrsigner: "00".repeat(48),
            attributes: "00".repeat(8),
            attributes_mask: "FF".repeat(8),
            tcb_levels: vec![TdxModuleTcbLevel {
                tcb: TdxModuleTcb { isvsvn: 6 },
                tcb_date: "2025-05-14T00:00:00Z".into(),
                tcb_status: TcbStatus::UpToDate,
                advisory_ids: Vec::new(),
            }],
        }],
    }
}

fn qe_identity(spec: &CollateralSpec) -> QeIdentity {
    let enclave = quote::quoting_enclave();
    let mut attributes_mask = [0; 16];
    attributes_mask[..8].fill(0xff);
    attributes_mask[0] = 0xfb;
    QeIdentity {
        id: "TD_QE".into(),
        version: 2,
        issue_date: rfc3339(spec.issued),
        next_update: rfc3339(spec.issued + spec.lifetime),
        tcb_evaluation_data_number: spec.evaluation_number,
        miscselect: [0; 4],
        miscselect_mask: [0xff; 4],
        attributes: std::array::from_fn(|i| if i == 0 { 0x11 } else { 0 }),
        attributes_mask,
        mrsigner: enclave.mr_signer,
        isvprodid: enclave.isv_prod_id,
        tcb_levels: vec![QeTcbLevel {
            tcb: QeTcb { isvsvn: 4 },
            tcb_date: "2025-05-14T00:00:00Z".into(),
            tcb_status: TcbStatus::UpToDate,
            advisory_ids: Vec::new(),
        }],
    }
}

fn components(svns: [u8; 16]) -> Vec<TcbComponents> {
    svns.map(|svn| TcbComponents { svn }).to_vec()
}

fn rfc3339(unix: u64) -> String {
    date(unix).format(&Rfc3339).expect("a year before 10,000")
}

fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("no maps with other keys than strings")
}
