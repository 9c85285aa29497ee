//! The entry of this program in a client's settings, put in or taken out of their text.
//!
//! Everything else stays as it is, to the comment and the space. That is held against what both texts mean before anything
//! is written.

use jsonc_parser::{
    ParseOptions,
    cst::{CstInputValue, CstRootNode},
    parse_to_serde_value,
};
use serde_json::Value;
use toml_edit::{DocumentMut, Item, Table, value};

use super::clients::Form;
use crate::model::Fault;

/// What the server is called there.
const NAME: &str = "wheelhouse";
const JSON_SERVERS: &str = "mcpServers";
const TOML_SERVERS: &str = "mcp_servers";

/// What a client is to start.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub command: String,
    pub arguments: Vec<String>,
}

/// The text with the entry in it. Of an entry that is there already, only what to start is changed.
pub fn put(form: Form, text: &str, entry: &Entry) -> Result<String, Fault> {
    let changed = match form {
        Form::Json { says_type } => put_json(text, entry, says_type)?,
        Form::Toml => put_toml(text, entry)?,
    };
    unharmed(form, text, &changed)?;
    Ok(changed)
}

/// The text without the entry.
pub fn take(form: Form, text: &str) -> Result<String, Fault> {
    let changed = match form {
        Form::Json { .. } => {
            let root = json(text)?;
            let servers = root.object_value().and_then(|root| root.object_value(JSON_SERVERS));
            if let Some(entry) = servers.and_then(|servers| servers.get(NAME)) {
                entry.remove();
            }
            root.to_string()
        }
        Form::Toml => {
            let mut document = toml(text)?;
            if let Some(servers) = document.get_mut(TOML_SERVERS).and_then(Item::as_table_like_mut) {
                servers.remove(NAME);
            }
            document.to_string()
        }
    };
    unharmed(form, text, &changed)?;
    Ok(changed)
}

fn put_json(text: &str, entry: &Entry, says_type: bool) -> Result<String, Fault> {
    let root = json(if text.trim().is_empty() { "{}\n" } else { text })?;
    let other = |what: &str| {
        Fault::invalid(format!("{what} is no object of JSON")).hint("mend the file; nothing was changed")
    };
    let object = root.object_value().ok_or_else(|| other("the whole of it"))?;
    let servers = object.object_value_or_create(JSON_SERVERS).ok_or_else(|| other(JSON_SERVERS))?;
    let own = servers.object_value_or_create(NAME).ok_or_else(|| other(NAME))?;
    let arguments = entry.arguments.iter().cloned().map(CstInputValue::String).collect();
    let mut fields = vec![
        ("command", CstInputValue::String(entry.command.clone())),
        ("args", CstInputValue::Array(arguments)),
    ];
    if says_type {
        fields.insert(0, ("type", CstInputValue::String("stdio".to_owned())));
    }
    for (name, value) in fields {
        match own.get(name) {
            Some(there) => there.set_value(value),
            None => drop(own.append(name, value)),
        }
    }
    Ok(root.to_string())
}

fn put_toml(text: &str, entry: &Entry) -> Result<String, Fault> {
    let mut document = toml(text)?;
    let other =
        |what: &str| Fault::invalid(format!("{what} is no table")).hint("mend the file; nothing was changed");
    let servers = document.entry(TOML_SERVERS).or_insert_with(|| {
        // Only its tables are written, as people write them.
        let mut servers = Table::new();
        servers.set_implicit(true);
        Item::Table(servers)
    });
    let servers = servers.as_table_like_mut().ok_or_else(|| other(TOML_SERVERS))?;
    let own = servers.entry(NAME).or_insert_with(|| Item::Table(Table::new()));
    let own = own.as_table_like_mut().ok_or_else(|| other(NAME))?;
    own.insert("command", value(entry.command.as_str()));
    own.insert("args", value(entry.arguments.iter().collect::<toml_edit::Array>()));
    Ok(document.to_string())
}

/// Comments and trailing commas, as clients allow them, and nothing looser.
fn options() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_loose_object_property_names: false,
        allow_trailing_commas: true,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

fn json(text: &str) -> Result<CstRootNode, Fault> {
    CstRootNode::parse(text, &options()).map_err(|error| unreadable("JSON", &error))
}

fn toml(text: &str) -> Result<DocumentMut, Fault> {
    text.parse().map_err(|error| unreadable("TOML", &error))
}

fn unreadable(form: &str, error: &dyn std::fmt::Display) -> Fault {
    Fault::invalid(format!("the file is no {form}")).cause(error).hint("mend the file; nothing was changed")
}

