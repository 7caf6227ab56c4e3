//! What is kept of a request so that it can be sent again after an instance broke off.

use http::{HeaderMap, Method, Request, Uri, request::Parts};

use super::body::RequestBody;

/// The head of a request that may be sent twice: its method is idempotent and it has no body.
#[derive(Debug)]
pub struct Replay(Option<(Method, Uri, HeaderMap)>);

// === impl Replay ===

impl Replay {
    /// Keeps what is needed, if it may be sent twice.
    pub fn of(parts: &Parts, body: &RequestBody) -> Self {
        let may = parts.method.is_idempotent() && matches!(body, RequestBody::Empty);
        Self(may.then(|| (parts.method.clone(), parts.uri.clone(), parts.headers.clone())))
    }

    /// The request once more.
    pub fn again(&self) -> Option<Request<RequestBody>> {
        let (method, uri, headers) = self.0.as_ref()?;
        Some(request(method, uri, headers, RequestBody::Empty))
    }

    /// The same request with this body.
    pub fn copy(parts: &Parts, body: RequestBody) -> Request<RequestBody> {
        request(&parts.method, &parts.uri, &parts.headers, body)
    }
}

fn request(method: &Method, uri: &Uri, headers: &HeaderMap, body: RequestBody) -> Request<RequestBody> {
    let mut request = Request::new(body);
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = headers.clone();
    request
}
