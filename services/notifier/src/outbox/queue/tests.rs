use std::time::Duration;

use super::*;
use crate::message::{Message, Severity, Source};

const START: Timestamp = Timestamp::UNIX_EPOCH;

fn delivery(order: u64, subject: &str, class: Class) -> Delivery {
    let message = Message::new(Source::Executor, &order.to_string(), "FACT", START)
        .ranked(class, Severity::Info)
        .about(subject);
    Delivery::new(Uuid::from_u128(order.into()), "ops", message, order, START)
}

fn queue(deliveries: &[&Delivery]) -> Queue {
    let mut queue = Queue::default();
    deliveries.iter().for_each(|delivery| queue.push(delivery));
    queue
}

#[test]
fn a_subjects_messages_keep_their_order() {
    let (first, second) = (delivery(1, "a", Class::Progress), delivery(2, "a", Class::Page));
    let mut queue = queue(&[&first, &second]);
    assert_eq!(queue.next(START), Next::Send(first.id), "the page does not overtake within its subject");
    queue.set_in_flight(&first, true);
    assert_eq!(queue.next(START), Next::Nothing, "the subject waits for the one under way");
    queue.remove(&first);
    assert_eq!(queue.next(START), Next::Send(second.id));
}

#[test]
fn among_subjects_the_higher_class_goes_first_then_the_older() {
    let progress = delivery(1, "a", Class::Progress);
    let (terminal, page) = (delivery(2, "b", Class::Terminal), delivery(3, "c", Class::Page));
    let late = delivery(4, "d", Class::Page);
    let mut queue = queue(&[&progress, &terminal, &page, &late]);
    let mut sent = Vec::new();
    while let Next::Send(id) = queue.next(START) {
        let all = [&progress, &terminal, &page, &late];
        let delivery = all.into_iter().find(|delivery| delivery.id == id).unwrap();
        queue.remove(delivery);
        sent.push(delivery.order);
    }
    assert_eq!(sent, [3, 4, 2, 1]);
    assert!(queue.is_empty());
}

#[test]
fn nothing_goes_before_it_is_due() {
    let first = delivery(1, "a", Class::Terminal);
    let mut queue = queue(&[&first]);
    let due = START + Duration::from_secs(5);
    queue.postpone(&first, due);
    assert_eq!(queue.next(START), Next::At(due));
    assert_eq!(queue.next(due), Next::Send(first.id));
}

#[test]
fn a_page_wakes_the_progress_that_it_stands_behind() {
    let first = delivery(1, "a", Class::Progress);
    let mut queue = queue(&[&first]);
    queue.postpone(&first, START + Duration::from_secs(36_000));
    queue.push(&delivery(2, "a", Class::Page));
    assert_eq!(queue.next(START), Next::Send(first.id));
}

#[test]
fn waking_makes_everything_due() {
    let (first, second) = (delivery(1, "a", Class::Terminal), delivery(2, "b", Class::Terminal));
    let mut queue = queue(&[&first, &second]);
    queue.postpone(&first, START + Duration::from_secs(60));
    queue.postpone(&second, START + Duration::from_secs(90));
    queue.wake(START);
    assert_eq!(queue.next(START), Next::Send(first.id));
    assert_eq!(queue.len(), 2);
}

#[test]
fn progress_that_waits_is_found_for_coalescing() {
    let (first, page) = (delivery(1, "a", Class::Progress), delivery(2, "a", Class::Page));
    let second = delivery(3, "a", Class::Progress);
    let mut queue = queue(&[&first, &page, &second]);
    assert_eq!(queue.waiting_progress("a"), [first.id, second.id]);
    assert_eq!(queue.behind(&first), Some((Class::Page, page.id)));
    assert_eq!(queue.behind(&page), Some((Class::Progress, second.id)));
    assert_eq!(queue.behind(&second), None);
    queue.set_in_flight(&first, true);
    assert_eq!(queue.waiting_progress("a"), [second.id], "what is under way cannot be taken back");
}
