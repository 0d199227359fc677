//! Long work tells how far it is: one line that is written over, on a terminal only.

use std::{
    fmt,
    io::{IsTerminal as _, Write as _},
};

#[derive(Default)]
pub(super) struct Progress {
    is_shown: bool,
}

impl Progress {
    pub(super) fn say(&mut self, line: fmt::Arguments<'_>) {
        let mut err = std::io::stderr();
        if err.is_terminal() {
            self.is_shown = true;
            let _ = write!(err, "\r{line}\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
