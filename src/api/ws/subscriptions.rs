//! What one connection follows: streams of the door that take turns.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll},
};

use futures::{StreamExt, stream::BoxStream};

use super::{super::gate::bug, frames::Places, session::IN_FLIGHT_BYTES_MAX};
use crate::{
    door::StreamItem,
    model::{Code, Cursor, Fault, Sequence},
};

/// Of one connection.
pub const SUBSCRIPTIONS_MAX: usize = 32;
/// Sent and not acknowledged, where a client acknowledges: so many events, or as many as there may be on their way.
const WINDOW_EVENTS: usize = 1_000;
const NAME_BYTES_MAX: usize = 64;

type Item = Option<Result<StreamItem, Fault>>;

pub struct Subscription {
    pub id: String,
    items: BoxStream<'static, Result<StreamItem, Fault>>,
    /// Where its client is.
    place: Option<Cursor>,
    /// Where a client that acknowledges has not been yet: each event's number, and its size.
    window: Option<VecDeque<(Sequence, usize)>>,
}

impl Subscription {
    pub fn new(id: String, items: BoxStream<'static, Result<StreamItem, Fault>>, acks: bool) -> Subscription {
        Subscription { id, items, place: None, window: acks.then(VecDeque::new) }
    }

    /// Whether its client takes more.
    pub fn is_open(&self) -> bool {
        self.window.as_ref().is_none_or(|window| {
            let bytes: usize = window.iter().map(|(_, bytes)| bytes).sum();
            window.len() < WINDOW_EVENTS && bytes < IN_FLIGHT_BYTES_MAX
        })
    }

    /// An event is about to be sent.
    pub fn sends(&mut self, cursor: Cursor, bytes: usize) {
        if let Some(window) = &mut self.window {
            window.push_back((cursor.sequence, bytes));
        }
    }

    /// Its client has everything up to there, unless it says so itself.
    pub fn sent(&mut self, cursor: Cursor) {
        if self.window.as_ref().is_none_or(VecDeque::is_empty) {
            self.place = Some(cursor);
        }
    }

    pub fn acknowledged(&mut self, cursor: Cursor) -> Result<(), Fault> {
        let Some(window) = &mut self.window else {
            return Err(Fault::invalid("this subscription is not one that is acknowledged")
                .hint("subscribe with `\"acks\":true`"));
        };
        let before = window.len();
        while window.front().is_some_and(|(sequence, _)| *sequence <= cursor.sequence) {
            window.pop_front();
        }
        if window.len() < before {
            self.place = Some(cursor);
        }
        Ok(())
    }

    pub fn place(&self) -> Option<Cursor> {
        self.place
    }

    /// What is there already; none where it has to be waited for.
    pub fn ready(&mut self) -> Option<Item> {
        let mut nobody = Context::from_waker(std::task::Waker::noop());
        match self.poll(&mut nobody) {
            Poll::Ready(item) => Some(item),
            Poll::Pending => None,
        }
    }

    /// A panic on the way to an item is a fault of this subscription alone.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Item> {
        let polled = catch_unwind(AssertUnwindSafe(|| self.items.poll_next_unpin(cx)));
        polled.unwrap_or_else(|panic| Poll::Ready(Some(Err(bug(&*panic)))))
    }
}

#[derive(Default)]
pub struct Subscriptions {
    all: Vec<Subscription>,
    /// Whose turn it is.
    turn: usize,
}

impl Subscriptions {
    /// Whether one of this name may begin.
    pub fn check(&self, id: &str) -> Result<(), Fault> {
        if !(1..=NAME_BYTES_MAX).contains(&id.len()) {
            return Err(Fault::invalid("a subscription has an `id`")
                .hint(format!("1 to {NAME_BYTES_MAX} bytes, chosen by the client")));
        }
        if self.all.iter().any(|sub| sub.id == id) {
            return Err(
                Fault::new(Code::Conflict, "there is a subscription of this id").hint("`unsub` ends it")
            );
        }
        if self.all.len() >= SUBSCRIPTIONS_MAX {
            return Err(Fault::new(Code::Busy, format!("{SUBSCRIPTIONS_MAX} subscriptions are open here"))
                .hint("one can have 16 patterns; `unsub` ends one, another connection takes more"));
        }
        Ok(())
    }

    pub fn add(&mut self, subscription: Subscription) {
        self.all.push(subscription);
    }

