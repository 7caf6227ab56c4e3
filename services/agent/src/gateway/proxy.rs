//! The request path: route, choose, attempt, pass on.

use std::{net::SocketAddr, sync::Arc};

use bellwether_clock::Env;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use hyper::body::Incoming;

use super::{
    accounting::Traffic,
    answer::Own,
    attempt::Attempt,
    body::{Progress, RequestBody, RequestBodyError, ResponseBody},
    exchange::{Answer, Exchange, Failed},
    headers::{self, Peer},
    mirror,
    passed::Passed,
    replay::Replay,
    route::{Backend, Choice, Route},
    state::State,
    upgrade::Upgrade,
};

/// Serves the requests of one client connection.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// What all connections share.
    pub state: Arc<State>,
    /// The worker that the connection belongs to.
    pub worker: usize,
    /// The listening address that it came in at.
    pub listen: SocketAddr,
    /// The client.
    pub peer: Peer,
}

/// Where one request goes, fixed when it came in.
pub(super) struct Routed {
    pub(super) route: Arc<Route>,
    pub(super) choice: Choice,
    pub(super) journeys: u32,
    pub(super) grpc: bool,
    /// The hash of the user's session; none of previews and copies.
    pub(super) session: Option<u64>,
    /// Where the answer says its version.
    pub(super) version_header: Option<HeaderName>,
}

// === impl Proxy ===

impl Proxy {
    /// Answers one request, always.
    pub async fn handle(&self, mut request: Request<Incoming>) -> Response<ResponseBody> {
        let grpc = headers::is_grpc(request.headers());
        if request.method() == Method::CONNECT {
            return Own::Unsupported.answer(grpc);
        }
        let upgrade = Upgrade::asked(&mut request);
        let (parts, body) = request.into_parts();
        let routed = match self.routed(&parts, grpc) {
            Ok(routed) => routed,
            Err(own) => return own.answer(grpc),
        };
        let max_bytes = routed.route.policy.max_request_bytes;
        if max_bytes > 0 && content_length(&parts).is_some_and(|length| length > max_bytes) {
            return Own::TooLarge.answer(grpc);
        }
        let mut parts = parts;
        headers::prepare_request(&mut parts, &self.peer, upgrade.as_ref().map(Upgrade::protocol));
        let body = match mirror::copy(self, &routed, &parts, RequestBody::new(body, max_bytes)).await {
            Ok(body) => body,
            Err(RequestBodyError::TooLarge) => return Own::TooLarge.answer(grpc),
            Err(RequestBodyError::Client(_)) => return Own::BrokenOff.answer(grpc),
        };
        let mut response = match self.attempts(&routed, parts, body, upgrade).await {
            Ok(response) => response,
            Err(own) => own.answer(grpc),
        };
        self.finish(&routed, &mut response);
        response
    }

    fn env(&self) -> &Env {
        &self.state.env
    }

    /// One look at the table in use: what is decided here holds for the whole request.
    fn routed(&self, parts: &Parts, grpc: bool) -> Result<Routed, Own> {
        let table = self.state.table.load();
        let entry = table.entries.find(self.listen, parts).ok_or(Own::NoTarget)?;
        let choice = match entry.preview {
            Some(fleet) => Choice { fleet, traffic: Traffic::Preview, remember: false },
            None => entry.route.choose(parts).ok_or(Own::NoRoute)?,
        };
        let of_user = matches!(choice.traffic, Traffic::Live | Traffic::Matched);
        let session = entry.session.as_ref().filter(|_| of_user).and_then(|test| test.of(&parts.headers));
        Ok(Routed {
            journeys: entry.route.journeys(parts),
            route: entry.route.clone(),
            choice,
            grpc,
            session,
            version_header: entry.version_header.clone(),
        })
    }

