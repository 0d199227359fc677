//! Platforms, and the certificates Intel gives them.

use rcgen::{CustomExtension, IsCa, KeyUsagePurpose, SerialNumber};

use super::{CURRENT_SVNS, Intel, extension, intel_name};
use crate::{Key, authority::certificate_params, seed};

/// What a PCK certificate says of a platform. Every field is something an attack may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PckSpec {
    /// The platform's provisioning ID: the name of one CPU package.
    pub ppid: [u8; 16],
    /// Family, model, stepping, platform, custom SKU: which collateral applies.
    pub fmspc: [u8; 6],
    /// The provisioning certification enclave's identity.
    pub pce_id: [u8; 2],
    /// The sixteen SGX TCB components.
    pub cpu_svn: [u8; 16],
    /// The provisioning certification enclave's version.
    pub pce_svn: u16,
    /// Which registration of the platform this is.
    pub platform_instance_id: [u8; 16],
    /// Whether packages may be added; set on every real Google machine.
    pub dynamic_platform: bool,
    /// Whether Intel's registration service keeps the platform's root keys.
    pub cached_keys: bool,
    /// Whether hyper-threading is on; set on every real Google machine.
    pub smt_enabled: bool,
}

impl PckSpec {
    /// The serial number of the certificate a platform with this PPID gets.
    pub(super) fn serial(ppid: [u8; 16]) -> Vec<u8> {
        seed::serial(&ppid).to_vec()
    }
}

/// A machine's platform as the quoting enclave sees it: a PCK and an attestation key.
#[derive(Debug)]
pub struct Platform {
    /// What its certificate says.
    pub spec: PckSpec,
    pub(super) pck: Key,
    pub(super) attestation_key: Key,
    /// PCK certificate, platform CA, root.
    pub(super) chain_pem: String,
}

impl Intel {
    /// What the certificate of a genuine, current platform with this label says.
    pub fn pck_spec(&self, label: &str) -> PckSpec {
        PckSpec {
            ppid: self.seed.bytes(&format!("intel/{label}/ppid")),
            fmspc: [0x00, 0x80, 0x6f, 0x05, 0x00, 0x00],
            pce_id: [0, 0],
            cpu_svn: CURRENT_SVNS,
            pce_svn: 11,
            platform_instance_id: self.seed.bytes(&format!("intel/{label}/instance")),
            dynamic_platform: true,
            cached_keys: false,
            smt_enabled: true,
        }
    }

    /// Certifies a platform. Its keys depend on its PPID alone.
    pub fn platform(&self, spec: PckSpec) -> Platform {
        let ppid = hex::encode(spec.ppid);
        let pck = self.seed.key(&format!("intel/{ppid}/pck"));
        let mut params = certificate_params(intel_name("Simulated SGX PCK Certificate"));
        params.serial_number = Some(SerialNumber::from_slice(&PckSpec::serial(spec.ppid)));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::ContentCommitment,
        ];
        params.custom_extensions = vec![CustomExtension::from_oid_content(
            extension::SGX,
            extension::sgx_extension(&spec),
        )];
        let leaf = self.platform_ca.issue(&params, &pck).pem();
        Platform {
            spec,
            pck,
            attestation_key: self.seed.key(&format!("intel/{ppid}/attestation-key")),
            chain_pem: [leaf, self.platform_ca.pem(), self.root.pem()].concat(),
        }
    }
}
