use proptest::prelude::*;

use super::*;
use crate::console::theme::{Depth, Mode};

fn theme() -> Theme {
    Theme::for_mode(Mode::Dark, Depth::True, false)
}

fn plain(text: &str, width: usize) -> Vec<String> {
    let lines = render(text, width, &theme(), &[]).lines;
    lines.iter().map(|line| line.to_string().trim_end().to_owned()).collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(plain(text, 24), expected);
}

#[test]
fn blocks_look_like_what_they_are() {
    check(
        "# Deploys\n\nwhy they *fail* so often here",
        &["Deploys", "━━━━━━━", "", "why they fail so often", "here"],
    );
    check("## Two\ntext\n### Three\nmore", &["Two", "───", "", "text", "", "Three", "more"]);
    check(
        "- one\n- two\n  - deep and long enough to wrap\n- three",
        &["• one", "• two", "  • deep and long enough", "    to wrap", "• three"],
    );
    check("9. nine\n10. ten", &["9. nine", "10. ten"]);
    check("- [x] done\n- [ ] open", &["✓ done", "○ open"]);
    check("- a\n\n  second\n\n- b\n\nafter", &["• a", "", "  second", "• b", "", "after"]);
    check("> said\n>\n> - once\n\nafter", &["▎ said", "▎", "▎ • once", "", "after"]);
    check("one\n\n---\n\ntwo", &["one", "", "────────────────────────", "", "two"]);
    check("```rust\nlet a = 1;\n\nlet b;\n```\nafter", &["▏ let a = 1;", "▏", "▏ let b;", "", "after"]);
    check("one  \ntwo<br>three", &["one", "two", "three"]);
    check("---\ntitle: x\n---\nbody", &["body"]);
}

#[test]
fn tables_are_aligned_and_narrowed() {
    check(
        "| a | bb |\n|---|---:|\n| long | 1 |\n| x | 22 |",
        &["a    │ bb", "─────┼───", "long │  1", "x    │ 22"],
    );
    check(
        "| key | what it does |\n|--|--|\n| q | ends the program and gives the terminal back |",
        &[
            "key │ what it does",
            "────┼───────────────────",
            "q   │ ends the program",
            "    │ and gives the",
            "    │ terminal back",
        ],
    );
}

#[test]
fn a_table_of_too_many_columns_stands_as_records() {
    check(
        "| id | state | owner | note |\n|--|--|--|--|\n| 1 | open | ada | waits for the lock |\n| 2 | done | bo | |",
        &[
            "id    1",
            "state open",
            "owner ada",
            "note  waits for the lock",
            "────────────────────────",
            "id    2",
            "state done",
            "owner bo",
        ],
    );
}

#[test]
fn code_is_drawn_in_what_was_found_in_it() {
    let text = "a\n\n    indented\n\n```rust\nlet\tn = 1; // why\n```\n";
    let blocks = blocks(text);
    let said: Vec<_> = blocks.iter().map(|block| (block.language.as_str(), block.code.as_str())).collect();
    assert_eq!(said, [("", "indented"), ("rust", "let    n = 1; // why")]);
    let theme = theme();
    let grammars = code::Grammars::default();
    let colours: Vec<_> = blocks.iter().map(|block| grammars.tokens(block)).collect();
    let drawn = |width| {
        let lines = render(text, width, &theme, &colours).lines;
        let keyword = theme.style(Role::CodeBlock).patch(theme.style(Role::CodeKeyword));
        let comment = theme.style(Role::CodeBlock).patch(theme.style(Role::CodeComment));
        let of = |style| -> Vec<String> {
            let spans = lines.iter().flat_map(|line| &line.spans).filter(|span| span.style == style);
            spans.map(|span| span.content.to_string()).collect()
        };
        (of(keyword), of(comment))
    };
    assert_eq!(drawn(40), (vec!["let".into()], vec!["// why".into()]));
    assert_eq!(
        drawn(21),
        (vec!["let".into()], vec!["// w".into(), "hy".into()]),
        "also where a line is broken"
    );
    // What was found in another text does no harm.
    let other = [vec![(0..4_000, code::Token::Keyword), (5_000..6_000, code::Token::String)]];
    let lines = render("```rust\nlet é\n```", 40, &theme, &other).lines;
    assert_eq!(lines[0].to_string().trim_end(), "▏ let é");
}

