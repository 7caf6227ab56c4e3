//! Following a Watch.

use bellwether_client::{Watch, WatchEvent, WatchResource};
use bellwether_clock::Timestamp;
use bellwether_proto::common::v1::{Change, Metadata};
use bellwether_resource::time::timestamp;

use super::{
    Context,
    place::{Lost, Place},
};
use crate::message::Message;

/// Puts one kind of resource into words.
pub(super) trait Tell: Send {
    /// What is watched.
    type Resource: WatchResource + Sync;

    /// The resource's metadata.
    fn metadata(resource: &Self::Resource) -> Option<&Metadata>;

    /// A change; none when it is not told.
    fn changed(
        &mut self,
        change: &Change,
        resource: &Self::Resource,
        place: &mut Place,
    ) -> impl Future<Output = Result<Option<Message>, Lost>> + Send;

    /// The change that has led to where the resource stands now, as far as that can be told; its time and sequence are
    /// set by the caller.
    fn standing(resource: &Self::Resource) -> Option<Change>;
}

/// Follows until the process ends.
pub(super) async fn follow<T: Tell>(
    context: Context,
    stream: &'static str,
    mut watch: Watch<T::Resource>,
    mut tell: T,
) {
    let shutdown = context.shutdown.clone();
    let followed = async {
        let mut place = Place::open(context, stream).await?;
        watch = watch.after(place.token());
        loop {
            match watch.next().await {
                Ok(event) => {
                    let token = watch.resume_token().to_owned();
                    take(&mut tell, event, &token, &mut place).await?;
                }
                // the watch itself waits before it connects again
                Err(error) => tracing::warn!(stream, %error, "the stream is refused; trying again"),
            }
        }
    };
    let ended: Result<std::convert::Infallible, Lost> = tokio::select! {
        ended = followed => ended,
        () = shutdown.triggered() => return,
    };
    tracing::debug!(stream, ?ended, "no longer followed");
}

async fn take<T: Tell>(
    tell: &mut T,
    event: WatchEvent<T::Resource>,
    token: &str,
    place: &mut Place,
) -> Result<(), Lost> {
    match event {
        WatchEvent::Snapshot(resource) => catch_up(tell, &resource, place).await,
        WatchEvent::Current | WatchEvent::Heartbeat => place.rest_at(token).await,
        WatchEvent::Changed { change, resource }
        | WatchEvent::Deleted { change: Some(change), resource: Some(resource), .. } => {
            let message = tell.changed(&change, &resource, place).await?;
            place.pass(message, token, time(&change)).await
        }
        WatchEvent::Deleted { .. } => Ok(()),
    }
}

/// A resource of a snapshot: told as it stands, when it has changed since the last fact that was told.
async fn catch_up<T: Tell>(tell: &mut T, resource: &T::Resource, place: &mut Place) -> Result<(), Lost> {
    let metadata = T::metadata(resource).cloned().unwrap_or_default();
    let updated = metadata.update_time.as_ref().and_then(timestamp);
    if updated.is_none_or(|updated| updated <= place.told()) {
        return Ok(());
    }
    let Some(standing) = T::standing(resource) else { return Ok(()) };
    // positions in the source's journal are positive: this is no fact's place
    let change = Change { sequence: -metadata.version, time: metadata.update_time, ..standing };
    match tell.changed(&change, resource, place).await? {
        Some(message) => place.tell(message).await,
        None => Ok(()),
    }
}

fn time(change: &Change) -> Timestamp {
    change.time.as_ref().and_then(timestamp).unwrap_or(Timestamp::UNIX_EPOCH)
}
