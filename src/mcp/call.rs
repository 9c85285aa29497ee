//! One call: who asks, through which door; its arguments, its answer, and what a fault looks like to a model.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use rmcp::model::{CallToolResult, ContentBlock, MetaObject};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::session::Session;
use crate::{
    door::{Caller, Door, id},
    model::{Code, DecisionRef, Fault, Id, Project, Projects, Time, TimeWords},
    report::unknown_name,
};

/// An answer that takes longer is a `timeout`; what was asked for may still happen.
const CALL_PATIENCE: Duration = Duration::from_secs(30);

/// Where a result says which events its call caused.
const CORRELATION: &str = "wheelhouse/correlation_id";
/// Where an error result has its fault for programs.
const FAULT: &str = "wheelhouse/fault";

pub struct Call {
    pub session: Arc<Session>,
    pub door: Arc<dyn Door>,
    pub caller: Caller,
    /// Where the client works, as far as that is known.
    pub project: Option<Project>,
}

/// What a tool says: in words, and in fields as its schema has them.
pub struct Answer {
    pub text: String,
    pub fields: Value,
}

/// Something that is named: a memory or a decision.
pub enum Named {
    Decision(DecisionRef),
    /// Of either kind, where its whole id was given.
    Record(Id),
}

impl Call {
    /// What a tool looks at: what the arguments name, else where the client works and what belongs to no project.
    pub fn projects(&self, named: Option<Project>, all: bool) -> Projects {
        let one = named.or_else(|| self.project.clone()).filter(|_| !all);
        one.map_or(Projects::All, Projects::with_none)
    }

    /// Where records go that name no project.
    pub fn own_project(&self) -> Project {
        self.project.clone().unwrap_or_default()
    }

    pub fn now(&self) -> Time {
        self.session.clock().now()
    }

    pub fn words(&self) -> TimeWords {
        TimeWords { now: self.now(), zone: self.session.clock().zone() }
    }

    /// A moment that an argument gave, in words.
    pub fn time(&self, name: &str, given: Option<&str>) -> Result<Option<Time>, Fault> {
        let read = |text: &str| {
            let wrong = |error| Fault::invalid(format!("`{name}` cannot be {text:?}: {error}"));
            self.words().parse(text).map_err(wrong)
        };
        given.map(read).transpose()
    }

    /// How old something is.
    pub fn age(&self, time: Time) -> String {
        age(self.now().since(time))
    }

    /// What is meant by a number of a decision, an id, or the last digits of one.
    pub async fn named(&self, typed: &str) -> Result<Named, Fault> {
        if let Some(number) = decision_number(typed) {
            return Ok(Named::Decision(number));
        }
        Ok(Named::Record(self.memory_id(typed).await?))
    }

    /// As [`Call::named`], where only a memory can be meant.
    pub async fn memory_id(&self, typed: &str) -> Result<Id, Fault> {
        if let Some(shown) = self.session.known.find(typed) {
            return Ok(shown.id);
        }
        let found =
            id::resolve(&self.door, &self.caller, &[typed.to_owned()], false).await.map_err(|fault| {
                let hint = "memory_search gives ids";
                if matches!(fault.code, Code::NotFound | Code::Invalid) { fault.hint(hint) } else { fault }
            })?;
        Ok(found[0])
    }
}

/// `D-0042`; digits alone may be the end of an id.
fn decision_number(typed: &str) -> Option<DecisionRef> {
    let typed = typed.trim();
    let rest = typed.strip_prefix(['D', 'd'])?;
    rest.starts_with('-').then(|| typed.parse().ok()).flatten()
}

/// `now`, `5m`, `3h`, `2d`, `3w`, `2y`.
fn age(span: Duration) -> String {
    const HOUR: u64 = 3_600;
    const DAY: u64 = 24 * HOUR;
    match span.as_secs() {
        0..60 => "now".to_owned(),
        s @ 60..HOUR => format!("{}m", s / 60),
        s @ HOUR..DAY => format!("{}h", s / HOUR),
        s if s < 21 * DAY => format!("{}d", s / DAY),
        s if s < 730 * DAY => format!("{}w", s / (7 * DAY)),
        s => format!("{}y", s / (365 * DAY)),
    }
}

/// What came with a call.
#[derive(Debug, Default)]
pub struct Arguments(Map<String, Value>);

impl Arguments {
    /// Some clients send every optional field, with nothing in it.
    pub fn new(given: Option<Map<String, Value>>) -> Arguments {
        let mut map = given.unwrap_or_default();
        map.retain(|_, value| !value.is_null());
        Arguments(map)
    }

    /// Takes one out that has no place in the door's type, by any of its names.
    pub fn take<T: DeserializeOwned>(&mut self, names: &[&str]) -> Result<Option<T>, Fault> {
        let mut taken = names.iter().filter_map(|name| Some((*name, self.0.remove(*name)?)));
        let Some((name, value)) = taken.next() else { return Ok(None) };
        if let Some((other, _)) = taken.next() {
            return Err(Fault::invalid(format!("`{name}` and `{other}` are the same; give one of them")));
        }
        serde_json::from_value(value)
            .map(Some)
            .map_err(|error| Fault::invalid(format!("`{name}` is not what it should be: {error}")))
    }