/// Refuses a change of anything but the entry.
fn unharmed(form: Form, before: &str, after: &str) -> Result<(), Fault> {
    if others(form, before)? == others(form, after)? {
        return Ok(());
    }
    Err(Fault::bug("the change would have touched other settings; nothing was changed")
        .hint("add the entry by hand: docs/mcp.md shows it"))
}

/// All that the text means besides the entry.
fn others(form: Form, text: &str) -> Result<Value, Fault> {
    let (mut value, servers) = match form {
        Form::Json { .. } => {
            let read = parse_to_serde_value::<Option<Value>>(text, &options());
            let value = read.map_err(|error| unreadable("JSON", &error))?;
            (value.unwrap_or(Value::Null), JSON_SERVERS)
        }
        Form::Toml => (toml::from_str(text).map_err(|error| unreadable("TOML", &error))?, TOML_SERVERS),
    };
    let Some(all) = value.as_object_mut() else { return Ok(Value::Object(serde_json::Map::new())) };
    if let Some(known) = all.get_mut(servers).and_then(Value::as_object_mut) {
        known.remove(NAME);
        if known.is_empty() {
            all.remove(servers);
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Code;

    fn entry() -> Entry {
        Entry { command: "/opt/wheelhouse".into(), arguments: vec!["mcp".into()] }
    }

    const JSON: Form = Form::Json { says_type: false };

    #[test]
    fn a_new_file_has_the_entry_alone() {
        let made = put(Form::Json { says_type: true }, "", &entry()).unwrap();
        insta::assert_snapshot!(made, @r#"
        {
          "mcpServers": {
            "wheelhouse": {
              "type": "stdio",
              "command": "/opt/wheelhouse",
              "args": ["mcp"]
            }
          }
        }
        "#);
        insta::assert_snapshot!(put(Form::Toml, "", &entry()).unwrap(), @r#"
        [mcp_servers.wheelhouse]
        command = "/opt/wheelhouse"
        args = ["mcp"]
        "#);
    }

    #[test]
    fn json_around_the_entry_stays_to_the_letter() {
        let before = "{\n    // mine\n    \"z\": 1.50,\n    \"mcpServers\": {\n        \"a\": {\"command\": \"x\"}\n    },\n    \"b\": [1,2]\n}\n";
        let made = put(JSON, before, &entry()).unwrap();
        insta::assert_snapshot!(made, @r#"
        {
            // mine
            "z": 1.50,
            "mcpServers": {
                "a": {"command": "x"},
                "wheelhouse": {
                    "command": "/opt/wheelhouse",
                    "args": ["mcp"]
                }
            },
            "b": [1,2]
        }
        "#);
        assert_eq!(put(JSON, &made, &entry()).unwrap(), made, "twice is once");
        assert_eq!(take(JSON, &made).unwrap(), before, "and what was put in comes out");
        assert_eq!(take(JSON, before).unwrap(), before);
    }

    #[test]
    fn toml_around_the_entry_stays_to_the_letter() {
        let before = "# mine\nmodel = \"m\"   # best\n\n[mcp_servers.a]\ncommand = 'x'\n\n[other]\ny = 1\n";
        let made = put(Form::Toml, before, &entry()).unwrap();
        assert!(made.contains("model = \"m\"   # best") && made.contains("command = 'x'"), "{made}");
        assert_eq!(put(Form::Toml, &made, &entry()).unwrap(), made);
        assert_eq!(take(Form::Toml, &made).unwrap(), before);
    }

    #[test]
    fn what_else_the_entry_says_stays() {
        let before = "{\"mcpServers\": {\"wheelhouse\": {\"command\": \"old\", \"env\": {\"A\": \"b\"}}}}";
        let made: Value = serde_json::from_str(&put(JSON, before, &entry()).unwrap()).unwrap();
        let own = &made["mcpServers"]["wheelhouse"];
        assert_eq!((&own["command"], &own["env"]["A"]), (&"/opt/wheelhouse".into(), &"b".into()));
    }

    #[test]
    fn what_cannot_be_read_is_left_alone() {
        for text in ["{", "[]", "{\"mcpServers\": 7}", "{\"mcpServers\": {\"wheelhouse\": []}}", "{a: 1}"] {
            assert_eq!(put(JSON, text, &entry()).unwrap_err().code, Code::Invalid, "{text}");
        }
        for text in ["x", "mcp_servers = 7", "[mcp_servers]\nwheelhouse = 1"] {
            assert_eq!(put(Form::Toml, text, &entry()).unwrap_err().code, Code::Invalid, "{text}");
        }
    }
}
