//! A machine's TPM, virtual or discrete: a real `swtpm` process, certified and measured into as a provider's host does it.

mod launch;
mod locality;
mod measure;
mod provision;
mod rotate;
mod swtpm;

use std::str::FromStr;

use anyhow::Context as _;
use tss_esapi::{Context, TctiNameConf, interface_types::session_handles::AuthSession};

pub use locality::Locality;
pub use provision::{AK_CERTIFICATE, AK_TEMPLATE, create_ak};
pub use swtpm::Swtpm;

pub(crate) use measure::extend;
pub(crate) use provision::{NV_CHUNK, is_defined, point, write_nv};

/// A client of the TPM at `tcti`. The TPM serves one at a time: drop it soon.
pub(crate) fn connect(tcti: &str) -> anyhow::Result<Context> {
    let name = TctiNameConf::from_str(tcti).with_context(|| format!("`{tcti}` names no TPM"))?;
    let mut context = Context::new(name).with_context(|| format!("no TPM answers at `{tcti}`"))?;
    context.set_sessions((Some(AuthSession::Password), None, None));
    Ok(context)
}
