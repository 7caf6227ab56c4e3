//! Artifacts: their digest, and their way to the agent.

use std::path::Path;

use anyhow::Context as _;
use bellwether_proto::agent::v1::{
    ArtifactFormat, ArtifactHeader, PutArtifactRequest, put_artifact_request::Part,
};
use sha2::{Digest as _, Sha256};
use tokio::{fs::File, io::AsyncReadExt as _, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;

use crate::session::Session;

const CHUNK: usize = 512 * 1024;

/// sha256 of a file, in hex.
///
/// # Errors
/// When it cannot be read.
pub async fn digest(path: &Path) -> anyhow::Result<String> {
    let mut file = File::open(path).await?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = file.read(&mut buffer).await?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
    }
    Ok(hex::encode(hasher.finalize()))
}

/// Uploads a file to the agent under its digest; one that is there already is not sent again by the server's answer.
///
/// # Errors
/// When it cannot be read, or what the agent says.
pub async fn upload(session: &Session, path: &Path, digest: &str) -> anyhow::Result<()> {
    let mut file = File::open(path).await.with_context(|| format!("cannot read {}", path.display()))?;
    let size_bytes = i64::try_from(file.metadata().await?.len())?;
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let format = if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
        ArtifactFormat::TarGz
    } else {
        ArtifactFormat::Executable
    };
    let header = ArtifactHeader {
        digest: digest.to_owned(),
        size_bytes,
        format: format.into(),
        name,
        ..Default::default()
    };

    let (parts, stream) = mpsc::channel(4);
    let send = async move {
        // a closed channel means that the server has answered early; its answer says why
        if parts.send(PutArtifactRequest { part: Some(Part::Header(header)) }).await.is_err() {
            return anyhow::Ok(());
        }
        loop {
            let mut chunk = vec![0; CHUNK];
            let read = file.read(&mut chunk).await?;
            chunk.truncate(read);
            if read == 0 || parts.send(PutArtifactRequest { part: Some(Part::Chunk(chunk)) }).await.is_err() {
                return Ok(());
            }
        }
    };
    let mut agent = session.agent()?;
    let (sent, answer) = tokio::join!(send, agent.put_artifact(ReceiverStream::new(stream)));
    answer?;
    sent
}
