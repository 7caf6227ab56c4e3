//! What counts as an error of an instance.

use http::{HeaderMap, StatusCode};

use super::{matching::HeaderTest, table::ErrorRules};

/// UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE, DATA_LOSS.
const GRPC_ERRORS: [i32; 5] = [2, 4, 13, 14, 15];

/// The classification of one target.
#[derive(Debug, Default)]
pub struct Classifier {
    statuses: Box<[u16]>,
    not_statuses: Box<[u16]>,
    headers: Box<[HeaderTest]>,
    trailers: Box<[HeaderTest]>,
}

// === impl Classifier ===

impl Classifier {
    /// By these rules.
    ///
    /// # Errors
    /// A header name that is none.
    pub fn new(rules: &ErrorRules) -> Result<Self, String> {
        Ok(Self {
            statuses: rules.statuses.clone().into(),
            not_statuses: rules.not_statuses.clone().into(),
            headers: HeaderTest::all(&rules.headers)?,
            trailers: HeaderTest::all(&rules.trailers)?,
        })
    }

    /// Whether an answer is an error by its status and headers alone. An answer of gRPC without body has its
    /// status among its headers.
    pub fn head(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        let code = status.as_u16();
        (status.is_server_error() && !self.not_statuses.contains(&code))
            || self.statuses.contains(&code)
            || self.headers.iter().any(|test| test.holds(headers))
            || grpc_error(headers)
    }

    /// Whether an answer is an error by its trailers.
    pub fn trailers(&self, trailers: &HeaderMap) -> bool {
        grpc_error(trailers) || self.trailers.iter().any(|test| test.holds(trailers))
    }
}

fn grpc_error(headers: &HeaderMap) -> bool {
    let code = headers.get("grpc-status").and_then(|value| value.to_str().ok());
    code.and_then(|code| code.parse().ok()).is_some_and(|code: i32| GRPC_ERRORS.contains(&code))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn grpc(code: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static(code))])
    }

    #[test]
    fn server_errors_and_the_grpc_codes_count() {
        let classifier = Classifier::default();
        assert!(classifier.head(StatusCode::BAD_GATEWAY, &HeaderMap::new()));
        assert!(!classifier.head(StatusCode::NOT_FOUND, &HeaderMap::new()));
        for code in ["2", "4", "13", "14", "15"] {
            assert!(classifier.trailers(&grpc(code)), "{code}");
            assert!(classifier.head(StatusCode::OK, &grpc(code)), "{code}");
        }
        for code in ["0", "1", "3", "5", "7", "16", "", "x"] {
            assert!(!classifier.trailers(&grpc(code)), "{code}");
        }
    }

    #[test]
    fn rules_add_and_remove_statuses() {
        let rules = ErrorRules { statuses: vec![418], not_statuses: vec![501], ..Default::default() };
        let classifier = Classifier::new(&rules).unwrap();
        assert!(classifier.head(StatusCode::IM_A_TEAPOT, &HeaderMap::new()));
        assert!(!classifier.head(StatusCode::NOT_IMPLEMENTED, &HeaderMap::new()));
    }
}
