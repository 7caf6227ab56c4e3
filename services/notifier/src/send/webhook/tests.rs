use bytes::Bytes;

use super::*;

fn answer(status: u16, retry: Option<&'static str>) -> Answer {
    let mut headers = HeaderMap::new();
    retry.map(|retry| headers.insert(RETRY_AFTER, HeaderValue::from_static(retry)));
    let body = Bytes::from_static(b"no\r\nway");
    Answer { status: StatusCode::from_u16(status).unwrap(), headers, body, truncated: false }
}

fn judged(status: u16, retry: Option<&'static str>) -> Ending {
    judge(&answer(status, retry), "1994-11-06T08:49:30Z".parse().unwrap())
}

#[test]
fn what_each_status_means() {
    for status in [200, 202, 204, 299] {
        assert_eq!(judged(status, None).outcome, Outcome::Delivered, "{status}");
    }
    for (status, code, down) in [
        (301, "REDIRECT_REFUSED", false),
        (307, "REDIRECT_REFUSED", false),
        (400, "HTTP_STATUS", false),
        (401, "HTTP_STATUS", false),
        (404, "HTTP_STATUS", false),
        (429, "RATE_LIMITED", true),
        (500, "HTTP_STATUS", true),
        (503, "HTTP_STATUS", true),
    ] {
        let ending = judged(status, None);
        assert_eq!((ending.outcome, ending.down), (Outcome::Failed, down), "{status}");
        assert_eq!(ending.failure.unwrap().code, code);
    }
    assert_eq!(judged(410, None).outcome, Outcome::Gone);
}

#[test]
fn retry_after_is_read_in_both_forms() {
    let seven = Outcome::Later(Duration::from_secs(7));
    assert_eq!(judged(429, Some("7")).outcome, seven);
    assert_eq!(judged(503, Some("7")).outcome, seven);
    assert_eq!(judged(429, Some("Sun, 06 Nov 1994 08:49:37 GMT")).outcome, seven);
    let past = judged(429, Some("Sun, 06 Nov 1994 08:00:00 GMT"));
    assert_eq!(past.outcome, Outcome::Later(Duration::ZERO));
    assert_eq!(judged(429, Some("soon")).outcome, Outcome::Failed);
    assert_eq!(judged(200, Some("7")).outcome, Outcome::Delivered);
}

#[test]
fn an_excerpt_of_the_answer_is_kept_without_control_characters() {
    assert_eq!(judged(400, None).failure.unwrap().values["answer"], "noway");
}
