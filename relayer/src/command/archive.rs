//! `chassis archive`.

use std::{
    collections::BTreeMap,
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
};

use alloy::primitives::B256;
use clap::{Args, Subcommand};
use futures::TryStreamExt as _;
use serde::Serialize;

use crate::{
    Error,
    archive::{Archive, ArchivePlace, Entry, Kind},
    render::{Cell, Document, Format, Mark, Refusal, View, finish, finish_text},
};

/// Check, list or read an archive.
#[derive(Clone, Debug, Subcommand)]
pub enum ArchiveCommand {
    /// Hash every document again, and list those whose content does not match their name.
    ///
    /// Exit code 0: all are whole; 1: some are not; 2: the archive cannot be read.
    Verify {
        /// Which.
        #[command(flatten)]
        at: At,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List what is there.
    List {
        /// Which.
        #[command(flatten)]
        at: At,
        /// Of one kind only.
        #[arg(long)]
        kind: Option<Kind>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print a document, after checking that it is what its name says.
    Get {
        /// Which.
        #[command(flatten)]
        at: At,
        /// Its kind.
        kind: Kind,
        /// What it is named after.
        digest: B256,
    },
}

/// Which archive.
#[derive(Clone, Debug, Args)]
pub struct At {
    /// A folder, or `s3://BUCKET/PREFIX` with credentials in the environment (`AWS_ACCESS_KEY_ID`, …).
    #[arg(long, env = "CHASSIS_ARCHIVE", value_name = "FOLDER|URL")]
    archive: String,
    /// Where an S3-compatible service other than AWS answers.
    #[arg(long, env = "CHASSIS_ARCHIVE_ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,
}

impl ArchiveCommand {
    /// Does it.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Verify { at, json } => finish(answer(&at, verify), Format::from_switch(json)),
            Self::List { at, kind, json } => {
                let listed = answer(&at, async move |archive| list(&archive, kind).await);
                finish(listed, Format::from_switch(json))
            }
            Self::Get { at, kind, digest } => finish_text(answer(&at, async move |archive| {
                let document = archive.get(kind, digest).await?;
                let document =
                    document.ok_or_else(|| Refusal(format!("{digest} is not in {}", archive.place())))?;
                Ok(String::from_utf8_lossy(&document).into_owned())
            })),
        }
    }
}

/// Opens the archive, without making one, and asks.
fn answer<T>(at: &At, ask: impl AsyncFnOnce(Archive) -> Result<T, Refusal>) -> Result<T, Refusal> {
    let place = ArchivePlace::parse(&at.archive, at.endpoint.as_deref()).map_err(|problem| {
        // CHASSIS_ARCHIVE may be there for the audit.
        let is_served = ["http://", "https://"]
            .iter()
            .any(|scheme| at.archive.starts_with(scheme));
        let hint = if is_served {
            "; a relayer's URL serves `chassis audit` only"
        } else {
            ""
        };
        Refusal(format!("{problem}{hint}"))
    })?;
    if let ArchivePlace::Folder(folder) = &place
        && !folder.is_dir()
    {
        return Err(Refusal(format!("{} is no folder", folder.display())));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async { ask(Archive::at(&place)?).await })
}

async fn verify(archive: Archive) -> Result<Verified, Refusal> {
    let mut verified = Verified {
        archive: archive.place().to_string(),
        documents: BTreeMap::new(),
        bad: Vec::new(),
    };
    let mut progress = Progress::new();
    for kind in Kind::ALL {
        let mut entries = archive.entries(kind);
        let mut whole = 0;
        while let Some(entry) = entries.try_next().await? {
            progress.step(verified.bad.len());
            match check(&archive, &entry).await? {
                None => whole += 1,
                Some(problem) => verified.bad.push(Bad {
                    path: entry.path,
                    problem,
                    remedy: remedy(problem),
                }),
            }
        }
        verified.documents.insert(kind.folder(), whole);
    }
    progress.end();
    Ok(verified)
}