    pub fn get(&mut self, id: &str) -> Result<&mut Subscription, Fault> {
        self.all.iter_mut().find(|sub| sub.id == id).ok_or_else(|| none_of(id))
    }

    pub fn at(&mut self, index: usize) -> &mut Subscription {
        &mut self.all[index]
    }

    pub fn end(&mut self, id: &str) -> Result<Subscription, Fault> {
        let at = self.all.iter().position(|sub| sub.id == id).ok_or_else(|| none_of(id))?;
        Ok(self.all.remove(at))
    }

    /// The next item of one whose client takes more; they take turns.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<(usize, Item)> {
        for step in 0..self.all.len() {
            let index = (self.turn + step) % self.all.len();
            let subscription = &mut self.all[index];
            if subscription.is_open()
                && let Poll::Ready(item) = subscription.poll(cx)
            {
                self.turn = index + 1;
                return Poll::Ready((index, item));
            }
        }
        Poll::Pending
    }

    pub fn places(&self) -> Places<'_> {
        self.all.iter().filter_map(|sub| Some((sub.id.as_str(), sub.place?))).collect()
    }

    /// From here a client that comes back misses nothing of any of them.
    pub fn first_place(&self) -> Option<Cursor> {
        self.all.iter().filter_map(|sub| sub.place).min_by_key(|place| place.sequence)
    }
}

fn none_of(id: &str) -> Fault {
    let id: String = id.chars().take(NAME_BYTES_MAX).collect();
    Fault::not_found(format!("no subscription {id:?} here")).hint("`hb` names those there are")
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn cursor(sequence: u64) -> Cursor {
        format!("w1.00000000000000000000000000000007.3.{sequence}").parse().unwrap()
    }

    fn endless(id: &str, acks: bool) -> Subscription {
        let items = stream::repeat_with(|| Ok(StreamItem::CaughtUp { cursor: cursor(1) }));
        Subscription::new(id.into(), items.boxed(), acks)
    }

    fn turns(subscriptions: &mut Subscriptions, count: usize) -> Vec<usize> {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut turns = Vec::new();
        for _ in 0..count {
            match subscriptions.poll_next(&mut cx) {
                Poll::Ready((index, _)) => turns.push(index),
                Poll::Pending => break,
            }
        }
        turns
    }

    #[test]
    fn they_take_turns_and_who_does_not_acknowledge_waits() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.add(endless("a", false));
        subscriptions.add(endless("b", true));
        assert_eq!(turns(&mut subscriptions, 4), [0, 1, 0, 1]);
        let b = subscriptions.get("b").unwrap();
        b.sends(cursor(5), IN_FLIGHT_BYTES_MAX);
        b.sent(cursor(5));
        assert_eq!(b.place(), None, "it has not said that it has it");
        assert_eq!(turns(&mut subscriptions, 3), [0, 0, 0]);
        subscriptions.get("b").unwrap().acknowledged(cursor(4)).unwrap();
        assert_eq!(turns(&mut subscriptions, 2), [0, 0]);
        subscriptions.get("b").unwrap().acknowledged(cursor(5)).unwrap();
        assert_eq!(subscriptions.get("b").unwrap().place(), Some(cursor(5)));
        assert_eq!(turns(&mut subscriptions, 2), [1, 0]);
        assert_eq!(subscriptions.get("a").unwrap().acknowledged(cursor(1)).unwrap_err().code, Code::Invalid);
        assert!(subscriptions.get("c").is_err());
    }

    #[test]
    fn there_are_so_many_and_a_panic_ends_one() {
        let mut subscriptions = Subscriptions::default();
        for n in 0..SUBSCRIPTIONS_MAX {
            subscriptions.check(&n.to_string()).unwrap();
            subscriptions.add(endless(&n.to_string(), false));
        }
        assert_eq!(subscriptions.check("x").unwrap_err().code, Code::Busy);
        assert_eq!(subscriptions.check("7").unwrap_err().code, Code::Conflict);
        subscriptions.end("7").unwrap();
        subscriptions.check("7").unwrap();
        assert_eq!(subscriptions.check("").unwrap_err().code, Code::Invalid);
        let panics = stream::poll_fn(|_| panic!("over")).boxed();
        let mut broken = Subscription::new("p".into(), panics, false);
        assert_eq!(broken.ready().unwrap().unwrap().unwrap_err().code, Code::Bug);
    }
}
