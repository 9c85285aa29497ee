//! An event at the surface: the flat CloudEvents 1.0 envelope, and back.
//!
//! Separate from [`Event`] because files and the surface name things differently and grow apart: the log keeps
//! snake case and what it needs, a client gets the names of the standard and the hub it came from.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Actor, Event, Id, Sequence, Severity, Subject, Time};

const SPEC_VERSION: &str = "1.0";
const CONTENT_TYPE: &str = "application/json";

/// An event as every face and client sees it in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Envelope {
    pub specversion: String,
    pub id: Id,
    /// `wheelhouse://<hub>`.
    pub source: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub subject: Subject,
    pub time: Time,
    pub datacontenttype: String,
    pub sequence: Sequence,
    pub recordedat: Time,
    pub correlationid: Id,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causationid: Option<Id>,
    #[serde(default)]
    pub actor: Actor,
    #[serde(default)]
    pub severitytext: Severity,
    /// Only one in so many of its kind is told; missing where each is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub sampledrate: Option<NonZeroU32>,
    #[serde(default)]
    pub data: Map<String, Value>,
}

impl Envelope {
    /// The event as the hub of this name tells it.
    pub fn new(event: Event, hub: &str) -> Envelope {
        Envelope {
            specversion: SPEC_VERSION.to_owned(),
            id: event.id,
            source: format!("wheelhouse://{hub}"),
            kind: event.kind,
            subject: event.subject,
            time: event.time,
            datacontenttype: CONTENT_TYPE.to_owned(),
            sequence: event.sequence,
            recordedat: event.recorded_at,
            correlationid: event.correlation_id,
            causationid: event.causation_id,
            actor: event.actor,
            severitytext: event.severity,
            sampledrate: event.sampled_rate,
            data: event.data,
        }
    }
}

impl From<Envelope> for Event {
    fn from(envelope: Envelope) -> Event {
        Event {
            id: envelope.id,
            kind: envelope.kind,
            subject: envelope.subject,
            time: envelope.time,
            sequence: envelope.sequence,
            recorded_at: envelope.recordedat,
            correlation_id: envelope.correlationid,
            causation_id: envelope.causationid,
            actor: envelope.actor,
            severity: envelope.severitytext,
            sampled_rate: envelope.sampledrate,
            data: envelope.data,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event() -> Event {
        Event {
            id: Id::from_bytes([7; 16]),
            kind: "memory.saved".into(),
            subject: "team.memory.saved".parse().unwrap(),
            time: Time::from_unix_ms(1_795_000_000_123),
            sequence: Sequence(9),
            recorded_at: Time::from_unix_ms(1_795_000_000_124),
            correlation_id: Id::NIL,
            causation_id: None,
            actor: Actor("user:ada".into()),
            severity: Severity::Warn,
            sampled_rate: None,
            data: json!({ "title": "t", "revision": 1 }).as_object().unwrap().clone(),
        }
    }

    #[test]
    fn an_envelope_has_the_names_of_the_standard() {
        assert_eq!(
            serde_json::to_value(Envelope::new(event(), "ada-laptop")).unwrap(),
            json!({
                "specversion": "1.0",
                "id": "07070707-0707-0707-0707-070707070707",
                "source": "wheelhouse://ada-laptop",
                "type": "memory.saved",
                "subject": "team.memory.saved",
                "time": "2026-11-18T11:06:40.123Z",
                "datacontenttype": "application/json",
                "sequence": 9,
                "recordedat": "2026-11-18T11:06:40.124Z",
                "correlationid": "00000000-0000-0000-0000-000000000000",
                "actor": "user:ada",
                "severitytext": "warn",
                "data": { "title": "t", "revision": 1 },
            })
        );
    }

    #[test]
    fn an_envelope_becomes_the_event_again() {
        let caused = Event { causation_id: Some(Id::from_bytes([8; 16])), ..event() };
        let sampled = Event { sampled_rate: NonZeroU32::new(10), ..event() };
        for event in [event(), caused, sampled] {
            let text = serde_json::to_string(&Envelope::new(event.clone(), "h")).unwrap();
            assert_eq!(Event::from(serde_json::from_str::<Envelope>(&text).unwrap()), event);
        }
    }
}