/// An archive that cannot be reached is no bad document: that error ends the command.
async fn check(archive: &Archive, entry: &Entry) -> Result<Option<Problem>, Error> {
    let Some(digest) = entry.digest else {
        return Ok(Some(Problem::Name));
    };
    match archive.get(entry.kind, digest).await {
        Ok(Some(_)) => Ok(None),
        Ok(None) => Ok(Some(Problem::Gone)),
        Err(Error::ArchiveCorrupt { .. }) => Ok(Some(Problem::Content)),
        Err(error) => Err(error),
    }
}

async fn list(archive: &Archive, kind: Option<Kind>) -> Result<Listed, Refusal> {
    let mut entries = Vec::new();
    for kind in Kind::ALL
        .into_iter()
        .filter(|each| kind.is_none_or(|wanted| wanted == *each))
    {
        entries.extend(archive.entries(kind).try_collect::<Vec<_>>().await?);
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Listed(entries))
}

/// What is wrong with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Problem {
    /// Its content has another hash than its name.
    Content,
    /// Its name is no digest.
    Name,
    /// It was listed, and could not be read a moment later.
    Gone,
}

fn remedy(problem: Problem) -> &'static str {
    match problem {
        Problem::Content => {
            "restore it from a copy, or from another relayer; posting the same bundle again mends it too"
        }
        Problem::Name => "it is not the relayer's: move it elsewhere",
        Problem::Gone => "something removes documents: the archive must keep them",
    }
}

#[derive(Debug, Serialize)]
struct Bad {
    path: String,
    problem: Problem,
    remedy: &'static str,
}

/// How many documents of each kind are whole, and which are not.
#[derive(Debug, Serialize)]
struct Verified {
    archive: String,
    documents: BTreeMap<&'static str, u64>,
    bad: Vec<Bad>,
}

impl View for Verified {
    fn document(&self) -> Document {
        let counts = self
            .documents
            .iter()
            .map(|(kind, whole)| (*kind, Cell::from(format!("{whole} whole"))));
        let document = Document::new().heading(&self.archive).fields(counts.collect());
        if self.bad.is_empty() {
            return document;
        }
        let rows = self.bad.iter().map(|bad| {
            let problem = match bad.problem {
                Problem::Content => "content has another hash",
                Problem::Name => "name is no digest",
                Problem::Gone => "gone while being read",
            };
            vec![
                Cell::from(&bad.path),
                Cell::marked(problem, Mark::Bad),
                Cell::from(bad.remedy),
            ]
        });
        document
            .heading("Not as they should be")
            .table(&["document", "problem", "what to do"], rows.collect())
    }

    fn holds(&self) -> bool {
        self.bad.is_empty()
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Listed(Vec<Entry>);

impl View for Listed {
    fn document(&self) -> Document {
        let rows = self
            .0
            .iter()
            .map(|entry| vec![Cell::from(entry.kind.folder()), Cell::from(&entry.path)]);
        Document::new().table(&["kind", "document"], rows.collect())
    }
}

/// A line on a terminal that tells how far it is. The number of documents is not known before the end.
struct Progress {
    is_shown: bool,
    done: u64,
}

impl Progress {
    fn new() -> Self {
        Self {
            is_shown: std::io::stderr().is_terminal(),
            done: 0,
        }
    }

    fn step(&mut self, bad: usize) {
        self.done += 1;
        if self.is_shown && self.done.is_multiple_of(16) {
            // Where nobody can be told, the answer still counts.
            let _ = write!(std::io::stderr(), "\r{} documents hashed, {bad} bad", self.done);
        }
    }

    fn end(&self) {
        if self.is_shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relayers_url_is_told_from_an_archive() {
        for (archive, is_served) in [
            ("https://relayer.example", true),
            ("ftp://relayer.example", false),
        ] {
            let at = At {
                archive: archive.into(),
                endpoint: None,
            };
            let Err(Refusal(why)) = answer(&at, verify) else {
                panic!("{archive}")
            };
            assert!(why.contains("neither a folder"), "{why}");
            assert_eq!(why.contains("serves `chassis audit` only"), is_served, "{why}");
        }
    }
}
