use http::{HeaderValue, header::COOKIE};

use super::*;

const SECRET: [u64; 2] = [1, 2];

fn cookie(sent: &str) -> HeaderMap {
    HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(sent).unwrap())])
}

#[test]
fn a_session_is_known_by_its_cookie_or_header_under_the_secret() {
    let test = SessionTest::new(&SessionKey::Cookie("sid".into()), SECRET).unwrap();
    let ada = test.of(&cookie("theme=dark; sid=ada")).unwrap();
    assert_eq!(test.of(&cookie("sid=ada")), Some(ada));
    assert_ne!(test.of(&cookie("sid=bob")), Some(ada));
    assert_eq!(test.of(&cookie("sid=")), None);
    assert_eq!(test.of(&cookie("theme=dark")), None);
    assert_eq!(test.of(&HeaderMap::new()), None);
    let other = SessionTest::new(&SessionKey::Cookie("sid".into()), [1, 3]).unwrap();
    assert_ne!(other.of(&cookie("sid=ada")), Some(ada));
    let header = SessionTest::new(&SessionKey::Header("X-Client".into()), SECRET).unwrap();
    let sent = HeaderMap::from_iter([(HeaderName::from_static("x-client"), HeaderValue::from_static("ada"))]);
    assert_eq!(header.of(&sent), Some(ada));
    assert!(SessionTest::new(&SessionKey::Header("no header".into()), SECRET).is_err());
}

/// SipHash-2-4 of the bytes 0 to 14 under the key 00 01 … 0f, from the paper's appendix: what a later build hashes must be
/// what this one does.
#[test]
fn the_hash_is_that_of_the_paper() {
    let test = SipHasher24::new_with_keys(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
    assert_eq!(test.hash(&(0..15).collect::<Vec<u8>>()), 0xa129_ca61_49be_45e5);
}

#[test]
fn what_has_grown_is_told_once_to_each_who_asks() {
    let sessions = Sessions::default();
    let of = |fleet: &str| SessionsOf { target: "t".into(), fleet: fleet.into(), revision: 1 };
    let (a, b) = (sessions.fleet(of("a")), sessions.fleet(of("b")));
    assert_eq!((sessions.growth(), sessions.since(0).1.len()), (0, 0));
    a.note(1 << 60, false);
    let (first, told) = sessions.since(0);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].of.fleet.as_str(), told[0].failed.entries().count()), ("a", 0));
    a.note(1 << 60, false);
    assert_eq!(sessions.since(first), (first, Vec::new()), "the same again is nothing new");
    a.note(1 << 60, true);
    b.note(2 << 60, true);
    assert_eq!(sessions.since(first).1.len(), 2);
    assert_eq!(sessions.since(0).1.len(), 2);
    assert_eq!(sessions.since(sessions.growth()).1.len(), 0);
}

#[test]
fn those_of_a_route_that_is_gone_are_forgotten() {
    let sessions = Sessions::default();
    let held = sessions.fleet(SessionsOf::default());
    held.note(1, true);
    sessions.sweep(1);
    drop(held);
    sessions.sweep(1);
    assert_eq!(sessions.since(0).1.len(), 1);
    sessions.sweep(1);
    assert_eq!(sessions.since(0).1.len(), 0);
}

#[test]
fn sketches_survive_the_way_to_the_supervisor() {
    let sessions = Sessions::default();
    let fleet = sessions.fleet(SessionsOf { target: "t".into(), fleet: "\"f\\".into(), revision: 3 });
    for session in (0..500_u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).chain([0, u64::MAX]) {
        fleet.note(session, session % 3 == 0);
    }
    let (_, told) = sessions.since(0);
    let text = serde_json::to_string(&told).unwrap();
    assert!(text.len() < 2 * REGISTERS + 200, "{}", text.len());
    assert_eq!(serde_json::from_str::<Vec<SessionSample>>(&text).unwrap(), told);
}

#[test]
fn threads_lose_no_session_and_no_growth() {
    let sessions = Sessions::default();
    let fleet = sessions.fleet(SessionsOf::default());
    let mut read = Sketch::new();
    let mut asked = 0;
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2_u64)
            .map(|worker| {
                let fleet = &fleet;
                scope.spawn(move || {
                    (0..50_000_u64)
                        .for_each(|i| fleet.note((2 * i + worker).wrapping_mul(0x9e37_79b9_7f4a_7c15), true));
                })
            })
            .collect();
        loop {
            let ended = workers.iter().all(|worker| worker.is_finished());
            let (until, told) = sessions.since(asked);
            asked = until;
            told.iter().for_each(|sample| _ = read.merge(&sample.failed));
            if ended {
                break;
            }
        }
    });
    assert_eq!(read, fleet.failed.read());
    assert_eq!(read, fleet.seen.read());
    let mut exact = Sketch::new();
    (0..100_000_u64).for_each(|i| _ = exact.add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    assert_eq!(read, exact);
}
