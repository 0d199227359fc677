//! Identities that cannot all be true. Pure.
//!
//! Each bundle may be right by itself, and two of them still be a lie of somebody's: one instance on two machines, one
//! machine in two providers' hands. A relayer signs neither until one of them has run out.

use chassis_verifier::CustodyLevel;

use crate::{
    registry::IProofOfCloudRegistry::Status,
    report::{Carried, View, needs_entry},
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
    let stored = view.platforms.get(&fields.platform_id);
    if fields.provider == 0 && stored.is_none_or(|stored| needs_entry(stored, fields)) {
        return Some(format!(
            "nothing says in which provider's hands platform {} is, and the registry takes none without",
            fields.platform_id
        ));
    }
    if view.lowers(one).unwrap_or(true) {
        return Some(format!(
            "it would lower the custody of platform {}, or end it sooner, for everybody there; it waits until that has run out",
            fields.platform_id
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

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256, aliases::U40};

    use super::*;
    use crate::report::tests::{NOW, attestation, carried, view};

    #[test]
    fn two_machines_of_two_operators_are_no_conflict() {
        let all = [carried(1), carried(2)];
        assert_eq!(between(&all[0], &all[1]), None);
        assert_eq!(with_registry(&all[0], &view(&all)), None);
    }

    #[test]
    fn two_operators_on_one_machine_are_no_conflict() {
        let (a, mut b) = (carried(1), carried(2));
        b.fields.platform_id = a.fields.platform_id;
        assert_eq!(between(&a, &b), None);
    }

    #[test]
    fn one_instance_is_not_two_operators() {
        let (a, mut b) = (carried(1), carried(2));
        b.fields.instance_id = a.fields.instance_id;
        assert!(between(&a, &b).unwrap().contains("instance"));
        // Without a TPM there is no instance, and so nothing that two could claim.
        let (mut a, mut b) = (a, b);
        a.fields.instance_id = B256::ZERO;
        b.fields.instance_id = B256::ZERO;
        assert_eq!(between(&a, &b), None);
    }

    #[test]
    fn one_operator_is_not_there_twice() {
        let (a, mut b) = (carried(1), carried(2));
        b.operator = a.operator;
        assert!(between(&a, &b).unwrap().contains("twice"));
    }

    #[test]
    fn one_platform_is_not_two_providers() {
        let (a, mut b) = (carried(1), carried(2));
        b.fields.platform_id = a.fields.platform_id;
        b.fields.provider = 2;
        assert!(between(&a, &b).unwrap().contains("providers 1 and 2"));
        // Who names no provider contradicts none.
        b.fields.provider = 0;
        assert_eq!(between(&a, &b), None);
    }

    #[test]
    fn a_platform_in_nobodys_hands_waits_for_one_who_names_them() {
        let mut one = carried(1);
        one.fields.provider = 0;
        let mut view = view(std::slice::from_ref(&one));
        assert!(with_registry(&one, &view).unwrap().contains("nothing says"));
        let platform = view.platforms.get_mut(&one.fields.platform_id).unwrap();
        (platform.status, platform.provider) = (Status::Active, 2);
        (platform.custody, platform.custodyExpiry) =
            (one.fields.custody, U40::from(one.fields.custody_expiry));
        assert_eq!(with_registry(&one, &view), None, "no entry is needed");
        view.platforms.clear();
        assert!(with_registry(&one, &view).unwrap().contains("nothing says"));
    }

    #[test]
    fn evidence_that_would_lower_a_live_platform_waits() {
        let mut one = carried(1);
        let mut view = view(std::slice::from_ref(&one));
        let platform = view.platforms.get_mut(&one.fields.platform_id).unwrap();
        platform.status = Status::Active;
        (platform.provider, platform.custody) = (one.fields.provider, one.fields.custody);
        platform.custodyExpiry = U40::from(one.fields.expiry - 64);
        assert_eq!(with_registry(&one, &view), None);
        one.fields.custody -= 1;
        assert!(with_registry(&one, &view).unwrap().contains("lower"));
    }

    #[test]
    fn an_instance_that_is_attested_elsewhere_is_not_here() {
        let one = carried(1);
        let mut view = view(std::slice::from_ref(&one));
        let (holder, elsewhere) = (Address::repeat_byte(8), B256::repeat_byte(9));
        view.holders.insert(one.fields.instance_id, holder);
        let stored = view.operators.entry(holder).or_insert_with(attestation);
        stored.status = Status::Active;
        stored.expiry = U40::from(NOW + 1);
        stored.platformId = elsewhere;
        assert!(with_registry(&one, &view).unwrap().contains("another platform"));

        view.operators.get_mut(&holder).unwrap().platformId = one.fields.platform_id;
        assert!(with_registry(&one, &view).unwrap().contains("attested for"));
        // What has run out holds nothing.
        view.operators.get_mut(&holder).unwrap().expiry = U40::from(NOW);
        assert_eq!(with_registry(&one, &view), None);
    }

    #[test]
    fn a_platform_in_one_providers_hands_is_not_in_anothers() {
        let one = carried(1);
        let mut view = view(std::slice::from_ref(&one));
        let platform = view.platforms.get_mut(&one.fields.platform_id).unwrap();
        platform.status = Status::Active;
        platform.provider = 2;
        platform.custody = 2;
        platform.custodyExpiry = U40::from(NOW + 1);
        assert!(with_registry(&one, &view).unwrap().contains("provider 2's"));
        view.platforms
            .get_mut(&one.fields.platform_id)
            .unwrap()
            .custodyExpiry = U40::from(NOW);
        assert_eq!(with_registry(&one, &view), None, "that custody is over");
    }
}
