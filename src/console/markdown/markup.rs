//! HTML inside Markdown: its text without the tags and comments, which mean nothing on a terminal.

/// Reads HTML in pieces; a tag or a comment may begin in one and end in another.
#[derive(Debug, Default)]
pub(super) struct Markup {
    /// What stood outside of tags, to be taken.
    pub(super) text: String,
    inside: Inside,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Inside {
    #[default]
    Text,
    Tag,
    Comment,
}

/// What people write in HTML blocks; other entities stay as they are.
const ENTITIES: [(&str, &str); 6] =
    [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];

impl Markup {
    pub(super) fn read(&mut self, html: &str) {
        let mut text = String::new();
        let mut rest = html;
        while !rest.is_empty() {
            let (end, next) = match self.inside {
                Inside::Text => ("<", Inside::Tag),
                Inside::Tag => (">", Inside::Text),
                Inside::Comment => ("-->", Inside::Text),
            };
            let Some(at) = rest.find(end) else {
                if self.inside == Inside::Text {
                    text.push_str(rest);
                }
                break;
            };
            if self.inside == Inside::Text {
                text.push_str(&rest[..at]);
                let is_comment = rest[at..].starts_with("<!--");
                self.inside = if is_comment { Inside::Comment } else { next };
            } else {
                self.inside = next;
            }
            rest = &rest[at + end.len()..];
        }
        for (entity, meant) in ENTITIES {
            text = text.replace(entity, meant);
        }
        self.text.push_str(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pieces: &[&str], text: &str) {
        let mut markup = Markup::default();
        pieces.iter().for_each(|piece| markup.read(piece));
        assert_eq!(markup.text, text);
    }

    #[test]
    fn tags_and_comments_are_left_out() {
        check(&["<p align=\"center\">A &amp; B</p>"], "A & B");
        check(&["<!-- a > b -->kept"], "kept");
        check(&["<img\n", " src=x>after", "<!-- one\n", "two -->"], "after");
        check(&["no markup"], "no markup");
        check(&["1 <"], "1 ");
    }
}
