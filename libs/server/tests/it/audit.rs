//! The audit target: accepted and refused mutations, and nothing else.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt as _};

use crate::harness::{request, start, unary, with_token};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "audit" {
            let mut text = Text(String::new());
            event.record(&mut text);
            self.0.lock().unwrap().push(text.0);
        }
    }
}

#[tokio::test]
async fn mutations_are_audited_whether_accepted_or_refused() {
    let lines = Lines::default();
    // the runtime of this test has one thread: what the server does is seen too
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.clone()));
    let server = start(|_| ()).await;
    let channel = server.channel().await;
    unary(&channel, "Echo", request(b"")).await.unwrap();
    unary(&channel, "Change", request(b"")).await.unwrap();
    unary(&channel, "Change", with_token(request(b""), "secret-of-nobody")).await.unwrap_err();
    let lines = lines.0.lock().unwrap().clone();
    assert_eq!(lines.len(), 2, "reads are not audited: {lines:?}");
    assert!(
        lines[0].contains(r#"outcome="accepted""#) && lines[0].contains(r#"principal="local""#),
        "{lines:?}"
    );
    assert!(lines[1].contains(r#"outcome="refused""#) && lines[1].contains("Unauthenticated"), "{lines:?}");
    assert!(!lines.concat().contains("secret-of-nobody"));
    server.stop().await;
}
