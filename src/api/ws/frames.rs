//! What clients say and are told: one JSON object a frame, with its `op`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::{body, problem::Problem};
use crate::model::{
    Actor, Cursor, Envelope, EventFilter, Fault, Id, Pattern, Project, Projects, Sequence, Severity, Time,
};

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Asked {
    Auth(Auth),
    Sub(Box<Sub>),
    Unsub(Unsub),
    Ack(Ack),
    Ping(Ping),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    pub key: String,
}

/// Events from a cursor on, or from now.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sub {
    /// The client's name for it.
    #[serde(alias = "sub")]
    pub id: String,
    #[serde(alias = "subject", alias = "patterns")]
    pub subjects: Vec<Pattern>,
    /// None is all that the caller sees.
    #[serde(alias = "project")]
    pub projects: Vec<String>,
    pub since: Option<Time>,
    pub until: Option<Time>,
    #[serde(alias = "correlation_id")]
    pub correlation: Option<Id>,
    #[serde(alias = "causation_id")]
    pub causation: Option<Id>,
    pub actor: Option<String>,
    pub severity: Option<Severity>,
    pub text: Option<String>,
    #[serde(alias = "after_cursor", alias = "cursor")]
    pub after: Option<Cursor>,
    /// The client says what it has dealt with, and gets no more than a window of what it has not.
    pub acks: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unsub {
    #[serde(alias = "sub")]
    pub id: String,
}

/// Everything up to `cursor` is dealt with.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ack {
    #[serde(alias = "sub")]
    pub id: String,
    pub cursor: Cursor,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ping {}

impl Asked {
    pub fn parse(text: &str) -> Result<Asked, Fault> {
        serde_json::from_str(text).map_err(|error| {
            let fault = body::wrong(&error);
            let hint = "a frame is one JSON object with `op`: auth, sub, unsub, ack or ping";
            if fault.hint.is_some() { fault } else { fault.hint(hint) }
        })
    }
}

impl Sub {
    pub fn filter(&self) -> EventFilter {
        let projects: Vec<Project> = self.projects.iter().map(|name| Project::slug(name)).collect();
        EventFilter {
            patterns: self.subjects.clone(),
            projects: if projects.is_empty() { Projects::All } else { Projects::Only(projects) },
            since: self.since,
            until: self.until,
            correlation: self.correlation,
            causation: self.causation,
            actor: self.actor.clone().map(Actor),
            severity: self.severity,
            text: self.text.clone(),
        }
    }
}

/// Where the subscriptions are, by their names.
pub type Places<'a> = BTreeMap<&'a str, Cursor>;

/// What a client is told, but for events.
#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Said<'a> {
    /// First, when it is known who asks.
    Ready {
        protocol: &'static str,
        hub: &'a str,
        head: Cursor,
    },
    /// A subscription begins, there.
    #[serde(rename = "ready")]
    Begun {
        sub: &'a str,
        cursor: Cursor,
    },
    CaughtUp {
        sub: &'a str,
        cursor: Cursor,
    },
    /// The socket takes less than there is: so many numbers of the log are ahead.
    Lag {
        sub: &'a str,
        cursor: Cursor,
        behind: u64,
    },
    Gap {
        sub: &'a str,
        from: Sequence,
        to: Sequence,
        reason: &'a str,
    },
    Hb {
        time: Time,
        subs: Places<'a>,
    },
    Err {
        #[serde(skip_serializing_if = "Option::is_none")]
        sub: Option<&'a str>,
        #[serde(flatten)]
        problem: Problem<'a>,
    },
    /// A subscription is over because its client said so.
    #[serde(rename = "bye")]
    Over {
        sub: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<Cursor>,
    },
    /// The connection is over.
    Bye {
        #[serde(flatten)]
        problem: Problem<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<Cursor>,
        subs: Places<'a>,
    },
}

impl Said<'_> {
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("frames are plain data with string keys")
    }
}

/// Events on their way into one frame.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: String,
    events: usize,
    last: Option<Cursor>,
}

