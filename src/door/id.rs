//! Ids as people give them: whole, or by their last digits as lists print them.

use std::sync::Arc;

use super::{Caller, Door, LIST_PAGE_MAX, ListRequest};
use crate::model::{Fault, Id, Memory, MemoryFilter, Status};

/// Digits that lists print: ids end in random bits, so that these tell a hundred thousand memories apart.
const SHORT_DIGITS: usize = 8;
/// Fewer say too little.
const SHORT_DIGITS_MIN: usize = 4;
/// What [`Id::short`] can give.
const SHORT_DIGITS_MAX: usize = 12;
/// Memories that are looked through for a short id, newest first; older ones want their whole id.
const LOOKED_AT_MAX: usize = 50 * LIST_PAGE_MAX;
/// Candidates that a fault names.
const CANDIDATES_MAX: usize = 5;

pub fn short(id: Id) -> String {
    id.short(SHORT_DIGITS)
}

/// The ids that were meant, each once for each time it was given.
pub async fn resolve(
    door: &Arc<dyn Door>,
    caller: &Caller,
    typed: &[String],
    forgotten: bool,
) -> Result<Vec<Id>, Fault> {
    let mut ids = Vec::with_capacity(typed.len());
    for text in typed {
        ids.push(match text.parse() {
            Ok(id) => id,
            Err(no_id) => match short_form(text) {
                Some(digits) => look_up(door, caller, &digits, forgotten).await?,
                None => return Err(no_id),
            },
        });
    }
    Ok(ids)
}

/// The last digits of an id, where the text can be some.
pub fn short_form(text: &str) -> Option<String> {
    let digits = text.trim().to_ascii_lowercase();
    let fits = (SHORT_DIGITS_MIN..=SHORT_DIGITS_MAX).contains(&digits.len());
    (fits && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(digits)
}

async fn look_up(door: &Arc<dyn Door>, caller: &Caller, digits: &str, forgotten: bool) -> Result<Id, Fault> {
    let mut request = ListRequest {
        filter: MemoryFilter { statuses: Status::ALL.to_vec(), ..MemoryFilter::default() },
        limit: LIST_PAGE_MAX,
        forgotten,
        ..ListRequest::default()
    };
    let (mut found, mut looked_at): (Vec<Memory>, usize) = (Vec::new(), 0);
    loop {
        let page = door.list(caller, request.clone()).await?;
        looked_at += page.memories.len();
        found.extend(page.memories.into_iter().filter(|memory| memory.id.short(digits.len()) == digits));
        request.after = page.next;
        if request.after.is_none() || looked_at >= LOOKED_AT_MAX {
            break;
        }
    }
    match found.as_slice() {
        [one] => Ok(one.id),
        [] if request.after.is_some() => Err(Fault::not_found(format!(
            "none of the newest {looked_at} memories has an id ending in {digits}"
        ))
        .hint("older ones are found by their whole id; `wheelhouse search QUERY --json` prints it")),
        [] => Err(Fault::not_found(format!("no {} has an id ending in {digits}", kind(forgotten)))
            .hint("`wheelhouse search` prints ids")),
        many => Err(ambiguous(digits, many)),
    }
}

fn kind(forgotten: bool) -> &'static str {
    if forgotten { "hidden memory" } else { "memory" }
}

fn ambiguous(digits: &str, many: &[Memory]) -> Fault {
    let named: Vec<String> = many
        .iter()
        .take(CANDIDATES_MAX)
        .map(|memory| {
            let title: Vec<&str> = memory.title.split_whitespace().collect();
            format!("{}  {}", memory.id, title.join(" "))
        })
        .collect();
    Fault::invalid(format!("{} memories have an id ending in {digits}", many.len()))
        .cause(named.join("\n"))
        .hint("give more digits, or the whole id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_are_hex_of_some_length() {
        assert_eq!(short_form("A1b2C3d4").as_deref(), Some("a1b2c3d4"));
        for no in ["abc", "0123456789abc", "wxyz1234", ""] {
            assert_eq!(short_form(no), None, "{no}");
        }
    }
}
