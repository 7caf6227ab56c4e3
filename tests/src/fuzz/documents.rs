//! Files that somebody else wrote.

use std::sync::LazyLock;

use bellwether::yaml;
use bellwether_agent::{gateway::Table, supervisor::unpack_tar_gz};
use bellwether_judge::kayenta;
use bellwether_server::TokenFile;
use prost_reflect::DescriptorPool;

/// They are large; once is enough.
static CONTRACTS: LazyLock<Option<DescriptorPool>> = LazyLock::new(|| yaml::contracts().ok());

/// What a person describes an application by.
pub(super) fn application_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(documents) = yaml::documents("app.yaml", text) else { return };
    let Some(contracts) = CONTRACTS.as_ref() else { return };
    for document in documents {
        let name = format!("bellwether.planner.v1.{}", document.kind);
        if let Some(message) = contracts.get_message_by_name(&name) {
            // the problems are for people to read
            let problems = yaml::to_json("app.yaml", &document.root, &message).err();
            let _ = problems.map(|it| it.to_string());
        }
    }
}

/// A canary configuration of Kayenta.
pub(super) fn kayenta_config(data: &[u8]) {
    let Ok(config) = serde_json::from_slice::<kayenta::Config>(data) else { return };
    let _ = kayenta::judge(&config, kayenta::Thresholds::default(), &[]);
}

/// An uploaded archive: nothing lands outside of its directory.
pub(super) fn archive(data: &[u8]) {
    let Ok(dir) = tempfile::tempdir() else { return };
    let into = dir.path().join("inside");
    let _refused_or_not = unpack_tar_gz(data, &into);
    let beside = std::fs::read_dir(dir.path()).into_iter().flatten().flatten();
    assert!(beside.into_iter().all(|it| it.file_name() == "inside"), "something was written outside");
}

/// The gateway's routing table as it lies on the disk.
pub(super) fn gateway_table(data: &[u8]) {
    let Ok(table) = serde_json::from_slice::<Table>(data) else { return };
    let Ok(again) = serde_json::to_vec(&table) else { return };
    let read = serde_json::from_slice::<Table>(&again).ok();
    assert!(read.is_some_and(|read| read.version == table.version), "what was written can be read");
}

/// The file of bearer tokens.
pub(super) fn tokens_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = TokenFile::parse(text);
}
