//! Google's instance extension: which virtual machine a vTPM belongs to.
//!
//! ```text
//! SEQUENCE {
//!     zone UTF8String, projectNumber INTEGER, projectId UTF8String,
//!     instanceId INTEGER, instanceName UTF8String,
//!     [0] EXPLICIT SEQUENCE {
//!         [0] EXPLICIT securityVersion INTEGER OPTIONAL,
//!         [1] EXPLICIT isProduction BOOLEAN OPTIONAL,
//!         [2…5] EXPLICIT BOOLEAN OPTIONAL      tpmDataAlwaysEncrypted, suspendResumeAlwaysDisabled,
//!     } OPTIONAL                               vmtdAlwaysDisabled, alwaysInYarn
//! }
//! ```
//!
//! As `google/go-tpm-tools` (`server/verify.go`) and `google/go-attestation` read it.

use serde::{Serialize, Serializer};
use x509_parser::asn1_rs::{self, Any, CheckDerConstraints, Class, FromDer, Oid, Tag, Utf8String, oid};

use crate::ParseError;

/// What Google says about the instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceIdentity {
    /// As `us-central1-a`.
    pub zone: String,
    /// The project's number.
    #[serde(serialize_with = "text")]
    pub project_number: u64,
    /// The project's name, as `example.com:project`.
    pub project_id: String,
    /// The instance's number; half of all exceed `i64`, and in JSON it is text since numbers there end at 2⁵³.
    #[serde(serialize_with = "text")]
    pub instance_id: u64,
    /// The instance's name.
    pub instance_name: String,
    /// Absent in the oldest certificates.
    pub security: Option<SecurityProperties>,
}

/// What Google says about the vTPM's surroundings. What is absent counts as zero, or as false.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "Google's own fields, independent of each other"
)]
pub struct SecurityProperties {
    /// `securityVersion`.
    #[serde(serialize_with = "text")]
    pub version: u64,
    /// A production machine, not one of Google's own tests.
    pub is_production: bool,
    /// `tpmDataAlwaysEncrypted`.
    pub tpm_data_always_encrypted: bool,
    /// `suspendResumeAlwaysDisabled`.
    pub suspend_resume_always_disabled: bool,
    /// `vmtdAlwaysDisabled`.
    pub vmtd_always_disabled: bool,
    /// `alwaysInYarn`.
    pub always_in_yarn: bool,
}

impl InstanceIdentity {
    /// `CloudComputeInstanceIdentifier`.
    pub const OID: Oid<'static> = oid!(1.3.6.1.4.1.11129.2.1.21);

    /// Parses the extension's value.
    ///
    /// # Errors
    /// If it is not of this shape, a number is negative or exceeds `u64`, or bytes are left over at any level.
    pub fn parse(der: &[u8]) -> Result<Self, ParseError> {
        let mut outer = Reader::new(der);
        let mut fields =
            outer.constructed("CloudComputeInstanceIdentifier", Class::Universal, Tag::Sequence)?;
        outer.finish()?;
        let identity = Self {
            zone: fields.string("zone")?,
            project_number: fields.number("projectNumber")?,
            project_id: fields.string("projectId")?,
            instance_id: fields.number("instanceId")?,
            instance_name: fields.string("instanceName")?,
            security: (!fields.is_empty()).then(|| fields.security()).transpose()?,
        };
        fields.finish()?;
        Ok(identity)
    }

    /// Google vouches for a production machine.
    pub fn is_production(&self) -> bool {
        self.security.is_some_and(|security| security.is_production)
    }
}

/// What is left of one DER level; `all` is only for offsets in errors.
struct Reader<'a> {
    all: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn new(all: &'a [u8]) -> Self {
        Self { all, rest: all }
    }

    fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn string(&mut self, field: &'static str) -> Result<String, ParseError> {
        let string: Utf8String<'_> = self.value(field)?;
        Ok(string.string())
    }

    fn number(&mut self, field: &'static str) -> Result<u64, ParseError> {
        self.value(field)
    }

    fn flag(&mut self, field: &'static str) -> Result<bool, ParseError> {
        // Hazard: the check for `bool` in asn1-rs 0.7 reads the first byte of what may have none (its issue 142).
        if self.peek(field)?.data.is_empty() {
            return Err(self.error(field, "no content".into()));
        }
        self.value(field)
    }

    fn security(&mut self) -> Result<SecurityProperties, ParseError> {
        let mut wrapped = self.constructed("securityProperties", Class::ContextSpecific, Tag(0))?;
        let mut fields = wrapped.constructed("securityProperties", Class::Universal, Tag::Sequence)?;
        wrapped.finish()?;
        let mut security = SecurityProperties::default();
        let mut next = 0;
        while !fields.is_empty() {
            let tag = fields.peek("securityProperties")?.header.tag().0;
            // Ascending, so none can be there twice.
            if tag < next || tag > 5 {
                return Err(fields.error(
                    "securityProperties",
                    format!("[{tag}] is not known, or not in order"),
                ));
            }
            next = tag + 1;
            let mut property = fields.constructed("securityProperties", Class::ContextSpecific, Tag(tag))?;
            match tag {
                0 => security.version = property.number("securityVersion")?,
                1 => security.is_production = property.flag("isProduction")?,
                2 => security.tpm_data_always_encrypted = property.flag("tpmDataAlwaysEncrypted")?,
                3 => {
                    security.suspend_resume_always_disabled = property.flag("suspendResumeAlwaysDisabled")?;
                }
                4 => security.vmtd_always_disabled = property.flag("vmtdAlwaysDisabled")?,
                _ => security.always_in_yarn = property.flag("alwaysInYarn")?,
            }
            property.finish()?;
        }
        Ok(security)
    }

    fn constructed(&mut self, field: &'static str, class: Class, tag: Tag) -> Result<Self, ParseError> {
        let before = self.rest;
        let any = self.any(field)?;
        if any.header.class() != class || any.header.tag() != tag || !any.header.is_constructed() {
            self.rest = before;
            return Err(self.error(
                field,
                format!("found {:?} {:?}", any.header.class(), any.header.tag()),
            ));
        }
        Ok(Self {
            all: self.all,
            rest: any.data,
        })
    }

    fn value<T>(&mut self, field: &'static str) -> Result<T, ParseError>
    where
        T: TryFrom<Any<'a>, Error = asn1_rs::Error> + CheckDerConstraints,
    {
        let before = self.rest;
        let any = self.any(field)?;
        T::check_constraints(&any)
            .and_then(|()| T::try_from(any))
            .map_err(|error| {
                self.rest = before;
                self.error(field, error.to_string())
            })
    }

    fn any(&mut self, field: &'static str) -> Result<Any<'a>, ParseError> {
        let (rest, any) = self.split(field)?;
        self.rest = rest;
        Ok(any)
    }

    fn peek(&self, field: &'static str) -> Result<Any<'a>, ParseError> {
        self.split(field).map(|(_, any)| any)
    }

    fn split(&self, field: &'static str) -> Result<(&'a [u8], Any<'a>), ParseError> {
        Any::from_der(self.rest).map_err(|error| self.error(field, error.to_string()))
    }

    fn finish(self) -> Result<(), ParseError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.error("end", format!("{} trailing bytes", self.rest.len())))
        }
    }

    fn error(&self, field: &'static str, problem: String) -> ParseError {
        // `rest` is always a part of `all`.
        let offset = (self.rest.as_ptr() as usize).saturating_sub(self.all.as_ptr() as usize);
        ParseError {
            what: "Google's instance extension",
            field,
            offset: Some(offset),
            problem,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn text<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}
