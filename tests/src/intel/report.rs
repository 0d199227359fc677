//! TDREPORTs: what the CPU says of a TD, under a MAC that only the same CPU can verify (Intel TDX Module ABI specification,
//! `TDREPORT_STRUCT`).

use anyhow::{Context as _, ensure};
use dcap_qvl::quote::TDReport10;
use ring::hmac;
use sha2::{Digest as _, Sha384};

use super::{Platform, QuoteFormat};

/// `REPORTMACSTRUCT`, of which the last 32 bytes are the MAC.
const MAC_STRUCT: usize = 256;
const MAC: usize = 32;
/// `TEE_TCB_INFO` and the gap after it.
const TCB_INFO: usize = 239;
const GAP: usize = 17;
const TD_INFO: usize = 512;

impl Platform {
    /// The report of a TD on this platform.
    pub fn td_report(&self, report: &TDReport10) -> Vec<u8> {
        let tcb_info = [
            &[0xff, 0x01, 0, 0, 0, 0, 0, 0][..],
            &report.tee_tcb_svn,
            &report.mr_seam,
            &report.mr_signer_seam,
            &report.seam_attributes,
            &[0; 111],
        ]
        .concat();
        let td_info = [
            &report.td_attributes[..],
            &report.xfam,
            &report.mr_td,
            &report.mr_config_id,
            &report.mr_owner,
            &report.mr_owner_config,
            &report.rt_mr0,
            &report.rt_mr1,
            &report.rt_mr2,
            &report.rt_mr3,
            &[0; 48 + 64],
        ]
        .concat();
        assert_eq!((tcb_info.len(), td_info.len()), (TCB_INFO, TD_INFO));
        let head = [
            &[0x81, 0, 0, 0][..],
            &[0; 12],
            &[0; 16],
            &Sha384::digest(&tcb_info),
            &Sha384::digest(&td_info),
            &report.report_data,
            &[0; 32],
        ]
        .concat();
        let mac = hmac::sign(&self.report_key(), &head);
        [&head, mac.as_ref(), &tcb_info, &[0; GAP], &td_info].concat()
    }

    /// What the quoting enclave makes of a report, once it has verified that this CPU made it.
    ///
    /// # Errors
    /// If another CPU made it, or nobody.
    pub fn quote_report(&self, format: QuoteFormat, report: &[u8]) -> anyhow::Result<Vec<u8>> {
        ensure!(
            report.len() == MAC_STRUCT + TCB_INFO + GAP + TD_INFO,
            "no TDREPORT"
        );
        let (mac_struct, rest) = report.split_at(MAC_STRUCT);
        let (head, mac) = mac_struct.split_at(MAC_STRUCT - MAC);
        hmac::verify(&self.report_key(), head, mac)
            .ok()
            .context("another CPU made this report")?;
        let (tcb_info, td_info) = (&rest[..TCB_INFO], &rest[TCB_INFO + GAP..]);
        ensure!(
            head[32..80] == Sha384::digest(tcb_info)[..] && head[80..128] == Sha384::digest(td_info)[..],
            "the report's parts are of different reports"
        );
        let register = |index: usize| field(td_info, 16 + 48 * index);
        let report = TDReport10 {
            tee_tcb_svn: field(tcb_info, 8),
            mr_seam: field(tcb_info, 24),
            mr_signer_seam: field(tcb_info, 72),
            seam_attributes: field(tcb_info, 120),
            td_attributes: field(td_info, 0),
            xfam: field(td_info, 8),
            mr_td: register(0),
            mr_config_id: register(1),
            mr_owner: register(2),
            mr_owner_config: register(3),
            rt_mr0: register(4),
            rt_mr1: register(5),
            rt_mr2: register(6),
            rt_mr3: register(7),
            report_data: field(head, 128),
        };
        Ok(self.quote(format, report))
    }

    fn report_key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[b"report key", &self.spec.ppid[..]].concat())
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N]
        .try_into()
        .expect("within a report of checked length")
}
