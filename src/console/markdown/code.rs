//! Code in colour: what each stretch of a block is, told by syntect's grammars and those that bat has gathered.
//!
//! Only what a stretch *is* comes from here; how that looks is the theme's ([`Token::role`]). Reading a grammar takes
//! milliseconds and a long block takes many: this is for a thread beside the loop, and the block is shown plain until
//! the answer is there.

use std::{ops::Range, sync::LazyLock};

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use crate::console::theme::Role;

/// Lines of a block beyond this stay plain: nobody reads that far, and a regular expression costs at each of them.
const LINES_MAX: usize = 2_000;
/// A longer line stays plain: it is data or minified, and backtracking in it has no bound worth waiting for.
const LINE_BYTES_MAX: usize = 1_000;

/// What a stretch of code is. What is none of these looks as the block does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    Keyword,
    String,
    Comment,
    Number,
    /// A function's name, a key, a tag: what a reader looks for.
    Function,
    /// Lines of a diff.
    Added,
    Removed,
}

impl Token {
    pub fn role(self) -> Role {
        match self {
            Token::Keyword => Role::CodeKeyword,
            Token::String => Role::CodeString,
            Token::Comment => Role::CodeComment,
            Token::Number => Role::CodeNumber,
            Token::Function => Role::CodeFunction,
            Token::Added => Role::CodeAdded,
            Token::Removed => Role::CodeRemoved,
        }
    }
}

/// The stretches of a block that are something, in order, none over another.
pub type Tokens = Vec<(Range<usize>, Token)>;

/// A block of code as it is shown: its controls made visible, its tabs spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// As the fence says, `rust` or `sh,ignore`; empty when it says nothing.
    pub language: String,
    pub code: String,
}

/// The grammars. A megabyte when they are read; each one used is compiled and adds 5 to 50 of them, so they are not
/// held for good: whoever has them lets them go when there is nothing to read.
pub struct Grammars(SyntaxSet);

impl Default for Grammars {
    fn default() -> Grammars {
        Grammars(two_face::syntax::extra_newlines())
    }
}

impl Grammars {
    /// What the parts of a block are; nothing when its language is not known. Takes as long as it takes.
    pub fn tokens(&self, block: &Block) -> Tokens {
        self.named(&block.language).map_or_else(Vec::new, |grammar| self.read(grammar, &block.code))
    }

    fn named(&self, language: &str) -> Option<&SyntaxReference> {
        let word =
            language.split([' ', '\t', ',', '{', ':']).next().unwrap_or_default().trim_start_matches('.');
        let word = word.to_ascii_lowercase();
        let word = ALIASES.iter().find(|(alias, _)| *alias == word).map_or(word.as_str(), |(_, name)| name);
        // The grammar of plain text knows nothing, slowly.
        self.0.find_syntax_by_token(word).filter(|_| !matches!(word, "" | "txt" | "text" | "plain"))
    }

    fn read(&self, grammar: &SyntaxReference, code: &str) -> Tokens {
        let mut state = ParseState::new(grammar);
        let mut stack = ScopeStack::new();
        let mut found = Tokens::new();
        let mut at = 0;
        for line in code.split_inclusive('\n').take(LINES_MAX) {
            let start = at;
            at += line.len();
            if line.len() > LINE_BYTES_MAX {
                continue;
            }
            // What a grammar cannot read on is left plain from there.
            let Ok(changes) = state.parse_line(line, &self.0) else { return found };
            let mut from = 0;
            for (place, change) in changes {
                add(&mut found, start + from..start + place, kind(&stack));
                from = place;
                if stack.apply(&change).is_err() {
                    return found;
                }
            }
            add(&mut found, start + from..at, kind(&stack));
        }
        found
    }
}

/// What people write behind a fence and the grammars do not call themselves.
const ALIASES: [(&str, &str); 8] = [
    ("shell", "bash"),
    ("console", "bash"),
    ("golang", "go"),
    ("csharp", "cs"),
    ("jsonc", "json"),
    ("json5", "json"),
    ("make", "makefile"),
    ("docker", "dockerfile"),
];

/// By the beginning of a scope's name, the more particular first; `None` ends the search: it looks as the block does.
const SCOPES: [(&str, Option<Token>); 20] = [
    ("comment", Some(Token::Comment)),
    ("meta.interpolation", None),
    ("meta.mapping.key", Some(Token::Function)),
    ("meta.structure.dictionary.key", Some(Token::Function)),
    ("entity.name.tag", Some(Token::Function)),
    ("string", Some(Token::String)),
    ("constant.character", Some(Token::String)),
    ("constant.numeric", Some(Token::Number)),
    ("constant.language", Some(Token::Number)),
    ("keyword.operator.word", Some(Token::Keyword)),
    ("keyword.operator", None),
    ("keyword", Some(Token::Keyword)),
    ("storage", Some(Token::Keyword)),
    ("variable.language", Some(Token::Keyword)),
    ("entity.name.function", Some(Token::Function)),
    ("support.function", Some(Token::Function)),
    ("variable.function", Some(Token::Function)),
    ("entity.other.attribute-name", Some(Token::Function)),
    ("markup.inserted", Some(Token::Added)),
    ("markup.deleted", Some(Token::Removed)),
];

