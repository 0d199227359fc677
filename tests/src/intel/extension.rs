//! The SGX extension of a PCK certificate (Intel, "SGX PCK Certificate and CRL Profile Specification", §1.3).

use yasna::{DERWriter, DERWriterSeq, construct_der, models::ObjectIdentifier};

use super::PckSpec;

/// The extension's OID.
pub(super) const SGX: &[u64] = &[1, 2, 840, 113_741, 1, 13, 1];

/// The extension's value.
pub(super) fn sgx_extension(pck: &PckSpec) -> Vec<u8> {
    construct_der(|writer| {
        writer.write_sequence(|fields| {
            field(fields, &[1], |value| value.write_bytes(&pck.ppid));
            field(fields, &[2], |value| {
                value.write_sequence(|tcb| write_tcb(tcb, pck));
            });
            field(fields, &[3], |value| value.write_bytes(&pck.pce_id));
            field(fields, &[4], |value| value.write_bytes(&pck.fmspc));
            // 1: scalable.
            field(fields, &[5], |value| value.write_enum(1));
            field(fields, &[6], |value| value.write_bytes(&pck.platform_instance_id));
            field(fields, &[7], |value| {
                value.write_sequence(|configuration| {
                    field(configuration, &[7, 1], |value| {
                        value.write_bool(pck.dynamic_platform);
                    });
                    field(configuration, &[7, 2], |value| value.write_bool(pck.cached_keys));
                    field(configuration, &[7, 3], |value| value.write_bool(pck.smt_enabled));
                });
            });
        });
    })
}

fn write_tcb(tcb: &mut DERWriterSeq<'_>, pck: &PckSpec) {
    for (number, svn) in (1..).zip(pck.cpu_svn) {
        field(tcb, &[2, number], |value| value.write_u8(svn));
    }
    field(tcb, &[2, 17], |value| value.write_u16(pck.pce_svn));
    field(tcb, &[2, 18], |value| value.write_bytes(&pck.cpu_svn));
}

/// `SEQUENCE { OID, value }`, the OID below [`SGX`].
fn field(sequence: &mut DERWriterSeq<'_>, below: &[u64], value: impl FnOnce(DERWriter<'_>)) {
    sequence.next().write_sequence(|pair| {
        pair.next()
            .write_oid(&ObjectIdentifier::from_slice(&[SGX, below].concat()));
        value(pair.next());
    });
}
