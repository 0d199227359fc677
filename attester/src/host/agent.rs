//! The agent: for which TD quotes it has the host's TPM quote, and over what.

use std::{path::PathBuf, sync::Arc, time::Duration};

use alloy_primitives::Address;
use chassis_verifier::{
    Base64,
    bundle::{Anchor, PcrValue},
    eventlog::DrtmLog,
    host::{DYNAMIC_PCRS, check_drtm_log, check_dynamic_pcrs},
    td::TdQuote,
    tpm::HashAlg,
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use super::{
    EnrolledKey, SocketAddress,
    ak::SignedQuote,
    made::MadeHere,
    protocol::{Answer, Code, QUESTION_LIMIT, Question, Refusal},
    qgs,
    relay::Relay,
    serve::serve,
};
use crate::{
    Error, Subject,
    tpm::{Tpm, check_quote},
};

/// For the TPM to be free. A guest waits half a minute for the whole of an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where an agent finds what, and where it is found.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// The host's TPM.
    pub tcti: String,
    /// What `chassis-node enroll` wrote. Read anew for each question, so a renewal needs no restart.
    pub enrolment: PathBuf,
    /// The launch's log, as [`drtm_log`](super::drtm_log) gives it.
    pub drtm_log: Vec<u8>,
    /// Where guests ask.
    pub listen: SocketAddress,
    /// Where hypervisors send their guests' quote requests.
    pub relay: SocketAddress,
    /// Where the quote generation service of this host listens.
    pub quote_service: SocketAddress,
}

/// The agent of one host. What it answers is worth as much as the launch that measured it.
#[derive(Debug)]
pub struct HostAgent {
    config: AgentConfig,
    made: Arc<MadeHere>,
    /// A TPM without a resource manager serves one client at a time. Who waits longest is next.
    turn: Semaphore,
}

impl HostAgent {
    /// An agent, after a look at the host: its launch must be one, and its log explain it.
    ///
    /// # Errors
    /// If the TPM does not answer, or PCR 17 and 18 hold no launch, or another than the log's.
    pub fn new(config: AgentConfig) -> Result<Self, Error> {
        let bank = EnrolledKey::read(&config.enrolment)?.bank;
        let pcrs = Tpm::open(&config.tcti)?.launch_pcrs(bank)?;
        check_launch(bank, &pcrs, &config.drtm_log)?;
        Ok(Self {
            config,
            made: Arc::default(),
            turn: Semaphore::new(1),
        })
    }

    /// Serves guests and hypervisors until it is dropped. `ready` is called once both can connect.
    ///
    /// # Errors
    /// If an address cannot be listened at.
    pub async fn serve(self, ready: impl FnOnce()) -> Result<(), Error> {
        let listening = |address: &SocketAddress| {
            let address = address.clone();
            async move {
                address.listen().await.map_err(|error| Error::Host {
                    address: address.to_string(),
                    problem: format!("cannot listen: {error}"),
                    retryable: false,
                })
            }
        };
        let guests = listening(&self.config.listen).await?;
        let hypervisors = listening(&self.config.relay).await?;
        let relay = Relay {
            service: self.config.quote_service.clone(),
            made: Arc::clone(&self.made),
        };
        let agent = Arc::new(self);
        let too_long = || Answer::Error(Refusal::new(Code::Question, "it is too long")).to_json();
        let asked = serve(guests, QUESTION_LIMIT, too_long, move |question| {
            let agent = Arc::clone(&agent);
            async move { agent.answer(question).await.to_json() }
        });
        let relayed = serve(hypervisors, qgs::REQUEST_LIMIT, qgs::refusal, move |request| {
            let relay = relay.clone();
            async move { relay.answer(&request).await }
        });
        ready();
        tokio::join!(asked, relayed);
        Ok(())
    }

    async fn answer(self: Arc<Self>, question: Vec<u8>) -> Answer {
        let answer = match serde_json::from_slice(&question) {
            Ok(Question::Ak {}) => self.key(),
            Ok(Question::Quote {
                anchor,
                operator,
                td_quote,
            }) => self.quote_in_turn(anchor, operator, td_quote).await,
            Err(error) => Err(Refusal::new(Code::Question, error.to_string())),
        };
        answer.unwrap_or_else(|refusal| {
            tracing::warn!("refused: {:?}: {}", refusal.code, refusal.message);
            Answer::Error(refusal)
        })
    }

