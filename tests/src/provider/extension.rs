//! The extensions rcgen does not know.

use yasna::{DERWriter, DERWriterSeq, Tag, construct_der, models::ObjectIdentifier};

use super::Instance;

/// Google's instance extension.
pub(super) const INSTANCE: &[u64] = &[1, 3, 6, 1, 4, 1, 11_129, 2, 1, 21];

/// Where the issuer's certificate could be had (RFC 5280 §4.2.2.1).
pub(super) const AUTHORITY_INFO_ACCESS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];

/// The instance extension's value, byte for byte as in real certificates (go-tpm-tools, `server/instance_info.go`).
pub(super) fn instance(instance: &Instance) -> Vec<u8> {
    construct_der(|writer| {
        writer.write_sequence(|fields| {
            fields.next().write_utf8_string(&instance.zone);
            fields.next().write_u64(instance.project_number);
            fields.next().write_utf8_string(&instance.project_id);
            fields.next().write_u64(instance.instance_id);
            fields.next().write_utf8_string(&instance.name);
            tagged(fields, 0, |value| {
                value.write_sequence(|security| {
                    // Version, isProduction, tpmDataAlwaysEncrypted, suspendResumeDisabled, vmtdAllowed,
                    // alwaysInDebugMode.
                    tagged(security, 0, |value| value.write_u8(0));
                    tagged(security, 1, |value| value.write_bool(instance.is_production));
                    tagged(security, 2, |value| value.write_bool(true));
                    for number in 3..6 {
                        tagged(security, number, |value| value.write_bool(false));
                    }
                });
            });
        });
    })
}

/// An address that must never be followed.
pub(super) fn authority_info_access() -> Vec<u8> {
    construct_der(|writer| {
        writer.write_sequence(|descriptions| {
            descriptions.next().write_sequence(|description| {
                let ca_issuers = ObjectIdentifier::from_slice(&[1, 3, 6, 1, 5, 5, 7, 48, 2]);
                description.next().write_oid(&ca_issuers);
                description.next().write_tagged_implicit(Tag::context(6), |uri| {
                    uri.write_ia5_string("http://evidence.invalid/never-follow-me.crt");
                });
            });
        });
    })
}

fn tagged(sequence: &mut DERWriterSeq<'_>, number: u64, value: impl FnOnce(DERWriter<'_>)) {
    sequence.next().write_tagged(Tag::context(number), value);
}
