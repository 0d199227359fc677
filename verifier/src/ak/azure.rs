//! What kind of machine Azure certifies a vTPM for.

use x509_parser::oid_registry::OID_X509_COMMON_NAME;

use super::{AkCertificate, AkError};

impl AkCertificate<'_> {
    /// Azure certifies it as the attestation key of a *confidential* machine.
    ///
    /// Hazard: the same root and the same intermediates certify the vTPMs of ordinary machines, which run on the host and
    /// answer to it. Those have `TrustedVM` in their name.
    ///
    /// # Errors
    /// If the subject is not one common name `….ConfidentialVM.Azure.windows.net`, or the extended key usage lacks
    /// `tcg-kp-AIKCertificate`.
    pub fn check_azure_confidential(&self) -> Result<(), AkError> {
        let error = |problem: String| Err(AkError::NotAzureConfidential(problem));
        let subject = self.x509().subject();
        let mut names = subject.iter_attributes();
        let (Some(name), None) = (names.next(), names.next()) else {
            return error(format!("subject `{subject}` is not one name"));
        };
        let label = name
            .as_str()
            .ok()
            .filter(|_| name.attr_type() == &OID_X509_COMMON_NAME)
            .and_then(|name| name.strip_suffix(CONFIDENTIAL));
        if !label.is_some_and(|label| !label.is_empty() && !label.contains('.')) {
            return error(format!("subject is `{subject}`"));
        }
        self.check_attestation_purpose()
            .or_else(|lacks| error(lacks.to_string()))
    }
}

const CONFIDENTIAL: &str = ".ConfidentialVM.Azure.windows.net";

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};

    use super::*;

    #[test]
    fn a_confidential_machines_key_is_accepted() {
        check(&params("2ede2d532aaf.ConfidentialVM.Azure.windows.net", AIK)).unwrap();
        let mut both = params("a.ConfidentialVM.Azure.windows.net", AIK);
        let other = ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 4, 1, 311, 10, 3, 12]);
        both.extended_key_usages.insert(0, other);
        check(&both).unwrap();
    }

    #[test]
    fn an_ordinary_machines_key_is_refused() {
        for name in [
            "2ede2d532aaf.TrustedVM.Azure.windows.net",
            "2ede2d532aaf.TrustedVM.ConfidentialVM.Azure.windows.net",
            ".ConfidentialVM.Azure.windows.net",
            "ConfidentialVM.Azure.windows.net",
            "a.ConfidentialVM.Azure.windows.net.example.org",
            "a.confidentialvm.azure.windows.net",
        ] {
            assert_refused(&params(name, AIK), "subject is");
        }
        let mut organization = params("", AIK);
        organization.distinguished_name = rcgen::DistinguishedName::new();
        assert_refused(&organization, "not one name");
        organization
            .distinguished_name
            .push(DnType::OrganizationName, "a.ConfidentialVM.Azure.windows.net");
        assert_refused(&organization, "subject is");
        let mut two = params("a.ConfidentialVM.Azure.windows.net", AIK);
        two.distinguished_name.push(DnType::OrganizationName, "b");
        assert_refused(&two, "not one name");
    }

    #[test]
    fn a_key_of_another_use_is_refused() {
        let mut none = params("a.ConfidentialVM.Azure.windows.net", AIK);
        none.extended_key_usages.clear();
        assert_refused(&none, "AIKCertificate");
        assert_refused(
            &params("a.ConfidentialVM.Azure.windows.net", EK),
            "AIKCertificate",
        );
    }

    fn assert_refused(params: &CertificateParams, why: &str) {
        let error = check(params).unwrap_err();
        assert!(matches!(error, AkError::NotAzureConfidential(_)));
        assert!(error.to_string().contains(why), "{error}");
    }

    fn check(params: &CertificateParams) -> Result<(), AkError> {
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        AkCertificate::parse(der.der())
            .unwrap()
            .check_azure_confidential()
    }

    fn params(name: &str, usage: &[u64]) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(usage.to_vec())];
        params
    }

    const AIK: &[u64] = &[2, 23, 133, 8, 3];
    const EK: &[u64] = &[2, 23, 133, 8, 1];
}
