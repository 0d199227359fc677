//! A real `PostgreSQL` server for one test: Debian's binaries, a temporary folder, a Unix socket.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

/// A server, stopped on drop; the kernel stops it if the test is killed. Give each test a database of its own.
pub(crate) struct Postgres {
    process: Child,
    dir: TempDir,
}

impl Postgres {
    /// Makes a cluster and starts it: about a second.
    pub(crate) fn start() -> Self {
        let bin = binaries();
        // Short: a socket's path has at most 107 bytes.
        let dir = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        let user = Unprivileged::find();
        if let Some(user) = &user {
            chown(dir.path(), Some(user.uid), Some(user.gid)).unwrap();
        }
        let data = dir.path().join("data");
        let made = run(user.as_ref(), &bin.join("initdb"))
            .args([
                "--username=chassis",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
            ])
            .args(["--no-sync", "--no-instructions", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let process = run(user.as_ref(), &bin.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args([
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
                "-c",
                "shared_buffers=16MB",
            ])
            .arg("-c")
            .arg(format!("unix_socket_directories={}", dir.path().display()))
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let server = Self { process, dir };
        server.wait();
        server
    }

    /// For [`super::super::StoreUrl::parse`].
    pub(crate) fn url(&self, database: &str) -> String {
        format!(
            "postgres://chassis@localhost/{database}?host={}",
            self.dir.path().display()
        )
    }

    /// The last line of `postmaster.pid` says when it takes connections.
    fn wait(&self) {
        let pid = self.dir.path().join("data/postmaster.pid");
        for _ in 0..1_000 {
            if fs::read_to_string(&pid).is_ok_and(|text| text.trim_end().ends_with("ready")) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let log = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        panic!("PostgreSQL did not start: {log}");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // An immediate shutdown. Killed outright, it would leave a segment of shared memory behind.
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-QUIT", &pid]).status();
        let _ = self.process.wait();
    }
}

fn binaries() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    versions
        .map(|version| version.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .max()
        .expect("PostgreSQL is missing: run scripts/setup.sh, or install Debian's package `postgresql`")
}

/// `PostgreSQL` refuses to run as root.
struct Unprivileged {
    uid: u32,
    gid: u32,
}

impl Unprivileged {
    /// `None`: we are nobody special.
    fn find() -> Option<Self> {
        if fs::metadata("/proc/self").unwrap().uid() != 0 {
            return None;
        }
        let users = fs::read_to_string("/etc/passwd").unwrap();
        let line = users.lines().find(|line| line.starts_with("postgres:"));
        let mut fields = line.expect("there is no user `postgres`").split(':').skip(2);
        let mut next = || fields.next().unwrap().parse().unwrap();
        Some(Self {
            uid: next(),
            gid: next(),
        })
    }
}

/// Dies with the thread that started it: in a `multi_thread` test, that is the test's own.
fn run(user: Option<&Unprivileged>, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "QUIT"]);
    if let Some(Unprivileged { uid, gid }) = user {
        command.args([
            format!("--reuid={uid}"),
            format!("--regid={gid}"),
            "--clear-groups".into(),
        ]);
    }
    command.arg(program).current_dir("/tmp").env_clear();
    command
}
