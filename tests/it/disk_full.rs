//! The executor's disk is full in the middle of a rollout.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use bellwether_proto::executor::v1::{AbortRolloutRequest, ApplyTargetRequest, Target, rollout::State};
use bellwether_tests::{
    shop::{self, Release},
    stack::{Setup, Stack},
    wait::until,
};
use tonic::Code;

use super::{PROGRAM, observe::at};

/// A small file system of its own, in memory.
struct SmallDisk(PathBuf);

// === impl SmallDisk ===

impl SmallDisk {
    /// None where this process may not mount.
    fn mount(directory: &Path) -> Option<Self> {
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=56m", "tmpfs"]).arg(directory).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(directory.to_owned()))
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Takes all space that is left.
    fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.filler()).unwrap();
        for size in [1 << 16, 1 << 10, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // lazily: the executor may still be at it
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

/// Fills the disk until commands are refused.
async fn full(stack: &Stack, disk: &SmallDisk) {
    let mut number = 0;
    let refused = until("new commands are refused", || {
        disk.fill();
        number += 1;
        // space that the journal has already is used up by what is still accepted
        let target =
            Target { name: format!("targets/filler-{number}@test"), instances: 1, ..Default::default() };
        let labels = [("filler".to_owned(), "x".repeat(60))].into();
        let metadata = bellwether_proto::common::v1::Metadata { labels, ..Default::default() };
        let target = Target { metadata: Some(metadata), ..target };
        let request = ApplyTargetRequest { target: Some(target), ..Default::default() };
        async move { stack.executor().apply_target(request).await.err() }
    });
    let status = refused.await.unwrap();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x07_a_full_disk_refuses_what_is_new_and_takes_the_release_back() {
    let directory = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(directory.path()) else {
        println!("skipped: this process may not mount a small file system");
        return;
    };
    let journal = format!("sqlite:{}", directory.path().join("executor.db").display());
    let mut setup = Setup::four(PROGRAM);
    setup.args = vec!["--journal".to_owned(), journal];
    let stack = Stack::start(setup).await.unwrap();
    drop(shop::serving(&stack, "shop", 2, 100).await.unwrap());
    let front = shop::front(&stack, "shop").await.unwrap();

    // FAIL: nobody comes, so that nothing is decided before the disk is full
    let bad = Release::canary("2").set("SHOP_ERRORS_PERCENT", "50");
    let name = shop::submit(&stack, "shop", &bad).await.unwrap();
    shop::rollout_until(&stack, &name, |it| at(it) == ("BAKE", 50.0)).await.unwrap();
    full(&stack, &disk).await;
    let load = shop::load(&stack, front, 150);
    let ended = shop::ended(&stack, &name).await.unwrap();
    assert_eq!(ended.state(), State::RolledBack, "{ended:#?}");
    assert_eq!(ended.reason.unwrap().code, "VERDICT_FAIL");
    disk.free();

    // abort
    let slow = Release::endless("3");
    let name = shop::submit(&stack, "shop", &slow).await.unwrap();
    let baking = shop::rollout_until(&stack, &name, |it| at(it) == ("BAKE", 50.0)).await.unwrap();
    full(&stack, &disk).await;
    let request = AbortRolloutRequest {
        name: baking.name,
        reason: "the disk is full".to_owned(),
        ..Default::default()
    };
    stack.executor().abort_rollout(request).await.unwrap();
    let ended = shop::ended(&stack, &name).await.unwrap();
    assert_eq!(ended.state(), State::RolledBack, "{ended:#?}");
    disk.free();

    let name = shop::submit(&stack, "shop", &Release::unjudged("4")).await.unwrap();
    let ended = shop::ended(&stack, &name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "it works again: {ended:#?}");
    let tally = load.tally();
    assert_eq!(tally.failed, 0, "{:?}", tally.failures);
    drop(stack);
}
