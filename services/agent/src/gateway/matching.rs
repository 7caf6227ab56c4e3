//! Conditions on requests and answers, compiled.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header::COOKIE, request::Parts};

use super::table::{HeaderMatch, RequestMatch, ValueMatch};

/// A condition on one header.
#[derive(Debug)]
pub struct HeaderTest {
    name: HeaderName,
    value: ValueMatch,
}

/// A condition on requests: all parts must hold.
#[derive(Debug)]
pub struct RequestTest {
    methods: Box<[Method]>,
    path_prefix: String,
    headers: Box<[HeaderTest]>,
    cookies: Box<[(String, ValueMatch)]>,
}

// === impl HeaderTest ===

impl HeaderTest {
    /// Compiles a condition.
    ///
    /// # Errors
    /// A header name that is none.
    pub fn new(condition: &HeaderMatch) -> Result<Self, String> {
        let name = condition.name.parse().map_err(|_| format!("{:?} is no header name", condition.name))?;
        Ok(Self { name, value: condition.value.clone() })
    }

    /// Compiles several.
    ///
    /// # Errors
    /// A header name that is none.
    pub fn all(conditions: &[HeaderMatch]) -> Result<Box<[Self]>, String> {
        conditions.iter().map(Self::new).collect()
    }

    /// Whether any value of the header fulfils it.
    pub fn holds(&self, headers: &HeaderMap) -> bool {
        headers.get_all(&self.name).iter().any(|value| self.value_holds(value))
    }

    fn value_holds(&self, value: &HeaderValue) -> bool {
        self.value.holds(value.as_bytes())
    }
}

// === impl ValueMatch ===

impl ValueMatch {
    fn holds(&self, value: &[u8]) -> bool {
        match self {
            Self::Present => true,
            Self::Exact(exact) => value == exact.as_bytes(),
            Self::Prefix(prefix) => value.starts_with(prefix.as_bytes()),
        }
    }
}

// === impl RequestTest ===

impl RequestTest {
    /// Compiles a condition.
    ///
    /// # Errors
    /// A header name or a method that is none.
    pub fn new(condition: &RequestMatch) -> Result<Self, String> {
        let method = |name: &String| name.parse().map_err(|_| format!("{name:?} is no method"));
        let cookie = |cookie: &HeaderMatch| (cookie.name.clone(), cookie.value.clone());
        Ok(Self {
            methods: condition.methods.iter().map(method).collect::<Result<_, _>>()?,
            path_prefix: condition.path_prefix.clone(),
            headers: HeaderTest::all(&condition.headers)?,
            cookies: condition.cookies.iter().map(cookie).collect(),
        })
    }

    /// Whether a request fulfils it.
    pub fn holds(&self, request: &Parts) -> bool {
        let sent = |name: &str, value: &ValueMatch| {
            cookies(&request.headers).any(|cookie| cookie.0 == name && value.holds(cookie.1.as_bytes()))
        };
        (self.methods.is_empty() || self.methods.contains(&request.method))
            && request.uri.path().starts_with(self.path_prefix.as_str())
            && self.headers.iter().all(|test| test.holds(&request.headers))
            && self.cookies.iter().all(|(name, value)| sent(name, value))
    }
}

/// The cookies of a request, as (name, value).
pub fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn all_parts_must_hold() {
        let of = |name: &str, value| vec![HeaderMatch { name: name.into(), value }];
        let test = RequestTest::new(&RequestMatch {
            methods: vec!["GET".into()],
            path_prefix: "/shop".into(),
            headers: of("X-Tester", ValueMatch::Prefix("a".into())),
            cookies: of("beta", ValueMatch::Exact("1".into())),
        });
        let test = test.unwrap();
        let holds = |method: &str, path: &str, tester: &str, cookie: &str| {
            let request = Request::builder().method(method).uri(path);
            let request = request.header("x-tester", tester).header("cookie", cookie).body(()).unwrap();
            test.holds(&request.into_parts().0)
        };
        assert!(holds("GET", "/shop/x", "ada", "a=b; beta=1"));
        assert!(!holds("PUT", "/shop/x", "ada", "beta=1"));
        assert!(!holds("GET", "/x", "ada", "beta=1"));
        assert!(!holds("GET", "/shop", "bob", "beta=1"));
        assert!(!holds("GET", "/shop", "ada", "beta=10"));
    }
}
