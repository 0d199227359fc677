//! `chassis-node fetch-issuers`.

use std::{fs, path::PathBuf, process::ExitCode};

use chassis_attester::{CertificatePool, Error, GoogleAk, TpmQuoter as _, fetch_issuers};
use clap::Args;
use serde_json::json;

use super::{Output, args::TpmArgs};

#[derive(Debug, Args)]
pub(crate) struct FetchIssuersArgs {
    /// The one host that may be asked: where the provider publishes its CA certificates, HOST or HOST:PORT.
    #[arg(long, value_name = "HOST")]
    host: String,
    /// The folder to write them to, for --ak-intermediates.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The attestation key's certificate (DER), in place of the one in the TPM.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    #[command(flatten)]
    tpm: TpmArgs,
}

impl FetchIssuersArgs {
    pub(crate) async fn run(self, output: &Output) -> Result<ExitCode, Error> {
        let issuers = fetch_issuers(self.leaf()?, &self.host).await?;
        let failed = |path: &PathBuf, source| Error::File {
            doing: "write a certificate to",
            path: path.clone(),
            source,
            hint: "",
        };
        fs::create_dir_all(&self.out).map_err(|source| failed(&self.out, source))?;
        let mut written = Vec::new();
        for (number, issuer) in issuers.iter().enumerate() {
            let path = self.out.join(format!("issuer-{}.der", number + 1));
            fs::write(&path, issuer).map_err(|source| failed(&path, source))?;
            written.push(path);
        }
        output.result(
            &format!("{} certificates written to {}", written.len(), self.out.display()),
            &json!({ "written": written }),
        );
        Ok(ExitCode::SUCCESS)
    }

    fn leaf(&self) -> Result<Vec<u8>, Error> {
        if let Some(path) = &self.certificate {
            return fs::read(path).map_err(|source| Error::File {
                doing: "read",
                path: path.clone(),
                source,
                hint: "",
            });
        }
        let key = GoogleAk {
            tcti: self.tpm.tcti.clone(),
            intermediates: CertificatePool::default(),
        };
        // The pool is empty: this is the key's own.
        Ok(key.attestation_key()?.certificates.concat())
    }
}
