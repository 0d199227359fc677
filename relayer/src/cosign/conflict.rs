//! Identities that cannot all be true. Pure.
//!
//! Each bundle may be right by itself, and two of them still be a lie of somebody's: one instance on two machines, one
//! machine in two providers' hands. A relayer signs neither until one of them has run out.

use chassis_verifier::CustodyLevel;

use crate::{
    post::report::{Carried, View},
    registry::IProofOfCloudRegistry::Status,
};

/// Why this bundle cannot be true beside what the registry shows, if so.
pub(super) fn with_registry(one: &Carried, view: &View) -> Option<String> {
    let (fields, now) = (&one.fields, view.block.timestamp);
    if let Some(holder) = view.holders.get(&fields.instance_id)
        && *holder != one.operator
        && let Some(stored) = view.operators.get(holder)
        && stored.status == Status::Active
        && stored.expiry.to::<u64>() > now
    {
        return Some(if stored.platformId == fields.platform_id {
            format!("instance {} is attested for {holder}", fields.instance_id)
        } else {
            format!(
                "instance {} is attested for {holder} on another platform, {}",
                fields.instance_id, stored.platformId
            )
        });
    }
    if let Some(platform) = view.platforms.get(&fields.platform_id)
        && platform.status == Status::Active
        && platform.custody > CustodyLevel::None as u8
        && platform.custodyExpiry.to::<u64>() > now
        && fields.provider != 0
        && platform.provider != fields.provider
    {
        return Some(format!(
            "platform {} is provider {}'s, and this says provider {}",
            fields.platform_id, platform.provider, fields.provider
        ));
    }
    None
}

/// Why these two bundles cannot both be true, if so.
pub(super) fn between(a: &Carried, b: &Carried) -> Option<String> {
    let (x, y) = (&a.fields, &b.fields);
    if a.operator == b.operator {
        return Some(format!("{} is in it twice", a.operator));
    }
    if x.instance_id == y.instance_id && !x.instance_id.is_zero() {
        return Some(format!(
            "instance {} is claimed for {} and {}",
            x.instance_id, a.operator, b.operator
        ));
    }
    if x.platform_id == y.platform_id && x.provider != y.provider && x.provider != 0 && y.provider != 0 {
        return Some(format!(
            "platform {} is claimed for providers {} and {}",
            x.platform_id, x.provider, y.provider
        ));
    }
    None
}
