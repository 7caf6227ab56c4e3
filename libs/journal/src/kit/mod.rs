//! The conformance kit: what every journal must do, as tests to run on it.
//!
//! Write a [`Subject`] and invoke [`conformance!`](crate::conformance) in a test module; each case becomes a test
//! of its own and gets a fresh subject. A case panics where the journal does not conform.

#![allow(clippy::unwrap_used, reason = "a test kit: a failure is to panic")]

pub mod commits;
pub mod feed;
pub mod keyed;
pub mod ownership;
pub mod retention;
pub mod speed;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bellwether_clock::{Env, Timestamp};

use crate::{Commit, EventRecord, Journal, NewEvent, RequestRecord};

/// One set of data under test, empty at first.
#[async_trait]
pub trait Subject: Send + Sync {
    /// Opens the data; any former handle has been closed.
    async fn open(&self) -> Arc<dyn Journal>;

    /// Opens the data although a former handle is open, as a standby does when the owner shows no sign of life.
    async fn take_over(&self) -> Arc<dyn Journal>;
}

/// Makes a test of each case of the kit: `conformance!(async { MySubject::new() });`
#[macro_export]
macro_rules! conformance {
    ($subject:expr) => {
        $crate::conformance! { @ $subject;
            commits::gives_back_what_was_committed,
            commits::refuses_a_stale_version_and_changes_nothing,
            commits::lets_one_of_many_racing_commits_win,
            commits::commits_several_streams_together_or_not_at_all,
            commits::refuses_what_contradicts_itself,
            commits::records_the_answer_of_a_request_once,
            commits::forgets_old_answers,
            feed::is_dense_and_ordered_under_concurrent_writers,
            feed::pages,
            feed::head_wakes_readers,
            keyed::puts_need_no_events,
            keyed::puts_are_applied_in_order,
            keyed::scans_by_prefix_in_pages,
            ownership::keeps_everything_across_a_restart,
            ownership::fences_the_former_owner,
            ownership::refuses_after_close,
            retention::replaces_snapshots,
            retention::trims_only_old_events_of_ended_streams_below_a_snapshot,
            retention::trims_many_events,
        }
    };
    (@ $subject:expr; $($area:ident :: $case:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::kit::$area::$case(&$subject.await).await;
            }
        )*
    };
}

fn now() -> Timestamp {
    Env::system().now()
}

fn days_ago(days: u32) -> Timestamp {
    now() - Duration::from_secs(24 * 60 * 60) * days
}

fn event(text: &str) -> NewEvent {
    NewEvent::new("Tested", text.to_owned())
}

fn events(texts: &[&str]) -> Vec<NewEvent> {
    texts.iter().map(|text| event(text)).collect()
}

fn append(stream: &str, expected_version: u64, texts: &[&str]) -> Commit {
    Commit::new(now()).append(stream, expected_version, events(texts))
}

fn request(id: &str, digest: u8, answer: &str, time: Timestamp) -> RequestRecord {
    let answer = answer.to_owned().into();
    RequestRecord { scope: "alice/StartRollout".into(), id: id.into(), digest: [digest; 32], answer, time }
}

fn texts(records: &[EventRecord]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8_lossy(&record.payload).into_owned()).collect()
}

/// The whole feed after `position`.
async fn feed_after(journal: &dyn Journal, mut position: u64) -> Vec<EventRecord> {
    let mut all = vec![];
    loop {
        let page = journal.feed(position, 100).await.unwrap();
        let Some(last) = page.last() else { return all };
        position = last.position;
        all.extend(page);
    }
}
