//! A journal's owner in a process of its own, to stop and to kill.
//!
//! The child is this test binary, told by its environment to play a role.

use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use bellwether_clock::Env;
use bellwether_journal::{Commit, Journal, Lease, NewEvent, Options, SqliteJournal};
use rustix::process::{Pid, Signal, kill_process};

const ROLE: &str = "JOURNAL_TEST_ROLE";
const PLAYS: &str = "child::a_child_plays_its_role";

/// A child that owns a journal.
pub struct Owner {
    child: Child,
    says: Lines<BufReader<ChildStdout>>,
}

impl Owner {
    /// Starts one and waits until it has the journal.
    pub fn start(path: &Path, role: &str, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", PLAYS, "--nocapture"]).env(ROLE, format!("{role} {}", path.display()));
        command.envs(environment.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut owner = Self { child, says };
        assert!(owner.hear().starts_with("open "));
        owner
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next thing it says; empty at its end.
    pub fn hear(&mut self) -> String {
        // the test harness speaks between the lines
        let said = self.says.find_map(|line| line.unwrap().strip_prefix("child: ").map(str::to_owned));
        said.unwrap_or_default()
    }

    /// Has it commit once; what it says then.
    pub fn commit(&mut self) -> String {
        self.child.stdin.as_mut().unwrap().write_all(b"commit\n").unwrap();
        self.hear()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Everything it has said since, once it is dead.
    pub fn last_words(mut self) -> Vec<String> {
        let _status = self.child.wait().unwrap();
        std::iter::repeat_with(|| self.hear()).take_while(|said| !said.is_empty()).collect()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _already_dead = self.child.kill();
        let _status = self.child.wait();
    }
}

fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\nchild: {what}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}

#[tokio::test]
async fn a_child_plays_its_role() {
    let Ok(role) = std::env::var(ROLE) else {
        let directory = tempfile::tempdir().unwrap();
        let mut owner = Owner::start(&directory.path().join("j.db"), "on-demand", &[]);
        assert_eq!((owner.commit(), owner.commit()), ("ok 1".to_owned(), "ok 2".to_owned()));
        return;
    };
    let (role, path) = role.split_once(' ').unwrap();
    match role {
        "on-demand" => own(Path::new(path), Lease::default(), true).await,
        "short-lease" => own(Path::new(path), short_lease(), true).await,
        "restless" => own(Path::new(path), Lease::default(), false).await,
        "fills-its-disk" => crate::disk_full::play(Path::new(path)).await,
        other => panic!("no such role: {other}"),
    }
}

pub fn short_lease() -> Lease {
    Lease { length: Duration::from_secs(2), renew: Duration::from_millis(100) }
}

async fn own(path: &Path, lease: Lease, on_demand: bool) {
    let options = Options { lease, ballast_bytes: 0, ..Options::new(Env::system()) };
    let journal = SqliteJournal::open(path, options).await.unwrap();
    say(&format!("open {}", journal.epoch().number));
    let mut version = journal.streams("a", None, 1).await.unwrap().first().map_or(0, |info| info.version);
    loop {
        if on_demand && std::io::stdin().lock().read_line(&mut String::new()).unwrap() == 0 {
            return;
        }
        let event = NewEvent::new("Counted", (version + 1).to_string());
        let time = Env::system().now();
        match journal.commit(Commit::new(time).append("a", version, vec![event])).await {
            Ok(_) => {
                version += 1;
                say(&format!("ok {version}"));
            }
            Err(error) => say(&format!("error {error:?}")),
        }
    }
}