    /// As [`Arguments::take`], where nothing can be done without it.
    pub fn need<T: DeserializeOwned>(&mut self, names: &[&str]) -> Result<T, Fault> {
        self.take(names)?.ok_or_else(|| Fault::invalid(format!("`{}` is missing", names[0])))
    }

    /// All that is left.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Fault> {
        serde_json::from_value(Value::Object(self.0)).map_err(|error| {
            unknown_name(&error)
                .unwrap_or_else(|| Fault::invalid(format!("the arguments do not fit: {error}")))
        })
    }
}

/// One text, texts with commas between them, or a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Words(pub Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Words, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a text or a list of texts")]
        enum Given {
            One(String),
            Many(Vec<String>),
        }
        let given = match Given::deserialize(deserializer)? {
            Given::One(text) => text.split(',').map(str::to_owned).collect(),
            Given::Many(texts) => texts,
        };
        let words = given.iter().map(|word| word.trim()).filter(|word| !word.is_empty());
        Ok(Words(words.map(str::to_owned).collect()))
    }
}

/// Does it within its time; a panic is an answer too.
pub async fn answered(asked: impl Future<Output = Result<Answer, Fault>>) -> Result<Answer, Fault> {
    let asked = AssertUnwindSafe(tokio::time::timeout(CALL_PATIENCE, asked)).catch_unwind();
    match asked.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => {
            let late = format!("no answer within {} s", CALL_PATIENCE.as_secs());
            Err(Fault::new(Code::Timeout, late).hint("a write may still happen: search before asking again"))
        }
        Err(panic) => Err(bug(&*panic)),
    }
}

fn bug(panic: &(dyn Any + Send)) -> Fault {
    let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    tracing::error!(panic = said, "a tool ended in a panic");
    Fault::bug("the tool made a mistake").cause(said).hint("`wheelhouse`'s log says where; it goes on")
}

/// As the protocol has it.
pub fn result(answer: Result<Answer, Fault>, correlation: Id) -> CallToolResult {
    let mut meta = MetaObject::new();
    meta.0.insert(CORRELATION.to_owned(), correlation.to_string().into());
    let mut result = match answer {
        Ok(Answer { text, fields }) => {
            let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
            result.structured_content = Some(fields);
            result
        }
        Err(fault) => {
            tracing::debug!(%fault, cause = ?fault.cause, "a tool was refused or failed");
            meta.0.insert(FAULT.to_owned(), json!(fault));
            // Not as structured content: that would have to be what the tool's schema says.
            CallToolResult::error(vec![ContentBlock::text(words(&fault))])
        }
    };
    result.meta = Some(meta);
    result
}

/// A fault as a model reads it.
pub fn words(fault: &Fault) -> String {
    let mut text = format!("{}: {}", fault.code, fault.message);
    for (name, more) in [("cause", &fault.cause), ("hint", &fault.hint)] {
        if let Some(more) = more {
            text.push_str(&format!("\n{name}: {more}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::NewMemory;

    fn arguments(value: Value) -> Arguments {
        Arguments::new(value.as_object().cloned())
    }

    #[test]
    fn what_is_empty_was_not_given() {
        let new: NewMemory = arguments(json!({ "content": "c", "title": null })).read().unwrap();
        assert_eq!((new.content.as_str(), new.title.as_str()), ("c", ""));
        assert_eq!(Arguments::new(None).take::<String>(&["id"]), Ok(None));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let refused = |value| arguments(value).read::<NewMemory>().unwrap_err();
        let fault = refused(json!({ "contnt": "c" }));
        assert_eq!(fault.message, "unknown field `contnt`");
        assert!(fault.hint.unwrap().starts_with("did you mean `content`?"));
        assert!(refused(json!({ "content": 7 })).message.contains("expected a string"));
        assert!(refused(json!({ "content": "c", "text": "t" })).message.contains("duplicate field"));
        let twice = arguments(json!({ "id": "a", "memory_id": "b" })).take::<String>(&["id", "memory_id"]);
        assert_eq!(twice.unwrap_err().message, "`id` and `memory_id` are the same; give one of them");
        assert_eq!(arguments(json!({})).need::<String>(&["id"]).unwrap_err().message, "`id` is missing");
    }

    #[test]
    fn one_word_is_a_list_too() {
        let words = |value| serde_json::from_value::<Words>(value).map(|words| words.0);
        assert_eq!(words(json!("a, b,")).unwrap(), ["a", "b"]);
        assert_eq!(words(json!(["a", " with, comma "])).unwrap(), ["a", "with, comma"]);
        assert!(words(json!(7)).unwrap_err().to_string().contains("a text or a list"));
    }

    #[test]
    fn ages_are_short() {
        let ages =
            [0, 59, 60, 7_200, 86_400 * 3, 86_400 * 40, 86_400 * 800].map(|s| age(Duration::from_secs(s)));
        assert_eq!(ages, ["now", "now", "1m", "2h", "3d", "5w", "2y"]);
    }

    #[test]
    fn digits_alone_are_no_decision() {
        assert!(decision_number("D-0042").is_some() && decision_number("d-42").is_some());
        assert!(decision_number("00420042").is_none() && decision_number("d0042abc").is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_and_a_hang_have_answers() {
        let fault = answered(async { panic!("over") }).await.err().unwrap();
        assert_eq!((fault.code, fault.cause.as_deref()), (Code::Bug, Some("over")));
        assert_eq!(answered(std::future::pending()).await.err().unwrap().code, Code::Timeout);
    }
}
