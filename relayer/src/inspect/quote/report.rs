//! The report's registers, by their specification's names.

use dcap_qvl::quote::{EnclaveReport, Report, TDReport10, TDReport15, TDReport15Ex};
use serde::{Serialize, Serializer};

use crate::render::Cell;

/// Registers in the report's order. In JSON each is a member of the quote's object.
#[derive(Clone, Debug)]
pub(super) struct Fields(Vec<Field>);

#[derive(Clone, Debug)]
struct Field {
    key: &'static str,
    label: &'static str,
    value: String,
    note: String,
}

/// Everything the report says.
pub(super) fn fields_of(report: &Report) -> Fields {
    let mut fields = Fields(Vec::new());
    match report {
        Report::SgxEnclave(enclave) => fields.enclave(enclave),
        Report::TD10(td) => fields.td("TD 1.0", td),
        Report::TD15(td) => {
            fields.td("TD 1.5", &td.base);
            fields.td15(td);
        }
        Report::TD15Ex(td) => {
            fields.td("TD 1.5, extended", &td.base.base);
            fields.td15(&td.base);
            fields.td15_ex(td);
        }
    }
    fields
}

impl Fields {
    pub(super) fn rows(&self) -> Vec<(&'static str, Cell)> {
        self.0
            .iter()
            .map(|field| {
                let note = if field.note.is_empty() { "" } else { "  " };
                let shown = shortened(&field.value);
                (field.label, format!("{shown}{note}{}", field.note).into())
            })
            .collect()
    }

    fn td(&mut self, form: &str, td: &TDReport10) {
        self.text("reportType", "form", form);
        self.hex("mrtd", "MRTD", &td.mr_td);
        self.hex("rtmr0", "RTMR0", &td.rt_mr0);
        self.hex("rtmr1", "RTMR1", &td.rt_mr1);
        self.hex("rtmr2", "RTMR2", &td.rt_mr2);
        self.hex("rtmr3", "RTMR3", &td.rt_mr3);
        self.hex("mrseam", "MRSEAM", &td.mr_seam);
        self.hex("mrsignerseam", "MRSIGNERSEAM", &td.mr_signer_seam);
        self.hex("mrConfigId", "MR_CONFIG_ID", &td.mr_config_id);
        self.hex("mrOwner", "MR_OWNER", &td.mr_owner);
        self.hex("mrOwnerConfig", "MR_OWNER_CONFIG", &td.mr_owner_config);
        self.hex("xfam", "XFAM", &td.xfam);
        self.noted(
            "tdAttributes",
            "TD attributes",
            &td.td_attributes,
            flags(td.td_attributes),
        );
        self.hex("seamAttributes", "SEAM attributes", &td.seam_attributes);
        self.hex("teeTcbSvn", "TEE_TCB_SVN", &td.tee_tcb_svn);
        self.hex("reportData", "report data", &td.report_data);
    }

    fn td15(&mut self, td: &TDReport15) {
        self.hex("teeTcbSvn2", "TEE_TCB_SVN2", &td.tee_tcb_svn2);
        self.hex("mrServiceTd", "MR_SERVICETD", &td.mr_service_td);
    }

    fn td15_ex(&mut self, td: &TDReport15Ex) {
        self.text("vmid", "VMID", &td.vmid.to_string());
        self.hex("tdId", "TD_ID", &td.td_id);
        self.hex("devInfo", "DEV_INFO", &td.dev_info);
        self.hex("initServiceTdHash", "INIT_SERVTD_HASH", &td.init_service_td_hash);
        self.hex(
            "initServiceTdAttributes",
            "INIT_SERVTD_ATTR",
            &td.init_service_td_attributes,
        );
        self.hex("initCpuSvn", "INIT_CPUSVN", &td.init_cpu_svn);
        self.hex("initTeeTcbSvn", "INIT_TEE_TCB_SVN", &td.init_tee_tcb_svn);
        self.hex("initTeeFmspc", "INIT_TEE_FMSPC", &td.init_tee_fmspc);
        self.hex("curServiceTdHash", "CUR_SERVTD_HASH", &td.cur_service_td_hash);
        self.hex(
            "curServiceTdAttributes",
            "CUR_SERVTD_ATTR",
            &td.cur_service_td_attributes,
        );
    }

    fn enclave(&mut self, enclave: &EnclaveReport) {
        let attributes = enclave.attributes;
        let debug = if attributes[0] & 2 == 0 { "" } else { "DEBUG" };
        self.text("reportType", "form", "SGX enclave");
        self.hex("mrenclave", "MRENCLAVE", &enclave.mr_enclave);
        self.hex("mrsigner", "MRSIGNER", &enclave.mr_signer);
        self.text("isvProdId", "ISVPRODID", &enclave.isv_prod_id.to_string());
        self.text("isvSvn", "ISVSVN", &enclave.isv_svn.to_string());
        self.noted("attributes", "ATTRIBUTES", &attributes, debug.into());
        self.hex("miscSelect", "MISCSELECT", &enclave.misc_select.to_le_bytes());
        self.hex("reportCpuSvn", "CPUSVN", &enclave.cpu_svn);
        self.hex("reportData", "report data", &enclave.report_data);
    }

    fn hex(&mut self, key: &'static str, label: &'static str, value: &[u8]) {
        self.noted(key, label, value, String::new());
    }

    fn noted(&mut self, key: &'static str, label: &'static str, value: &[u8], note: String) {
        self.0.push(Field {
            key,
            label,
            value: hex::encode(value),
            note,
        });
    }

    fn text(&mut self, key: &'static str, label: &'static str, value: &str) {
        self.0.push(Field {
            key,
            label,
            value: value.to_owned(),
            note: String::new(),
        });
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|field| (field.key, &field.value)))
    }
}

/// A register nobody wrote to fills two lines of a terminal with zeros; say so instead.
fn shortened(value: &str) -> String {
    if value.len() >= 64 && value.bytes().all(|digit| digit == b'0') {
        format!("zero ({} bytes)", value.len() / 2)
    } else {
        value.to_owned()
    }
}

/// The names of the attributes that are set (TDX module 1.5 ABI, `TD_ATTRIBUTES`).
fn flags(attributes: [u8; 8]) -> String {
    const NAMES: [(u32, &str); 12] = [
        (0, "DEBUG"),
        (4, "HGS_PLUS_PROF"),
        (5, "PERF_PROF"),
        (6, "PMT_PROF"),
        (16, "ICSSD"),
        (17, "SERVTD_EXT"),
        (27, "LASS"),
        (28, "SEPT_VE_DISABLE"),
        (29, "MIGRATABLE"),
        (30, "PKS"),
        (31, "KL"),
        (63, "PERFMON"),
    ];
    let bits = u64::from_le_bytes(attributes);
    let set: Vec<_> = NAMES
        .iter()
        .filter(|(bit, _)| bits >> bit & 1 == 1)
        .map(|(_, name)| *name)
        .collect();
    set.join(" ")
}
