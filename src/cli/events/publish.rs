//! `events publish`: something that happened elsewhere becomes an event here.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use serde_json::Value;

use super::super::{Stop, text, verb::Ask, verb::time};
use crate::{
    door::{EVENT_BYTES_MAX, NewEvent, PUBLISH_MAX, Publish},
    model::{Fault, Severity},
    report,
};

/// Of lines that are sent together.
const BATCH_BYTES_MAX: usize = 256 << 10;

/// What flags say of one event.
pub struct Told {
    pub kind: String,
    pub name: Option<String>,
    pub data: Vec<String>,
    pub severity: Severity,
    pub time: Option<String>,
    pub correlation: Option<String>,
}

pub async fn one(ask: &mut Ask, told: Told) -> Result<(), Stop> {
    let event = NewEvent {
        kind: told.kind,
        name: told.name,
        time: time(told.time.as_deref(), "--time", ask.words())?,
        correlation_id: told.correlation.map(|text| text.parse()).transpose()?,
        severity: told.severity,
        data: told.data.iter().map(|field| data(field)).collect::<Result<_, _>>()?,
        ..NewEvent::default()
    };
    let event = ours(ask, event);
    let said = format!("{} recorded", report::escape_line(&event.kind));
    let door = ask.door().await?;
    let publish = Publish { events: vec![event], ..Publish::default() };
    let published = door.publish(&ask.caller, publish).await?;
    if ask.out.manner.json {
        ask.out.document(&published)?;
    } else if ask.out.manner.quiet {
        ask.out.line(&published.ids[0].to_string())?;
    } else {
        let id = ask.short(published.ids[0]);
        ask.out.line(&format!("{id}  {said}"))?;
    }
    ask.out.flush()?;
    ask.warn_unless_applied(published.applied);
    Ok(())
}

/// Lines of JSON, many in one commit. What was sent before a bad line stays.
pub async fn lines(ask: &mut Ask, path: &Path) -> Result<(), Stop> {
    let named = path.display();
    let input: Box<dyn Read + Send> = if path.to_str() == Some("-") {
        Box::new(std::io::stdin())
    } else {
        let file = File::open(path);
        Box::new(file.map_err(|error| Fault::invalid(format!("cannot read {named}")).cause(error))?)
    };
    let door = ask.door().await?;
    let (mut batch, mut bytes, mut sent, mut applied) = (Vec::new(), 0, 0_u64, true);
    let mut reader = BufReader::new(input);
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let read = reader.by_ref().take(EVENT_BYTES_MAX as u64 + 1).read_until(b'\n', &mut line);
        let read = read.map_err(|error| Fault::invalid(format!("cannot read {named}")).cause(error))?;
        let is_full = batch.len() == PUBLISH_MAX || bytes + read > BATCH_BYTES_MAX;
        if !batch.is_empty() && (read == 0 || is_full) {
            sent += batch.len() as u64;
            let publish = Publish { events: std::mem::take(&mut batch), ..Publish::default() };
            applied &= door.publish(&ask.caller, publish).await?.applied;
            bytes = 0;
        }
        if read == 0 || ask.token.is_cancelled() {
            break;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let event: NewEvent = serde_json::from_slice(&line).map_err(|error| {
            let fault = report::unknown_name(&error)
                .unwrap_or_else(|| Fault::invalid("this is no event in JSON").cause(error));
            Fault {
                message: format!("{named}:{number}: {}, after {sent} were recorded", fault.message),
                ..fault
            }
        })?;
        bytes += read;
        batch.push(ours(ask, event));
    }
    if ask.out.manner.json {
        ask.out.document(&serde_json::json!({ "published": sent }))?;
    } else if !ask.out.manner.quiet {
        ask.out.line(&format!("{} recorded", text::counted(sent, "event", "events")))?;
    }
    ask.out.flush()?;
    ask.warn_unless_applied(applied);
    Ok(())
}

/// Of this project where it does not say another.
fn ours(ask: &Ask, mut event: NewEvent) -> NewEvent {
    event.project.get_or_insert_with(|| ask.setup.project.clone());
    event
}

fn data(field: &str) -> Result<(String, Value), Fault> {
    let Some((name, value)) = field.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        return Err(Fault::invalid(format!("--data is FIELD=VALUE, not {field:?}")));
    };
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_json_where_they_can_be() {
        assert_eq!(data("took_s=12.5").unwrap(), ("took_s".to_owned(), json!(12.5)));
        assert_eq!(data("host=web-1").unwrap(), ("host".to_owned(), json!("web-1")));
        assert_eq!(data("url=a=b").unwrap().1, json!("a=b"));
        assert!(data("alone").is_err() && data("=x").is_err());
    }
}
