//! The prompts: what a person can ask their agent to do with the tools here.

use rmcp::model::{GetPromptResult, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::{Map, Value};

use crate::{model::Fault, report::nearest};

const RECORD_DECISION: &str = "record_decision";

pub fn list() -> Vec<Prompt> {
    let topic = PromptArgument::new("topic")
        .with_description("What is decided, in a few words; else what this conversation decided last")
        .with_required(false);
    let described = "Record what was decided here, with its options and reasons";
    vec![Prompt::new(RECORD_DECISION, Some(described), Some(vec![topic])).with_title("Record a decision")]
}

pub fn get(name: &str, arguments: Option<&Map<String, Value>>) -> Result<GetPromptResult, Fault> {
    if name != RECORD_DECISION {
        let fault = Fault::not_found(format!("there is no prompt {name:?}"));
        return Err(match nearest(name, [RECORD_DECISION]) {
            Some(meant) => fault.hint(format!("did you mean {meant}?")),
            None => fault.hint(format!("there is {RECORD_DECISION}")),
        });
    }
    let topic = arguments.and_then(|given| given.get("topic")).and_then(Value::as_str).map(str::trim);
    let about = match topic.filter(|topic| !topic.is_empty()) {
        Some(topic) => format!("Record the decision about: {topic}"),
        None => "Record the decision that we came to last in this conversation.".to_owned(),
    };
    let text = format!(
        "{about}\n\n\
         1. Look with memory_search for earlier decisions and memories on it. If one of them is settled and this one takes \
         its place, give its number as `supersedes`.\n\
         2. Gather from what we said and from the code: what made it necessary, the options that were open with what speaks \
         for and against each, which was chosen and why, what follows from it, what it affects, and how sure we are (0 to 1). \
         Ask me for what you cannot know; invent nothing.\n\
         3. Show me the record in a few lines. When I agree, call decision_record with status `accepted`, or `proposed` while \
         others have to agree, and tell me its number."
    );
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)])
        .with_description("Record a decision with its options and reasons"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(arguments: Value) -> String {
        let got = get(RECORD_DECISION, arguments.as_object()).unwrap();
        serde_json::to_value(&got.messages[0]).unwrap()["content"]["text"].as_str().unwrap().to_owned()
    }

    #[test]
    fn the_topic_is_in_the_text() {
        assert!(
            said(serde_json::json!({ "topic": " which queue " }))
                .starts_with("Record the decision about: which queue\n")
        );
        assert!(said(serde_json::json!({ "topic": "" })).contains("in this conversation"));
        assert_eq!(get("record_decison", None).unwrap_err().hint.unwrap(), "did you mean record_decision?");
    }
}