    /// Quotes once the TPM is free.
    async fn quote_in_turn(
        self: Arc<Self>,
        anchor: Anchor,
        operator: Address,
        td_quote: Base64,
    ) -> Result<Answer, Refusal> {
        let agent = Arc::clone(&self);
        let Ok(Ok(_turn)) = timeout(PATIENCE, agent.turn.acquire()).await else {
            return Err(Refusal::new(
                Code::Tpm,
                "the TPM is busy with other guests; ask again",
            ));
        };
        // The TPM blocks.
        let quoted = spawn_blocking(move || {
            self.quote(&Subject {
                anchor: &anchor,
                operator,
                td_quote: &td_quote,
            })
        });
        let failed = |_| Err(Refusal::new(Code::Tpm, "the agent failed"));
        quoted.await.unwrap_or_else(failed)
    }

    fn key(&self) -> Result<Answer, Refusal> {
        let enrolment = self.enrolment()?;
        Ok(Answer::Ak {
            ak_public: enrolment.ak_public,
            registrar_statement: enrolment.statement,
            drtm_log: self.config.drtm_log.clone().into(),
        })
    }

    fn quote(&self, subject: &Subject<'_>) -> Result<Answer, Refusal> {
        TdQuote::parse(subject.td_quote).map_err(|error| Refusal::new(Code::TdQuote, error.to_string()))?;
        if !self.made.knows(subject.td_quote) {
            let text = "this host's quoting enclave has not made this TD quote within the last ten minutes: \
                        make another, on this host, whose hypervisor must send quote requests to the agent";
            return Err(Refusal::new(Code::TdQuote, text));
        }
        let enrolment = self.enrolment()?;
        let (signed, pcrs) = self
            .sign(&enrolment, subject.extra_data())
            .map_err(|error| Refusal::new(Code::Tpm, error.to_string()))??;
        let (attest, signature) = signed;
        Ok(Answer::Quote {
            attest: attest.into(),
            signature: signature.into(),
            pcrs,
        })
    }

    fn sign(
        &self,
        enrolment: &EnrolledKey,
        extra_data: [u8; 32],
    ) -> Result<Result<(SignedQuote, Vec<PcrValue>), Refusal>, Error> {
        let mut tpm = Tpm::open(&self.config.tcti)?;
        let key = tpm.create_endorsement_primary(&enrolment.template()?)?;
        if key.public_bytes[..] != enrolment.ak_public[..] {
            let text = "the enrolled key is not this TPM's: run `chassis-node enroll` on this host";
            return Ok(Err(Refusal::new(Code::NotEnrolled, text)));
        }
        let Some(signed) = tpm.quote_launch(&key, enrolment.bank, extra_data)? else {
            let text = "PCR 17 and 18 are not what the key is sealed to, so the TPM does not let it quote: launch the \
                        reviewed host stack, or enroll this one";
            return Ok(Err(Refusal::new(Code::Launch, text)));
        };
        let pcrs = tpm.launch_pcrs(enrolment.bank)?;
        let (attest, signature) = &signed;
        check_quote(&key.public_bytes, attest, signature, &pcrs)?
            .map_err(|fault| Error::unusable("the TPM's quote", fault))?;
        Ok(Ok((signed, pcrs)))
    }

    fn enrolment(&self) -> Result<EnrolledKey, Refusal> {
        EnrolledKey::read(&self.config.enrolment)
            .map_err(|error| Refusal::new(Code::NotEnrolled, error.to_string()))
    }
}

/// Asks the verifier's own questions, so that a host no relayer would accept does not start to serve.
fn check_launch(bank: HashAlg, pcrs: &[PcrValue], log: &[u8]) -> Result<(), Error> {
    let [pcr17, pcr18] = DYNAMIC_PCRS.map(|wanted| {
        let value = pcrs.iter().find(|pcr| pcr.index == wanted);
        value.map_or(&[][..], |pcr| &pcr.value[..])
    });
    let problem = |fault| Error::unusable("this host's launch", fault);
    check_dynamic_pcrs(bank, pcr17, pcr18).map_err(problem)?;
    check_drtm_log(&DrtmLog::parse(log)?, bank, pcr17, pcr18).map_err(problem)
}