    async fn attempts(
        &self,
        routed: &Routed,
        parts: Parts,
        body: RequestBody,
        mut upgrade: Option<Upgrade>,
    ) -> Result<Response<ResponseBody>, Own> {
        let progress = body.progress();
        let replay = Replay::of(&parts, &body);
        let mut request = Request::from_parts(parts, body);
        let mut tried: Vec<Arc<Backend>> = Vec::new();
        // an instance that closed a kept connection may well take the request on another one
        let mut again: Option<Arc<Backend>> = None;
        let mut last = Own::NoInstance;
        for _ in 0..routed.route.policy.max_attempts.max(1) {
            let backend = routed.route.backend(routed.choice.fleet, &tried, self.env());
            let backend = backend.or_else(|| again.take()).ok_or(last)?;
            let attempt = self.start(routed, &backend);
            match self.exchange(routed, &backend, request).await {
                Ok(answer) => return Ok(self.pass_on(routed, answer, attempt, upgrade.take())),
                Err(Failed::Unsent(unharmed, error)) => {
                    tracing::debug!(%error, address = %backend.upstream.address, "no connection to an instance");
                    attempt.connect_failed();
                    request = *unharmed;
                    last = Own::BadGateway;
                }
                Err(Failed::TimedOut) => {
                    attempt.broken();
                    return Err(Own::TimedOut);
                }
                Err(Failed::Broken(error)) => {
                    tracing::debug!(%error, address = %backend.upstream.address, "an instance broke off");
                    last = self.broken(attempt, progress.as_deref())?;
                    request = replay.again().ok_or(last)?;
                    again = Some(backend.clone());
                }
            }
            tried.push(backend);
        }
        Err(last)
    }

    pub(super) fn start(&self, routed: &Routed, backend: &Arc<Backend>) -> Attempt {
        let Routed { route, choice, journeys, session, .. } = routed;
        Attempt::start(route.clone(), backend.clone(), choice.traffic, *journeys, *session, self.env())
    }

    pub(super) async fn exchange(
        &self,
        routed: &Routed,
        backend: &Backend,
        request: Request<RequestBody>,
    ) -> Result<Answer, Failed> {
        let http2 = backend.http2.unwrap_or(routed.grpc);
        let (mut parts, body) = request.into_parts();
        headers::set_version(&mut parts, &backend.upstream, http2);
        let request = Request::from_parts(parts, body);
        let exchange = Exchange {
            upstream: &backend.upstream,
            worker: self.worker,
            policy: &routed.route.policy,
            env: self.env(),
        };
        if http2 { exchange.http2(request).await } else { exchange.http1(request).await }
    }

    /// Whose fault it is that there is no answer; the client's ends the request.
    fn broken(&self, attempt: Attempt, progress: Option<&Progress>) -> Result<Own, Own> {
        let drained = attempt.backend().upstream.is_cut();
        match progress {
            Some(progress) if progress.too_large() => Err(Own::TooLarge),
            Some(progress) if progress.aborted() => Err(Own::BrokenOff),
            _ => {
                attempt.broken();
                Ok(if drained { Own::Drained } else { Own::BadGateway })
            }
        }
    }

    fn pass_on(
        &self,
        routed: &Routed,
        (mut response, lease): Answer,
        mut attempt: Attempt,
        upgrade: Option<Upgrade>,
    ) -> Response<ResponseBody> {
        attempt.answered(response.status(), response.headers());
        if let (Some(name), Some(version)) = (&routed.version_header, &attempt.backend().version) {
            response.headers_mut().insert(name.clone(), version.clone());
        }
        if let (StatusCode::SWITCHING_PROTOCOLS, Some(upgrade)) = (response.status(), upgrade) {
            attempt.count_head();
            return upgrade.accept(&mut response, attempt, self.state.retiring.subscribe());
        }
        let (mut parts, body) = response.into_parts();
        headers::prepare_response(&mut parts);
        if headers::is_event_stream(&parts.headers) {
            attempt.count_head();
        }
        let passed = Passed::new(body, attempt, lease, routed.grpc);
        Response::from_parts(parts, ResponseBody::Passed(passed))
    }

    fn finish(&self, routed: &Routed, response: &mut Response<ResponseBody>) {
        if routed.choice.remember
            && let Some(affinity) = &routed.route.affinity
            && let Some(cookie) = affinity.set_cookie(routed.choice.fleet)
        {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        // a successor has taken over: the client's next request opens a connection there
        if self.state.is_retiring() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            headers::close_after(response.headers_mut());
        }
    }
}

fn content_length(parts: &Parts) -> Option<u64> {
    let length: &HeaderValue = parts.headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}
