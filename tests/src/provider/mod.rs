//! An infrastructure provider in Google's shape: it certifies the keys of its virtual machines' TPMs, and says which
//! hosts are its own.

mod extension;

use chassis_verifier::{HostRegistryClaim, platform_id};
use rcgen::{
    BasicConstraints, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyUsagePurpose, PublicKeyData, SerialNumber,
};

use sha2::{Digest as _, Sha384};

use crate::{
    Authority, CrlSpec, Seed,
    authority::{authority_params, certificate_params},
    seed,
};

/// The provider's number in the policies this simulation writes, and on chain.
pub const PROVIDER_ID: u16 = 1;

/// The simulated provider: the same seed gives the same root.
#[derive(Debug)]
pub struct Provider {
    root: Authority,
    intermediate: Authority,
}

/// One virtual machine as the provider knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Where it runs, as `us-central1-a`.
    pub zone: String,
    /// The customer's project, by number.
    pub project_number: u64,
    /// The customer's project, by name.
    pub project_id: String,
    /// The machine, by number. Real ones exceed `i64`.
    pub instance_id: u64,
    /// The machine, by name.
    pub name: String,
    /// Whether the provider runs its production software on the host.
    pub is_production: bool,
}

impl Instance {
    /// What the host writes into `MR_OWNER` of this instance's TD.
    pub fn pzid(&self) -> [u8; 48] {
        let document = format!(
            r#"{{"instanceId":{},"numericalProjectId":{},"zone":"{}"}}"#,
            self.instance_id, self.project_number, self.zone
        );
        Sha384::digest(document).into()
    }
}

impl Provider {
    /// Its PKI.
    pub fn new(seed: Seed) -> Self {
        let params = |name| {
            let mut params = authority_params(provider_name(name), BasicConstraints::Unconstrained);
            // As Google's: "this CA signs endorsement-key certificates" (TCG EK Credential Profile 2.5 §3.5.1).
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(vec![2, 23, 133, 8, 1])];
            params
        };
        let root = Authority::root(params("Simulated EK/AK CA Root"), seed.key("provider/root"));
        let intermediate = root.intermediate(
            params("Simulated EK/AK CA Intermediate"),
            seed.key("provider/intermediate"),
        );
        Self { root, intermediate }
    }

    /// The root certificate (DER), for a policy to name.
    pub fn root_der(&self) -> Vec<u8> {
        self.root.der()
    }

    /// The intermediate certificate (DER), which a machine's evidence must carry.
    pub fn intermediate_der(&self) -> Vec<u8> {
        self.intermediate.der()
    }

    /// An attestation key's certificate (DER).
    pub fn ak_certificate(&self, key: &impl PublicKeyData, instance: &Instance) -> Vec<u8> {
        self.certificate(key, instance, KeyUsagePurpose::DigitalSignature)
    }

    /// An endorsement key's certificate (DER): of the same shape, but its key may only decrypt.
    pub fn ek_certificate(&self, key: &impl PublicKeyData, instance: &Instance) -> Vec<u8> {
        self.certificate(key, instance, KeyUsagePurpose::KeyAgreement)
    }

    /// The certificate (DER) of a host's identity key, which says that the key signs only what its TPM made. It names a
    /// host of the provider's, and no instance.
    pub fn iak_certificate(&self, key: &impl PublicKeyData, host: &str) -> Vec<u8> {
        // tcg-kp-AIKCertificate.
        let usage = ExtendedKeyUsagePurpose::Other(vec![2, 23, 133, 8, 3]);
        self.host_certificate(key, format!("IAK of host {host}"), vec![usage])
    }

    /// The certificate (DER) of a host's device identity (`IDevID`): of the same shape, but its key signs whatever it is given.
    pub fn idevid_certificate(&self, key: &impl PublicKeyData, host: &str) -> Vec<u8> {
        self.host_certificate(key, format!("IDevID of host {host}"), Vec::new())
    }

    /// The certificate (DER) of the attestation key of a confidential machine's vTPM, in Azure's shape.
    pub fn azure_ak_certificate(&self, key: &impl PublicKeyData, machine: &str) -> Vec<u8> {
        let mut name = DistinguishedName::new();
        name.push(
            DnType::CommonName,
            format!("{machine}.ConfidentialVM.Azure.windows.net"),
        );
        let mut params = certificate_params(name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // tcg-kp-AIKCertificate.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(vec![2, 23, 133, 8, 3])];
        params.serial_number = Some(SerialNumber::from_slice(&serial(key)));
        self.intermediate.issue(&params, key).der().to_vec()
    }

    /// The CRLs (DER) of root and intermediate, with the same dates; the root revokes nothing.
    pub fn crls(&self, spec: &CrlSpec) -> [Vec<u8>; 2] {
        let nothing = CrlSpec {
            revoked: Vec::new(),
            ..spec.clone()
        };
        [self.root.crl(&nothing), self.intermediate.crl(spec)]
    }

    /// The root's CRL (DER) after it has revoked the intermediate.
    pub fn crl_without_intermediate(&self, spec: &CrlSpec) -> Vec<u8> {
        self.root.crl(&CrlSpec {
            revoked: vec![self.intermediate.serial()],
            ..spec.clone()
        })
    }

    /// What the registry of its own hosts says about the host with this PPID.
    pub fn host_registry_claim(&self, ppid: [u8; 16], zone: &str) -> HostRegistryClaim {
        HostRegistryClaim {
            platform_id: platform_id(&ppid),
            provider: PROVIDER_ID,
            zone: zone.to_owned(),
        }
    }

    fn host_certificate(
        &self,
        key: &impl PublicKeyData,
        name: String,
        usages: Vec<ExtendedKeyUsagePurpose>,
    ) -> Vec<u8> {
        let mut subject = DistinguishedName::new();
        subject.push(DnType::OrganizationName, "Simulated Compute Engine");
        subject.push(DnType::CommonName, name);
        let mut params = certificate_params(subject);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = usages;
        params.serial_number = Some(SerialNumber::from_slice(&serial(key)));
        self.intermediate.issue(&params, key).der().to_vec()
    }

    fn certificate(&self, key: &impl PublicKeyData, instance: &Instance, usage: KeyUsagePurpose) -> Vec<u8> {
        let mut params = certificate_params(instance_name(instance));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![usage];
        params.serial_number = Some(SerialNumber::from_slice(&serial(key)));
        params.custom_extensions = vec![
            CustomExtension::from_oid_content(
                extension::AUTHORITY_INFO_ACCESS,
                extension::authority_info_access(),
            ),
            CustomExtension::from_oid_content(extension::INSTANCE, extension::instance(instance)),
        ];
        self.intermediate.issue(&params, key).der().to_vec()
    }
}

/// The serial number of the certificate that a key gets, to be revoked by.
pub fn serial(key: &impl PublicKeyData) -> Vec<u8> {
    seed::serial(key.der_bytes()).to_vec()
}

fn provider_name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, "US");
    name.push(DnType::StateOrProvinceName, "California");
    name.push(DnType::OrganizationName, "Chassis Simulation");
    name.push(DnType::OrganizationalUnitName, "Simulated Cloud");
    name.push(DnType::CommonName, common_name);
    name
}

fn instance_name(instance: &Instance) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::LocalityName, instance.zone.as_str());
    name.push(DnType::OrganizationName, "Simulated Compute Engine");
    name.push(DnType::OrganizationalUnitName, instance.project_id.as_str());
    name.push(DnType::CommonName, instance.instance_id.to_string());
    name
}
