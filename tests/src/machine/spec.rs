//! What machine to boot.

use crate::{
    firmware::{Image, Shape},
    intel::{PckSpec, QuoteFormat, td_report},
};

/// A machine to be booted. Every field is something an attack may change.
#[derive(Clone, Debug)]
pub struct MachineSpec {
    /// Its name, and the label its platform grows from.
    pub name: String,
    /// What it boots.
    pub image: Image,
    /// Its size.
    pub shape: Shape,
    /// Where its instance is said to run.
    pub zone: String,
    /// The customer's project.
    pub project_id: String,
    /// Where it is.
    pub place: Place,
    /// Whether its provider calls it a production machine.
    pub is_production: bool,
    /// The layout of its quotes.
    pub quote_format: QuoteFormat,
    /// TD attributes; bit 0 is debug.
    pub td_attributes: [u8; 8],
    /// RTMR3, as its running system left it; no log says how.
    pub rtmr3: [u8; 48],
    /// What the host writes into `MR_OWNER`.
    pub pzid: Pzid,
    /// What its PCK certificate says; a genuine, current platform's where absent.
    pub pck: Option<PckSpec>,
}

/// Where a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the provider, who certifies its TPM and lists its CPU.
    DataCenter,
    /// On a workbench: a genuine CPU that nobody lists, and a TPM that its owner certified himself.
    Basement,
}

/// What the host says of which instance a TD is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pzid {
    /// Nothing, as on the Google machines we have seen.
    Silent,
    /// The truth, at the provider; nothing, on a workbench.
    Honest,
    /// This.
    Of([u8; 48]),
}

impl MachineSpec {
    /// An honest machine: the reviewed image, small, in `us-central1-a`.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            image: Image::reviewed(),
            shape: Shape::SMALL,
            zone: "us-central1-a".into(),
            project_id: "simulated-project".into(),
            place: Place::DataCenter,
            is_production: true,
            quote_format: QuoteFormat::V4,
            td_attributes: td_report().td_attributes,
            rtmr3: [0; 48],
            pzid: Pzid::Silent,
            pck: None,
        }
    }

    /// The same with another image.
    #[must_use]
    pub fn image(self, image: Image) -> Self {
        Self { image, ..self }
    }

    /// The same in another zone.
    #[must_use]
    pub fn zone(self, zone: &str) -> Self {
        Self {
            zone: zone.to_owned(),
            ..self
        }
    }

    /// The same on a workbench.
    #[must_use]
    pub fn in_basement(self) -> Self {
        Self {
            place: Place::Basement,
            ..self
        }
    }
}
