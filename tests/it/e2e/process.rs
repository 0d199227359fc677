//! A relayer's process: its environment, its log, its end.

use std::{fs::File, path::PathBuf, process::Command, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{
    chain::Chain,
    programs::{Relayer, binary},
};

impl Relayer {
    /// Starts it with more in its environment and its log in a file, and waits until it answers.
    pub(super) async fn start_with(&mut self, environment: &[(&str, &str)]) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .unwrap();
        let mut command = Command::new(binary("chassis"));
        command.envs(environment.iter().copied()).stderr(log);
        self.spawn(command, false).await;
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    pub(super) fn pid(&self) -> Pid {
        let process = self.process.as_ref().unwrap();
        Pid::from_raw(process.id().try_into().unwrap())
    }

    /// Waits at most a minute for its end, and tells its exit code.
    pub(super) async fn exit_code(&mut self) -> Option<i32> {
        for _ in 0..600 {
            if let Some(status) = self.process.as_mut().unwrap().try_wait().unwrap() {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!(
            "the relayer did not end within a minute; its log:\n{}",
            self.log()
        );
    }

    /// All that it has logged.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap()
    }

    fn log_path(&self) -> PathBuf {
        self.config.with_file_name("relayer.log")
    }
}

impl Chain {
    /// A block each `seconds`; 0: none until [`Chain::mine`].
    pub(super) async fn mine_each(&self, seconds: u64) {
        self.ask("evm_setIntervalMining", serde_json::json!([seconds]))
            .await;
    }
}