#[test]
fn links_lead_where_they_say_and_nowhere_else() {
    let lead = |text: &str| -> Vec<(String, String)> {
        let drawn = render(text, 60, &theme(), &[]);
        let spans = drawn.lines.iter().flat_map(|line| &line.spans);
        let marked = spans.filter_map(|span| Some((span.content.to_string(), span.style.underline_color?)));
        marked.map(|(text, mark)| (text, drawn.links.leads(mark).unwrap().1.to_owned())).collect()
    };
    let to = |text: &str, address: &str| (text.to_owned(), address.to_owned());
    assert_eq!(
        lead("see [the log](https://a.dev/l) and <mailto:ada@a.dev> <bo@a.dev>"),
        [
            to("the log", "https://a.dev/l"),
            to("https://a.dev/l", "https://a.dev/l"),
            to("mailto:ada@a.dev", "mailto:ada@a.dev"),
            to("bo@a.dev", "mailto:bo@a.dev")
        ]
    );
    assert_eq!(lead("[x](javascript:alert(1)) [y](a.md) [z](#top)"), []);
    let hidden = lead("[pay\u{202e}fdp](https://a.dev/\u{202e}x)");
    assert!(
        hidden.iter().all(|(text, address)| !text.contains('\u{202e}') && address.is_ascii()),
        "{hidden:?}"
    );
}

#[test]
fn links_say_where_they_go() {
    check("[the log](a.md)", &["the log (a.md)"]);
    check("<https://a.dev/x>", &["https://a.dev/x"]);
    check("[up](#top) ![map](p.png)", &["up [image: map]"]);
    check("[![build](b.svg)](https://ci.dev)", &["[image: build]"]);
    assert_eq!(plain(&format!("[x](https://{})", "y".repeat(80)), 90)[0].len(), "x (…)".len() + 47);
}

#[test]
fn html_is_its_text() {
    check(
        "<div align=x>\n  <b>Deploys</b>\n</div>\n\nand <i>more</i><!-- hidden -->",
        &["Deploys", "", "and more"],
    );
    check("[<img src=b.svg>](https://ci.dev) seen", &["seen"]);
    check("<!--\nhidden\n-->\n\nseen", &["seen"]);
}

#[test]
fn text_is_styled_by_role() {
    let theme = theme();
    let lines = render("a **b** `c` ~~d~~\n\n# T", 40, &theme, &[]).lines;
    let text = theme.style(Role::Text);
    let expected = Line::from(vec![
        Span::styled("a ", text),
        Span::styled("b", text.add_modifier(Modifier::BOLD)),
        Span::styled(" ", text),
        Span::styled("c", text.patch(theme.style(Role::Code))),
        Span::styled(" ", text),
        Span::styled("d", text.add_modifier(Modifier::CROSSED_OUT)),
    ]);
    assert_eq!(lines[0], expected);
    assert_eq!(lines[2], Line::from(Span::styled("T", theme.style(Role::Heading1))));
}

#[test]
fn imported_controls_are_seen_not_obeyed() {
    check("a\u{1b}[2Jb `c\u{7}`", &["a␛[2Jb c␇"]);
    check("```\nx\u{1b}]0;y\n```", &["▏ x␛]0;y"]);
}

#[test]
fn long_text_is_bounded_and_says_so() {
    let text = "word ".repeat(60_000);
    let lines = plain(&text, 80);
    assert_eq!(lines.last().unwrap(), "38 kB more are not shown here");
}

proptest! {
    #[test]
    fn no_line_is_wider_than_asked(
        blocks in prop::collection::vec(
            prop::sample::select(vec![
                "# Heading 漢字", "- item\n  - deeper\n    - deepest", "> quote\n> > inner", "| a | b |\n|-|-|\n| 1 | 漢漢漢 |",
                "```\ncode with a long line in it\n```", "1. one\n\n   two", "word **strong** *em* `code` [l](http://x.y/z)",
                "---", "- [x] t", "<b>html</b>", "👩‍👩‍👧 e\u{301}", "> - > - > - > - > - deep",
            ]),
            0..8,
        ),
        width in 1..60usize,
    ) {
        for line in render(&blocks.join("\n\n"), width, &theme(), &[]).lines {
            // A grapheme of two columns has no place in one.
            prop_assert!(line.width() <= width.max(2), "{:?}", line);
        }
    }

    #[test]
    fn any_text_renders(text in any::<String>(), width in 0..40usize) {
        let lines = render(&text, width, &theme(), &[]).lines;
        prop_assert!(lines.iter().all(|line| line.spans.iter().all(|s| !s.content.contains(char::is_control))));
    }
}
