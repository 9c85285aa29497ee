//! The keys in Markdown, from the table of actions: what each shipped keymap binds, place by place.

use std::fmt::Write;

use super::{
    Fact, Keymap, Shipped,
    file::{FAMILIES, values},
};
use crate::console::action::{ACTIONS, Place, Row};

const HEAD: &str = r#"# Keys

What the three keymaps bind; the setting `keymap` picks one. `wheelhouse keymap list` prints the bindings in force,
`wheelhouse keymap explain KEY` what a key does and which line of which file says so.

`keymap.toml` beside the settings is laid over them: what it names is changed, the rest stays.

```toml
version = 1
extends = "vim"                    # else what the setting names
leader  = "\\"

[global]
"q"        = false                 # unbound
"ctrl-q"   = "app.quit"
"leader f" = { run = "stream.filter", desc = "Filter what happens" }
[pane.timeline]
"F"        = ["stream.to-latest", "stream.follow-toggle"]
[pane.search]
"T"        = { run = "pane.focus", args = { pane = "timeline" } }
"X"        = { run = "import.stop", when = "import.running", desc = "Stop the import" }
```

`wheelhouse keymap check` names what is wrong in it, with its line. A key is looked up in the place that is open, then in
its pane, in `lists`, in `global`, and at last in `always`. Where letters are text a letter cannot be bound; what nothing
binds there edits the text, with the arrows, Home, End and Delete or as in a shell: `Ctrl-A` `Ctrl-E` `Ctrl-B` `Ctrl-F`
`Alt-B` `Alt-F` move, `Ctrl-D` `Ctrl-H` `Ctrl-W` `Alt-D` `Ctrl-K` delete.
"#;

/// All of it, as `docs/keys.md` has it.
pub fn document() -> String {
    let keymaps = Shipped::ALL.map(|shipped| Keymap::load(shipped, None).0);
    let mut text = HEAD.to_owned();
    line(&mut text, format_args!("\n## args\n\nOne action of a family, picked by a value.\n"));
    line(&mut text, format_args!("| run | args | values |\n|---|---|---|"));
    for (family, arg) in FAMILIES {
        let values = values(family).map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" ");
        line(&mut text, format_args!("| `{family}` | `{arg}` | {values} |"));
    }
    line(
        &mut text,
        format_args!(
            "\n## when\n\nThe binding is there only while this is so, or with `!` before it, is not.\n"
        ),
    );
    line(&mut text, format_args!("| when | what |\n|---|---|"));
    for fact in Fact::ALL {
        line(&mut text, format_args!("| `{}` | {} |", fact.name(), fact.what()));
    }
    for place in Place::ALL {
        let bound: Vec<_> = ACTIONS
            .iter()
            .map(|row| (row, cells(&keymaps, row, place)))
            .filter(|(_, keys)| any(keys))
            .collect();
        if bound.is_empty() {
            continue;
        }
        let names = Shipped::ALL.map(Shipped::name).join(" | ");
        line(&mut text, format_args!("\n## {}\n", place.title()));
        line(&mut text, format_args!("`[{}]`\n", place.section()));
        line(&mut text, format_args!("| what | {names} | name |\n|---|---|---|---|---|"));
        for (row, keys) in bound {
            line(&mut text, format_args!("| {} | {} | `{}` |", row.title, keys.join(" | "), row.name));
        }
    }
    let nowhere = |row: &&Row| Place::ALL.iter().all(|place| !any(&cells(&keymaps, row, *place)));
    line(&mut text, format_args!("\n## only by the palette\n\n| what | name |\n|---|---|"));
    for row in ACTIONS.iter().filter(nowhere) {
        line(&mut text, format_args!("| {} | `{}` |", row.title, row.name));
    }
    text
}

/// An action's keys in a place, keymap by keymap.
fn cells(keymaps: &[Keymap; 3], row: &Row, place: Place) -> [String; 3] {
    keymaps.each_ref().map(|keymap| {
        let keys = keymap.keys_of(row.action, &[place]);
        keys.iter().map(|keys| format!("`{}`", keys.replace('|', "\\|"))).collect::<Vec<_>>().join(" ")
    })
}

fn any(keys: &[String; 3]) -> bool {
    keys.iter().any(|keys| !keys.is_empty())
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    writeln!(text, "{words}").expect("a String takes any text");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_example_has_no_problem() {
        let text = HEAD.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let (keymap, problems) = Keymap::load(Shipped::Default, Some((Path::new("keymap.toml"), text)));
        assert_eq!((keymap.base(), problems), (Shipped::Vim, vec![]));
        assert!(!keymap.explain("ctrl-q").unwrap().is_empty());
    }
}
