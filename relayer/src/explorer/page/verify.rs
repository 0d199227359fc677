//! "Verify it yourself": the exact commands.

use maud::{Markup, html};

use crate::explorer::Explorer;

/// A command, and what it does.
#[derive(Debug)]
pub(in crate::explorer) struct Command {
    pub(in crate::explorer) does: &'static str,
    pub(in crate::explorer) text: String,
}

impl Explorer {
    /// Flags that every command takes. The RPC URL is the reader's own: this server's would be no check, and may hold a key.
    pub(in crate::explorer) fn flags(&self) -> String {
        format!(
            "--rpc-url $RPC_URL --registry {}",
            self.0.chain.registry.address()
        )
    }

    /// Where evidence can be had, if anywhere.
    fn archive_flag(&self) -> String {
        let archive = self.0.results.public_url();
        archive.map_or(ARCHIVE.to_owned(), ToString::to_string)
    }

    /// Has all that was posted about a subject appraised anew.
    pub(in crate::explorer) fn reappraise(&self, subject: &str) -> Command {
        Command {
            does: "Fetch the evidence behind it, check its hash, and appraise it anew as of then:",
            text: format!(
                "chassis audit {subject} {} --reappraise --archive {}",
                self.flags(),
                self.archive_flag()
            ),
        }
    }
}

/// Where this server knows no archive that others can ask.
const ARCHIVE: &str = "$ARCHIVE";

/// The box.
pub(in crate::explorer) fn verify(commands: &[Command]) -> Markup {
    html! {
        section.verify aria-labelledby="verify" {
            h2 #verify { "Verify it yourself" }
            p {
                "Believe neither this page nor its server. Set " code { "RPC_URL" }
                " to an endpoint of your own, "
                @if commands.iter().any(|command| command.text.contains(ARCHIVE)) {
                    code { "ARCHIVE" } " to a relayer's URL or the folder of an archive, "
                }
                "and run:"
            }
            @for command in commands {
                div.command {
                    p { (command.does) }
                    pre tabindex="0" aria-label=(command.does) { code.copy data-full=(command.text) { (command.text) } }
                }
            }
        }
    }
}
