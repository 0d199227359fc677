//! The command line.

mod args;
mod output;

use std::{fs, time::Duration};

use chassis_attester::{
    CertificatePool, ConfigfsTsm, Error, GoogleAk, Relayer, Request, Sources, SysLogs, collect, consent,
    finalized_anchor, operator_key,
};
use chassis_verifier::bundle::Bundle;

use args::{AttestArgs, NodeArgs, RegisterArgs};

pub(crate) use args::{Cli, Command};
pub(crate) use output::Output;

pub(crate) async fn run(command: Command, output: &Output) -> Result<(), Error> {
    match command {
        Command::Attest(args) => write(args, output).await,
        Command::Register(args) => register(args, output).await,
    }
}

async fn write(args: AttestArgs, output: &Output) -> Result<(), Error> {
    let bundle = attest(args.node, output).await?;
    fs::write(&args.out, bundle.to_json()?).map_err(|source| Error::File {
        doing: "write the bundle to",
        path: args.out.clone(),
        source,
        hint: "",
    })?;
    output.written(&bundle, &args.out);
    Ok(())
}

async fn register(args: RegisterArgs, output: &Output) -> Result<(), Error> {
    let relayer = Relayer::new(&args.relayer)?;
    let bundle = attest(args.node, output).await?;
    let first = relayer.submit(&bundle).await?;
    let patience = Duration::from_secs(args.wait);
    relayer
        .follow(first, patience, |status| output.status(status))
        .await?;
    output.attested(&bundle);
    Ok(())
}

/// Everything that can fail without touching the machine comes first.
async fn attest(args: NodeArgs, output: &Output) -> Result<Bundle, Error> {
    let operator = operator_key(args.keystore.as_deref(), args.keystore_password_file.as_deref())?;
    let intermediates = CertificatePool::read(&args.ak_intermediates)?;
    let request = Request {
        anchor: finalized_anchor(&args.rpc_url, args.registry).await?,
        operator: operator.address(),
        session_key_hash: args.session_key_hash,
        disclosure: args.disclosure.into(),
    };
    output.collecting(&request);
    let td = ConfigfsTsm::new(&args.sys_root);
    let logs = SysLogs::new(&args.sys_root);
    let tpm = GoogleAk {
        tcti: args.tcti,
        intermediates,
    };
    // Blocking, on the one thread there is: nothing else waits for it.
    let evidence = collect(
        &Sources {
            td: &td,
            tpm: if args.no_tpm { None } else { Some(&tpm) },
            logs: &logs,
        },
        &request,
    )?;
    let bundle = consent(evidence, &operator)?;
    output.collected(&bundle);
    Ok(bundle)
}
