//! What a command answers: tables for a person, JSON for a machine, and an exit code for a script.
//!
//! Evidence is written by strangers. Every text goes through [`printable`] before it reaches a terminal, in tables, in JSON
//! and in error messages: a certificate's subject must not move the cursor or turn the reading direction.

mod document;
mod text;
mod time;

use std::{
    io::{self, ErrorKind, Write},
    process::ExitCode,
};

use serde::Serialize;

pub use chassis_program::date;
pub use document::{Cell, Document, Mark};
pub use text::{printable, printable_json, text_of};
pub(crate) use time::parse_time;

/// An answer: JSON through [`Serialize`], tables through [`View::document`].
pub trait View: Serialize {
    /// The answer for a person.
    fn document(&self) -> Document;

    /// Whether what was asked holds. A command that only decodes always says yes.
    fn holds(&self) -> bool {
        true
    }

    /// Whether all that was asked could be answered.
    fn is_said(&self) -> bool {
        true
    }
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Tables.
    Tables,
    /// One JSON document.
    Json,
}

impl Format {
    /// What a `--json` switch asks for.
    pub fn from_switch(json: bool) -> Self {
        if json { Self::Json } else { Self::Tables }
    }
}

/// Why there is no answer: one line for standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl<E: std::error::Error> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Writes the answer to standard output, or the refusal to standard error.
///
/// Exit code 0: it holds; 1: it does not; 2: there is no answer, and one line on standard error says why, or no whole answer.
pub fn finish<V: View>(answer: Result<V, Refusal>, format: Format) -> ExitCode {
    end(answer.and_then(|view| {
        let text = match format {
            Format::Tables => view.document().to_string(),
            Format::Json => printable_json(&serde_json::to_string_pretty(&view)?) + "\n",
        };
        write(&text)?;
        Ok(match (view.holds(), view.is_said()) {
            (false, _) => ExitCode::from(1),
            (true, false) => ExitCode::from(2),
            (true, true) => ExitCode::SUCCESS,
        })
    }))
}

/// Writes a whole file, whose texts from strangers are escaped already, to standard output; or the refusal.
pub fn finish_text(answer: Result<String, Refusal>) -> ExitCode {
    end(answer.and_then(|text| {
        write(&text)?;
        Ok(ExitCode::SUCCESS)
    }))
}

fn end(code: Result<ExitCode, Refusal>) -> ExitCode {
    match code {
        Ok(code) => code,
        Err(Refusal(reason)) => {
            let line = text::one_line(&reason);
            // Where standard error is closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "chassis: {line}");
            ExitCode::from(2)
        }
    }
}

/// A reader that has seen enough (`| head`) is no failure.
fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