/// One event as it stands in a frame.
#[derive(Serialize)]
struct Told<'a> {
    cursor: Cursor,
    event: &'a Envelope,
}

pub fn told(cursor: Cursor, event: &Envelope) -> String {
    serde_json::to_string(&Told { cursor, event }).expect("an event is plain data with string keys")
}

impl Batch {
    pub fn push(&mut self, cursor: Cursor, told: &str) {
        if self.events > 0 {
            self.bytes.push(',');
        }
        self.bytes.push_str(told);
        self.events += 1;
        self.last = Some(cursor);
    }

    pub fn events(&self) -> usize {
        self.events
    }

    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The frame, and where a client is that has it. None of no events.
    pub fn take(&mut self, sub: &str) -> Option<(String, Cursor)> {
        let Batch { bytes, events, last } = std::mem::take(self);
        let sub = serde_json::Value::from(sub);
        let frame = match events {
            1 => format!(r#"{{"op":"ev","sub":{sub},{}"#, bytes.strip_prefix('{')?),
            _ => format!(r#"{{"op":"batch","sub":{sub},"events":[{bytes}]}}"#),
        };
        Some((frame, last?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn cursor(sequence: u64) -> Cursor {
        format!("w1.00000000000000000000000000000007.3.{sequence}").parse().unwrap()
    }

    #[test]
    fn one_event_is_ev_and_more_are_a_batch() {
        let mut batch = Batch::default();
        assert_eq!(batch.take("a"), None);
        batch.push(cursor(1), r#"{"cursor":"c1","event":{}}"#);
        let (frame, at) = batch.take("a\"b").unwrap();
        let frame: Value = serde_json::from_str(&frame).unwrap();
        assert_eq!(frame, json!({ "op": "ev", "sub": "a\"b", "cursor": "c1", "event": {} }));
        assert_eq!(at, cursor(1));
        batch.push(cursor(2), r#"{"cursor":"c2"}"#);
        batch.push(cursor(3), r#"{"cursor":"c3"}"#);
        let (frame, at) = batch.take("a").unwrap();
        let frame: Value = serde_json::from_str(&frame).unwrap();
        let events = json!([{ "cursor": "c2" }, { "cursor": "c3" }]);
        assert_eq!(frame, json!({ "op": "batch", "sub": "a", "events": events }));
        assert_eq!((at, batch.events()), (cursor(3), 0));
    }

    #[test]
    fn what_is_wrong_with_a_frame_is_named() {
        for (frame, message) in [
            ("", "the body is not the JSON that is expected here"),
            ("[]", "the body is not the JSON that is expected here"),
            (r#"{"op":"dance"}"#, "unknown variant `dance`"),
            (r#"{"op":"sub","id":"a","colour":1}"#, "unknown field `colour`"),
            (r#"{"op":"ping","x":1}"#, "unknown field `x`"),
        ] {
            let fault = Asked::parse(frame).unwrap_err();
            let said = format!("{} {:?}", fault.message, fault.cause);
            assert!(said.contains(message) && fault.hint.is_some(), "{frame}: {fault:?}");
        }
        let sub = r#"{"op":"sub","id":"a","subjects":["*.memory.>"],"projects":["My Team"],"acks":true}"#;
        let Asked::Sub(sub) = Asked::parse(sub).unwrap() else { panic!("another op") };
        assert_eq!(sub.filter().projects, Projects::Only(vec![Project::slug("my-team")]));
        assert_eq!((sub.filter().patterns.len(), sub.acks), (1, true));
    }

    proptest! {
        /// Whatever comes is an op or a fault that says what would be one.
        #[test]
        fn any_text_is_answered(text in "\\PC{0,200}", op in "auth|sub|unsub|ack|ping|[a-z]{1,8}", field in "[a-z_]{1,10}") {
            let near = json!({ "op": op, field: &text }).to_string();
            for frame in [text, near] {
                if let Err(fault) = Asked::parse(&frame) {
                    prop_assert!(fault.hint.is_some());
                }
            }
        }
    }
}