static KINDS: LazyLock<Vec<(Scope, Option<Token>)>> = LazyLock::new(|| {
    SCOPES.iter().filter_map(|(name, token)| Some((Scope::new(name).ok()?, *token))).collect()
});

/// The innermost scope that says something decides.
fn kind(stack: &ScopeStack) -> Option<Token> {
    let said =
        |scope: &Scope| KINDS.iter().find(|(kind, _)| kind.is_prefix_of(*scope)).map(|(_, token)| *token);
    stack.as_slice().iter().rev().find_map(said).flatten()
}

fn add(found: &mut Tokens, range: Range<usize>, token: Option<Token>) {
    let Some(token) = token.filter(|_| !range.is_empty()) else { return };
    match found.last_mut() {
        Some((last, same)) if *same == token && last.end == range.start => last.end = range.end,
        _ => found.push((range, token)),
    }
}

#[cfg(test)]
mod tests {
    use std::{fmt::Write, fs, path::Path};

    use proptest::prelude::*;

    use super::*;

    static GRAMMARS: LazyLock<Grammars> = LazyLock::new(Grammars::default);

    /// The tokens as `Kind text`, the line ends left out.
    #[track_caller]
    fn check(language: &str, code: &str, expected: &[&str]) {
        let block = Block { language: language.into(), code: code.into() };
        let seen: Vec<_> = GRAMMARS
            .tokens(&block)
            .into_iter()
            .map(|(range, token)| format!("{token:?} {}", code[range].trim_end()))
            .collect();
        assert_eq!(seen, expected, "{language}");
    }

    #[test]
    fn code_is_told_apart() {
        check(
            "rust,ignore",
            "// why\nlet n = add(1, \"two\");\n",
            &["Comment // why", "Keyword let", "Function add", "Number 1", "String \"two\""],
        );
        check("toml", "name = \"x\" # y\n", &["Function name", "String \"x\"", "Comment # y"]);
        check("ts", "const n = 1\n", &["Keyword const", "Number 1"]);
        check("console", "echo 'a b'\n", &["Function echo", "String 'a b'"]);
        check("diff", "-old\n+new\n same\n", &["Removed -old", "Added +new"]);
    }

    #[test]
    fn what_is_not_known_stays_plain() {
        for language in ["", "text", "klingon", "{}", "🚢"] {
            check(language, "let n = 1;\n", &[]);
        }
        let long = format!("let n = \"{}\";\n// after\n", "x".repeat(LINE_BYTES_MAX));
        check("rust", &long, &["Comment // after"]);
        let many = "// line\n".repeat(LINES_MAX + 50);
        let block = Block { language: "rust".into(), code: many };
        assert_eq!(GRAMMARS.tokens(&block).last().map(|(range, _)| range.end), Some(LINES_MAX * 8));
    }

    /// What the grammars' licences ask to be said, beside the program's own.
    #[test]
    fn the_notice_has_every_licence_of_a_grammar() {
        let mut notice = "The grammars that code in Markdown is coloured by were collected by bat \
            (https://github.com/sharkdp/bat) and come with the crate\ntwo-face. No theme of either is used. \
            Each grammar whose licence asks for it is named here by its place among them.\n"
            .to_owned();
        for licence in two_face::acknowledgement::listing().for_syntaxes() {
            write!(notice, "\n── {}\n\n{}\n", licence.rel_path.display(), licence.text.trim()).unwrap();
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/grammars/NOTICE");
        if fs::read_to_string(&path).unwrap_or_default() != notice {
            fs::write(&path, notice).unwrap();
            panic!("{} was out of date; it is written anew", path.display());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn tokens_are_in_order_and_between_characters(
            language in prop::sample::select(vec!["rust", "py", "sh", "sql", "yaml", "md", "html", "json"]),
            code in "(\\PC|[\n\"'#/*{}()<>-]|fn |é){0,60}",
        ) {
            let block = Block { language: language.into(), code };
            let mut end = 0;
            for (range, _) in GRAMMARS.tokens(&block) {
                prop_assert!(range.start >= end && block.code.get(range.clone()).is_some());
                end = range.end;
            }
        }
    }
}
