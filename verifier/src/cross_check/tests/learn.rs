//! What is learned makes the comparison pass, and lists no more than it must.

use proptest::prelude::*;

use super::*;

fn digests(events: &[&Measured<'_>]) -> Vec<u8> {
    events.iter().map(|event| event.digest[0]).collect()
}

/// What is listed for the TPM and for the TD, of logs of RTMR1.
fn listed(tpm: &[u8], td: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (tpm, td) = (rtmr1(tpm), rtmr1(td));
    let learned = learn(&tpm, &td, &[]).unwrap();
    assert!(cross_check(&tpm, &td, &Exceptions::from(&learned)).passed());
    (digests(&learned.tpm_only), digests(&learned.td_only))
}

#[test]
fn only_what_one_log_lacks_is_listed() {
    assert_eq!(listed(b"123", b"123"), (vec![], vec![]));
    assert_eq!(listed(b"1a2b", b"1y2z"), (b"ab".to_vec(), b"yz".to_vec()));
    assert_eq!(listed(b"1a2a", b"12"), (b"a".to_vec(), vec![]));
    assert_eq!(listed(&[0, 1, 0], &[1]), (vec![], vec![]));
}

#[test]
fn what_one_log_has_more_often_is_listed() {
    // GRUB measures the initrd to both sides, the EFI stub once more to the TPM.
    assert_eq!(listed(b"1a2a", b"1a2"), (b"a".to_vec(), vec![]));
}

#[test]
fn records_of_further_logs_are_listed_once() {
    let (boot, further) = (
        rtmr1(b"1a"),
        [record(Class::Rtmr2, b'a'), record(Class::Rtmr2, b'f')],
    );
    let td = rtmr1(b"1");
    let learned = learn(&boot, &td, &further).unwrap();
    assert_eq!(digests(&learned.tpm_only), b"af");
    assert_eq!(first_unlisted(further, &Exceptions::from(&learned)), None);
}

#[test]
fn the_first_records_of_rtmr0_are_learned_as_such() {
    let rtmr0 = |digests: &[u8]| -> Vec<Measured<'static>> {
        digests
            .iter()
            .map(|digest| record(Class::Rtmr0, *digest))
            .collect()
    };
    let tpm = rtmr0(b"12");
    for (td, slots) in [
        (&b"hc12"[..], [Some(b'h'), Some(b'c')]),
        (b"h12", [Some(b'h'), None]),
        (b"12", [None, None]),
    ] {
        let td = rtmr0(td);
        let learned = learn(&tpm, &td, &[]).unwrap();
        assert_eq!(
            [learned.td_hob, learned.cfv].map(|slot| slot.map(|event| event.digest[0])),
            slots
        );
        assert!(learned.td_only.is_empty());
        assert!(cross_check(&tpm, &td, &Exceptions::from(&learned)).passed());
    }
    let td = rtmr0(b"hc1y2");
    assert_eq!(digests(&learn(&tpm, &td, &[]).unwrap().td_only), b"y");
}

#[test]
fn logs_in_another_order_teach_nothing() {
    let (tpm, td) = (rtmr1(b"12"), rtmr1(b"21"));
    assert_eq!(learn(&tpm, &td, &[]).unwrap_err().reason, Reason::Differ);
}

proptest! {
    /// Whatever it learns from, it makes pass, and it lists nothing that both logs have equally often.
    #[test]
    fn what_is_learned_passes(tpm in prop::collection::vec(0u8..8, 0..24), td in prop::collection::vec(0u8..8, 0..24)) {
        let (tpm, td) = (rtmr1(&tpm), rtmr1(&td));
        if let Ok(learned) = learn(&tpm, &td, &[]) {
            prop_assert!(cross_check(&tpm, &td, &Exceptions::from(&learned)).passed());
            let count = |log: &[Measured<'_>], digest| log.iter().filter(|event| event.digest == digest).count();
            for event in &learned.tpm_only {
                prop_assert!(count(&tpm, event.digest) > count(&td, event.digest));
            }
            for event in &learned.td_only {
                prop_assert!(count(&td, event.digest) > count(&tpm, event.digest));
            }
        }
    }

    /// One boot, with records that only one side makes, is always learned.
    #[test]
    fn one_boot_is_learned(boot in prop::collection::vec((1u8..6, 0u8..4, 0u8..4), 0..24)) {
        let side = |only: fn(&(u8, u8, u8)) -> Option<u8>| -> Vec<u8> {
            boot.iter().flat_map(|step| [Some(step.0), only(step)]).flatten().collect()
        };
        let tpm = rtmr1(&side(|step| (step.1 > 0).then_some(100 + step.1)));
        let td = rtmr1(&side(|step| (step.2 > 0).then_some(200 + step.2)));
        let learned = learn(&tpm, &td, &[]).unwrap();
        prop_assert!(digests(&learned.tpm_only).iter().all(|digest| (100..200).contains(digest)));
        prop_assert!(digests(&learned.td_only).iter().all(|digest| *digest >= 200));
    }
}
