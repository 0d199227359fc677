//! In what two reports differ.

use crate::registry::IProofOfCloudRegistry::Report;

/// The first part in which two reports differ, by its path.
pub(crate) fn difference(own: &Report, other: &Report) -> Option<String> {
    macro_rules! first_of {
        ($own:expr, $other:expr, $at:expr, $($field:ident),*) => {
            [$((stringify!($field), $own.$field == $other.$field)),*]
                .into_iter()
                .find(|(_, is_same)| !is_same)
                .map(|(name, _)| format!("{}{name}", $at))
        };
    }
    // In this order: what stands in an entry is said more exactly than that the lists differ.
    let platforms = own.platforms.iter().zip(&other.platforms).enumerate();
    let platform = platforms.map(|(place, (own, other))| {
        let at = format!("platforms[{place}].");
        first_of!(
            own,
            other,
            at,
            platformId,
            provider,
            custody,
            custodyExpiry,
            statusNonce
        )
    });
    let grants = own.grants.iter().zip(&other.grants).enumerate();
    let grant = grants.map(|(place, (own, other))| {
        let at = format!("grants[{place}].");
        first_of!(
            own,
            other,
            at,
            operator,
            platformId,
            instanceId,
            workloadId,
            binding,
            custody,
            tcb,
            teeClass,
            flags,
            evidenceTime,
            ttl,
            expiry,
            digest,
            statusNonce
        )
    });
    platform.chain(grant).flatten().next().or_else(|| {
        first_of!(
            own,
            other,
            "",
            relayerSetId,
            policyDigest,
            issuedAt,
            deadline,
            platforms,
            grants,
            renewals,
            digests,
            archive
        )
    })
}
