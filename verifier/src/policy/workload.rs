//! A reviewed workload: what one image measures, on whatever size of machine.

use alloy_primitives::B256;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{Error, canonical::canonical_digest};

/// One image that somebody read and found worth its name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// For people.
    pub name: String,
    /// The TD's initial contents: its virtual firmware.
    pub mrtd: Accept<48>,
    /// Firmware configuration. Differs by machine size.
    pub rtmr0: Accept<48>,
    /// Boot loader.
    pub rtmr1: Accept<48>,
    /// Kernel, command line, initrd.
    pub rtmr2: Accept<48>,
    /// What the running system extends, which no log need explain. Zero where it does not.
    #[serde(default = "zero_register")]
    pub rtmr3: Accept<48>,
    /// The TDX module.
    pub mrseam: Accept<48>,
    /// Extended features, little-endian as in the quote.
    pub xfam: Accept<8>,
    /// TD attributes, little-endian as in the quote.
    pub td_attributes: Accept<8>,
    /// PCR 0, SHA-384 bank: the firmware's version, and that the machine is a TDX one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pcr0: Vec<HexBytes<48>>,
    /// SHA-384 digests of events that only the TPM's log has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tpm_only: Vec<HexBytes<48>>,
    /// SHA-384 digests of events that only the CCEL has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub td_only: Vec<HexBytes<48>>,
    /// The `TdHob`, RTMR0's first event. Differs by machine size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub td_hob: Option<Accept<48>>,
    /// The configuration firmware volume (`CFV`), RTMR0's event after the `TdHob`, or its first where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cfv: Option<Accept<48>>,
    /// Nobody outside can choose `extraData` or reach the vTPM. Without this, binding is at most `Quote`.
    #[serde(default)]
    pub vtpm_sealed: bool,
    /// Where the operator's key lives.
    #[serde(default)]
    pub operator_key: KeyHome,
}

/// Where the operator's key lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyHome {
    /// The image makes it inside the TD and never lets it out.
    InTd,
    /// Anywhere.
    #[default]
    External,
}

/// Which values of a register are accepted: `"any"`, or a list of hex strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accept<const N: usize> {
    /// The word `any`: the register says nothing about the image.
    Any,
    /// One of these.
    OneOf(Vec<HexBytes<N>>),
}

impl<const N: usize> Accept<N> {
    /// Whether `value` is accepted.
    pub fn accepts(&self, value: &[u8; N]) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(values) => values.iter().any(|accepted| &accepted.0 == value),
        }
    }

    /// Whether `value` is accepted by name.
    pub(crate) fn lists(&self, value: &[u8; N]) -> bool {
        matches!(self, Self::OneOf(_)) && self.accepts(value)
    }

    /// Whether both accept some value.
    fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, Self::Any) => true,
            (Self::Any, Self::OneOf(values)) | (Self::OneOf(values), Self::Any) => !values.is_empty(),
            (Self::OneOf(values), other) => values.iter().any(|value| other.accepts(&value.0)),
        }
    }
}

impl<const N: usize> Serialize for Accept<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Any => serializer.serialize_str("any"),
            Self::OneOf(values) => values.serialize(serializer),
        }
    }
}

impl<'de, const N: usize> Deserialize<'de> for Accept<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "neither `any` nor a list of hex strings")]
        enum Raw {
            Word(String),
            List(Vec<String>),
        }
        match Raw::deserialize(deserializer)? {
            Raw::Word(word) if word == "any" => Ok(Self::Any),
            Raw::Word(word) => Err(D::Error::custom(format!(
                "`{word}` is neither `any` nor a list of hex strings"
            ))),
            Raw::List(list) => list
                .iter()
                .map(|text| HexBytes::parse(text).map_err(D::Error::custom))
                .collect::<Result<_, _>>()
                .map(Self::OneOf),
        }
    }
}

impl Workload {
    /// Whether both accept some measurements.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.mrtd.overlaps(&other.mrtd)
            && self.rtmr0.overlaps(&other.rtmr0)
            && self.rtmr1.overlaps(&other.rtmr1)
            && self.rtmr2.overlaps(&other.rtmr2)
            && self.rtmr3.overlaps(&other.rtmr3)
            && self.mrseam.overlaps(&other.mrseam)
            && self.xfam.overlaps(&other.xfam)
            && self.td_attributes.overlaps(&other.td_attributes)
    }

    /// The entry's name on chain: SHA-256 of its canonical JSON.
    ///
    /// # Errors
    /// If it cannot be serialised.
    pub fn id(&self) -> Result<B256, Error> {
        canonical_digest(self)
    }

    pub(super) fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        if self.vtpm_sealed && self.pcr0.is_empty() {
            mistakes.push((
                "pcr0",
                "lists no value, though the workload is `vtpm_sealed`".into(),
            ));
        }
        // Where nothing was measured, there is nothing that TPM and TD could have measured both.
        let compared = [
            ("rtmr0", &self.rtmr0),
            ("rtmr1", &self.rtmr1),
            ("rtmr2", &self.rtmr2),
        ];
        for (key, register) in compared {
            if self.vtpm_sealed && register.lists(&UNTOUCHED) {
                mistakes.push((
                    key,
                    "lists a register that nothing was measured into, so nothing would be compared, though the \
                     workload is `vtpm_sealed`"
                        .into(),
                ));
            }
        }
        // A TD with firmware of its own extends any registers it likes, so `mrtd` most of all.
        let image = [
            ("mrtd", &self.mrtd),
            ("rtmr1", &self.rtmr1),
            ("rtmr2", &self.rtmr2),
            ("rtmr3", &self.rtmr3),
        ];
        for (key, register) in image {
            if matches!(register, Accept::Any) {
                mistakes.push((key, "names the image, so not `any`".into()));
            }
        }
        mistakes
    }
}

/// `N` bytes, in hex without prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HexBytes<const N: usize>(pub [u8; N]);

impl<const N: usize> HexBytes<N> {
    fn parse(text: &str) -> Result<Self, String> {
        let mut bytes = [0; N];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|error| format!("`{text}` is not {N} bytes in hex: {error}"))?;
        Ok(Self(bytes))
    }
}

impl<const N: usize> Serialize for HexBytes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for HexBytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// A register's value where nothing was measured into it.
const UNTOUCHED: [u8; 48] = [0; 48];

fn zero_register() -> Accept<48> {
    Accept::OneOf(vec![HexBytes(UNTOUCHED)])
}
