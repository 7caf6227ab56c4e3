//! A real process: its address, its signals, its exit codes.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

/// Kills the process when a test fails.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(dir: &Path) -> Command {
    // `cargo test` builds examples beside the tests
    let example: PathBuf = std::env::current_exe().unwrap().parent().unwrap().join("../examples/smallest");
    let mut command = Command::new(example);
    command.arg("--data-dir").arg(dir).stdin(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Runs it to its end; returns its exit code and what it said.
fn refused(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Starts it and returns its address.
async fn start(dir: &Path) -> (Process, SocketAddr) {
    let file = dir.join("address");
    let process = command(dir).arg("--address-file").arg(&file).stderr(Stdio::null()).spawn().unwrap();
    let mut process = Process(process);
    let address = served_at(&file, &mut process).await;
    (process, address)
}

/// The address that it writes into this file.
async fn served_at(file: &Path, process: &mut Process) -> SocketAddr {
    let mut every = tokio::time::interval(Duration::from_millis(10));
    loop {
        every.tick().await;
        if let Ok(address) = fs::read_to_string(file) {
            return address.parse().unwrap();
        }
        assert_eq!(process.0.try_wait().unwrap(), None, "it has ended instead of serving");
    }
}

async fn end(mut process: Process) -> i32 {
    tokio::task::spawn_blocking(move || process.0.wait().unwrap().code().unwrap()).await.unwrap()
}

fn signal(process: &Process) {
    kill_process(Pid::from_child(&process.0), Signal::TERM).unwrap();
}

/// A call whose message does not come; the server has begun with it.
fn half_a_call(address: SocketAddr) -> TcpStream {
    let mut call = TcpStream::connect(address).unwrap();
    let head = "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\
                content-type: application/grpc-web\r\ncontent-length: 100\r\n\r\n";
    call.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    call.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    call
}

#[tokio::test]
async fn the_first_signal_drains_and_the_second_exits() {
    let dir = tempfile::tempdir().unwrap();
    let (process, _) = start(dir.path()).await;
    signal(&process);
    assert_eq!(end(process).await, 0);

    fs::remove_file(dir.path().join("address")).unwrap();
    let (process, address) = start(dir.path()).await;
    let _half = half_a_call(address);
    signal(&process);
    let mut every = tokio::time::interval(Duration::from_millis(10));
    while TcpStream::connect(address).is_ok() {
        every.tick().await;
    }
    // half a call is in flight and holds the drain up
    signal(&process);
    assert_eq!(end(process).await, 130);
}

/// As containers do that share a volume, on the first start of a system.
#[tokio::test]
async fn processes_that_start_together_on_one_directory_all_serve() {
    let dir = tempfile::tempdir().unwrap();
    let processes: Vec<_> = (0..6)
        .map(|number| {
            let file = dir.path().join(format!("address-{number}"));
            let mut command = command(dir.path());
            (Process(command.arg("--address-file").arg(&file).stderr(Stdio::null()).spawn().unwrap()), file)
        })
        .collect();
    for (mut process, file) in processes {
        let address = served_at(&file, &mut process).await;
        TcpStream::connect(address).unwrap();
        signal(&process);
        assert_eq!(end(process).await, 0);
    }
    let token = fs::read_to_string(dir.path().join("service.token")).unwrap();
    assert!(token.starts_with("bw_"), "{token}");
    let left =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = left.filter(|name| !name.starts_with("address-")).collect();
    assert_eq!(left, ["service.token"]);
}

#[test]
fn what_keeps_it_from_starting_has_a_code_and_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, said) = refused(command(dir.path()).args(["--listen", &address]));
    assert_eq!(code, 10, "{said}");
    assert!(said.contains("in use") && said.contains("--listen"), "{said}");

    let (code, said) = refused(&mut command(Path::new("/proc/nowhere")));
    assert_eq!(code, 12, "{said}");
    assert!(said.contains("/proc/nowhere"), "{said}");

    fs::write(dir.path().join("tokens.toml"), "nonsense").unwrap();
    let (code, said) = refused(&mut command(dir.path()));
    assert_eq!(code, 16, "{said}");
    fs::remove_file(dir.path().join("tokens.toml")).unwrap();

    let (code, said) = refused(command(dir.path()).args(["--tls-cert", "/nowhere", "--tls-key", "/nowhere"]));
    assert_eq!(code, 17, "{said}");
    let (code, said) = refused(command(dir.path()).args(["--listen", "0.0.0.0:0"]));
    assert_eq!(code, 18, "{said}");
    let (code, said) = refused(command(dir.path()).args(["--no-such-option"]));
    assert_eq!(code, 2, "{said}");
}
