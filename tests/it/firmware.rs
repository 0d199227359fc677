//! Generated boots before the verifier's log parsers.

use chassis_sim::firmware::{EfiStub, Image, MeasuredBoot, Shape};
use chassis_verifier::{
    Accept, HexBytes,
    cross_check::{Exceptions, cross_check, td_measured, tpm_measured},
    eventlog::{Algorithm, Ccel, TcgLog},
};

#[test]
fn the_verifier_replays_both_logs_to_the_registers() {
    for boot in boots() {
        let rtmrs = boot.rtmrs();
        let area = boot.ccel_area();
        let ccel = Ccel::parse(&area).unwrap();
        assert_eq!(ccel.rtmrs(), rtmrs);
        assert_ne!(rtmrs[0], [0; 48]);
        assert_eq!(rtmrs[3], [0; 48]);
        let log = boot.tpm_log();
        let log = TcgLog::parse(&log).unwrap();
        let replay = log.replay(Algorithm::Sha384).unwrap();
        for (pcr, value) in (0..).zip(boot.pcrs_sha384()) {
            assert_eq!(replay.values()[pcr].to_array(), Some(value), "PCR {pcr}");
        }
        let replay = log.replay(Algorithm::Sha256).unwrap();
        for (pcr, value) in (0..).zip(boot.pcrs_sha256()) {
            assert_eq!(replay.values()[pcr].to_array(), Some(value), "PCR {pcr}");
        }
    }
}

#[test]
fn both_logs_of_one_boot_match() {
    for boot in boots() {
        let result = compare(&boot, &boot);
        assert!(result.is_ok(), "{result:?}");
    }
}

#[test]
fn logs_of_two_images_do_not() {
    let reviewed = MeasuredBoot::of(&Image::reviewed(), &Shape::SMALL);
    for image in [
        Image::other_kernel(),
        Image::other_cmdline(),
        Image::other_initrd(),
        Image::distribution(),
    ] {
        let other = MeasuredBoot::of(&image, &Shape::SMALL);
        assert!(compare(&reviewed, &other).is_err(), "{}", image.name);
        assert!(compare(&other, &reviewed).is_err(), "{}", image.name);
    }
}

#[test]
fn size_changes_the_configuration_register_alone() {
    let small = MeasuredBoot::of(&Image::reviewed(), &Shape::SMALL).rtmrs();
    let large = MeasuredBoot::of(&Image::reviewed(), &Shape::LARGE).rtmrs();
    assert_ne!(small[0], large[0]);
    assert_eq!(small[1..], large[1..]);
}

#[test]
fn pcr_0_tells_a_tdx_machine_from_an_ordinary_one() {
    let pcr0 = |shape| MeasuredBoot::of(&Image::reviewed(), shape).pcrs_sha384()[0];
    assert_eq!(pcr0(&Shape::SMALL), pcr0(&Shape::LARGE));
    assert_ne!(pcr0(&Shape::SMALL), pcr0(&Shape::ORDINARY));
}

#[test]
fn the_stub_tells_the_tpm_what_the_td_may_not_know() {
    let boot = |stub| {
        MeasuredBoot::of(
            &Image {
                stub,
                ..Image::reviewed()
            },
            &Shape::SMALL,
        )
    };
    assert_eq!(boot(EfiStub::TpmOnly).tpm_only().len(), 2);
    assert!(boot(EfiStub::Both).tpm_only().is_empty());
    assert_eq!(
        boot(EfiStub::Both).pcrs_sha384(),
        boot(EfiStub::TpmOnly).pcrs_sha384()
    );
    assert_ne!(boot(EfiStub::Both).rtmrs()[2], boot(EfiStub::TpmOnly).rtmrs()[2]);
}

fn boots() -> Vec<MeasuredBoot> {
    let both = Image {
        stub: EfiStub::Both,
        ..Image::distribution()
    };
    [Image::reviewed(), Image::distribution(), both]
        .iter()
        .flat_map(|image| [Shape::SMALL, Shape::LARGE].map(|shape| MeasuredBoot::of(image, &shape)))
        .collect()
}

/// The TPM's log of one boot against the CCEL of another, with the exceptions a policy makes for the former.
fn compare(tpm: &MeasuredBoot, td: &MeasuredBoot) -> Result<(), String> {
    let [hob, volume] = tpm
        .td_only()
        .map(|digest| Some(Accept::OneOf(vec![HexBytes(digest)])));
    let exceptions = Exceptions {
        tpm_only: tpm.tpm_only().into_iter().collect(),
        td_hob: hob,
        cfv: volume,
        ..Exceptions::default()
    };
    let (log, ccel) = (tpm.tpm_log(), td.ccel());
    let tpm = tpm_measured(&TcgLog::parse(&log).expect("a log")).expect("a SHA-384 bank");
    let td = td_measured(&Ccel::parse(&ccel).expect("a log"));
    cross_check(&tpm, &td, &exceptions)
        .mismatch()
        .map_or(Ok(()), |mismatch| Err(mismatch.to_string()))
}
