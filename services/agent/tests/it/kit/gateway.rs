//! A gateway as a process, driven as the supervisor drives it.

use std::{
    net::{SocketAddr, TcpListener},
    os::{fd::AsFd, unix::net::UnixListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use bellwether_agent::{
    control::{Client, Status},
    gateway::{Ingress, Sample, Share, Table, Target},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Instance, instance::fleet};

pub struct Gateway {
    pub client: Client,
    pub listen: SocketAddr,
    pub table: Table,
    socket: TcpListener,
    child: Child,
    directory: TempDir,
}

impl Gateway {
    /// Listening on a port of its own, routing nothing.
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = socket.local_addr().unwrap();
        let (child, client) = spawn(&directory, "first");
        let gateway = Self { client, listen, table: Table::default(), socket, child, directory };
        gateway.listen().await;
        gateway
    }

    /// Listening, with these fleets and shares for one target.
    pub async fn with(fleets: &[(&str, &[&Instance])], split: &[(&str, f64)]) -> Self {
        let mut gateway = Self::start().await;
        let target = gateway.target();
        target.fleets = fleets.iter().map(|(id, instances)| ((*id).to_owned(), fleet(instances))).collect();
        gateway.route(split).await;
        gateway
    }

    /// The one target, to be changed and applied.
    pub fn target(&mut self) -> &mut Target {
        let ingress = Ingress {
            listen: self.listen,
            host: None,
            path_prefix: String::new(),
            tls: None,
            session: None,
            version_header: None,
        };
        let new = || Target { ingress: vec![ingress], ..Target::default() };
        self.table.targets.entry("targets/shop@test".into()).or_insert_with(new)
    }

    /// Applies the table, changed as it may be.
    pub async fn apply(&mut self) -> Status {
        self.table.version += 1;
        self.client.apply(&self.table, true).await.unwrap()
    }

    /// Splits anew, under the next revision.
    pub async fn route(&mut self, split: &[(&str, f64)]) -> Status {
        let target = self.target();
        target.revision += 1;
        target.split = split
            .iter()
            .map(|(fleet, percent)| Share { fleet: (*fleet).to_owned(), percent: *percent })
            .collect();
        self.apply().await
    }

    pub async fn samples(&self) -> Vec<Sample> {
        self.client.samples().await.unwrap().samples
    }

    /// Ends it without a word, and starts another on the same socket and directory.
    pub async fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        (self.child, self.client) = spawn(&self.directory, "again");
        self.listen().await;
    }

    /// Starts a successor on the same socket; returns the one that is to be retired.
    pub async fn succeed(&mut self) -> (Child, Client) {
        let (child, client) = spawn(&self.directory, "successor");
        let old = (std::mem::replace(&mut self.child, child), std::mem::replace(&mut self.client, client));
        self.listen().await;
        old
    }

    /// Memory that is resident, in bytes.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Listens on one more address.
    pub async fn second_socket(&self) -> SocketAddr {
        let second = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = second.local_addr().unwrap();
        self.client.listen(&[(self.listen, self.socket.as_fd()), (address, second.as_fd())]).await.unwrap();
        address
    }

    /// A connection that was switched to WebSocket.
    pub async fn websocket(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.listen).await.unwrap();
        let head = "GET /upgrade HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.unwrap());
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 101") && answer.contains("upgrade: websocket"), "{answer}");
        stream
    }

    async fn listen(&self) {
        self.client.listen(&[(self.listen, self.socket.as_fd())]).await.unwrap();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(directory: &TempDir, name: &str) -> (Child, Client) {
    let path: PathBuf = directory.path().join(format!("{name}.sock"));
    let control = UnixListener::bind(&path).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_bellwether-agent"))
        .args(["gateway", "--workers", "2", "--table"])
        .arg(directory.path().join("routes.json"))
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(control)))
        .spawn()
        .unwrap();
    (child, Client::new(path))
}
