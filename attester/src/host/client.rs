//! The guest's side: the host's TPM as a source of evidence.

use std::time::Duration;

use tokio::time::timeout;

use super::{
    SocketAddress, frame,
    protocol::{ANSWER_LIMIT, Answer, Code, Question, Refusal},
};
use crate::{
    AttestationKey, Error, HostEvidence, Subject, TpmQuote, TpmQuoter, blocking, http, tpm::check_quote,
};

/// A discrete TPM takes half a second, and other guests may be before us.
const PATIENCE: Duration = Duration::from_secs(30);

/// The TPM of the host that this TD runs on, behind the host's agent.
#[derive(Clone, Debug)]
pub struct HostTpm {
    /// Where the agent listens.
    pub agent: SocketAddress,
}

impl TpmQuoter for HostTpm {
    fn attestation_key(&self) -> Result<AttestationKey, Error> {
        match self.ask(&Question::Ak {})? {
            Answer::Ak {
                ak_public,
                registrar_statement,
                drtm_log,
            } => Ok(AttestationKey {
                public: ak_public.0,
                certificates: Vec::new(),
                host: Some(HostEvidence {
                    registrar_statement: registrar_statement.0,
                    drtm_log: drtm_log.0,
                }),
            }),
            other => Err(self.refused(other)),
        }
    }

    fn quote(&self, key: &AttestationKey, subject: &Subject<'_>) -> Result<TpmQuote, Error> {
        let question = Question::Quote {
            anchor: *subject.anchor,
            operator: subject.operator,
            td_quote: subject.td_quote.to_vec().into(),
        };
        match self.ask(&question)? {
            Answer::Quote {
                attest,
                signature,
                pcrs,
            } => {
                // A host that was enrolled anew meanwhile signs by another key.
                check_quote(&key.public, &attest, &signature, &pcrs)?
                    .map_err(|fault| Error::unusable("the host's quote", fault))?;
                Ok(TpmQuote {
                    attest: attest.0,
                    signature: signature.0,
                    pcrs,
                })
            }
            other => Err(self.refused(other)),
        }
    }
}

impl HostTpm {
    fn ask(&self, question: &Question) -> Result<Answer, Error> {
        blocking::run(async {
            let question = serde_json::to_vec(question).map_err(|error| error.to_string())?;
            let answer = timeout(PATIENCE, async {
                let mut stream = self.agent.connect().await?;
                frame::write(&mut *stream, &question).await?;
                frame::read(&mut *stream, ANSWER_LIMIT).await
            })
            .await;
            let answer = answer
                .map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?
                .map_err(|error| format!("{error}; does the host run `chassis-node host-agent` there?"))?
                .ok_or("it ended the connection without an answer")?;
            serde_json::from_slice(&answer).map_err(|error| format!("it answers something else: {error}"))
        })
        .map_err(|problem| self.error(&problem, true))
    }

    fn refused(&self, answer: Answer) -> Error {
        match answer {
            Answer::Error(Refusal { code, message }) => {
                self.error(&message, matches!(code, Code::Tpm | Code::TdQuote))
            }
            _ => self.error("it answers another question", false),
        }
    }

    /// What is in an answer is the host's to choose, and comes to an operator's terminal.
    fn error(&self, problem: &str, retryable: bool) -> Error {
        Error::Host {
            address: self.agent.to_string(),
            problem: http::printable(problem),
            retryable,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    #[test]
    fn a_host_cannot_write_to_the_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let _inside = runtime.enter();
        let listener = UnixListener::bind(&path).unwrap();
        let tpm = HostTpm {
            agent: format!("unix:{}", path.display()).parse().unwrap(),
        };
        let clear = "\u{1b}[2J\u{202e}";
        let refusal = Refusal::new(Code::Tpm, format!("a{clear}b"));
        let answers = [
            Answer::Error(refusal).to_json(),
            // The parser's own message names it.
            serde_json::to_vec(&serde_json::json!({ clear: {} })).unwrap(),
        ];
        runtime.spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                frame::read(&mut stream, ANSWER_LIMIT).await.unwrap();
                frame::write(&mut stream, &answer).await.unwrap();
            }
        });
        for part in ["a [2J b", "[2J"] {
            let error = tpm.attestation_key().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
            assert!(!error.contains(['\u{1b}', '\u{202e}']), "{error:?}");
        }
    }
}
