//! The TD on a host, as software inside sees it: no TPM, and quotes that come through the hypervisor.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{BareMetal, service::ask_for_quote};
use crate::machine::{TsmService, write_boot_id, write_td};

/// A running TD's `/sys`. It ends when dropped.
#[derive(Debug)]
pub struct Guest {
    sys_root: PathBuf,
    _tsm: TsmService,
}

impl BareMetal {
    /// The TD on it, whose hypervisor asks for quotes at the Unix socket `quotes`.
    ///
    /// # Errors
    /// If its files cannot be written.
    pub fn guest(&self, quotes: &Path) -> io::Result<Guest> {
        let sys_root = self.dir.join("guest");
        write_td(&sys_root, &self.boot)?;
        write_boot_id(&sys_root)?;
        let (td, quotes) = (Arc::new(self.td.clone()), quotes.to_owned());
        let tsm = TsmService::start(&sys_root, move |report_data| {
            ask_for_quote(&quotes, &td.td_report(report_data))
        })?;
        Ok(Guest { sys_root, _tsm: tsm })
    }
}

impl Guest {
    /// A folder that stands for its `/`.
    pub fn sys_root(&self) -> &Path {
        &self.sys_root
    }
}
