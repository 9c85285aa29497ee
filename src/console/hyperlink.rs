//! Links that a terminal opens: which text of a frame leads where (OSC 8).
//!
//! A cell of a frame holds a symbol and a style, no address. A link's cells are *marked* by an underline colour, which
//! nothing else here uses, and [`Hyperlinks`] says where each mark leads; the painter turns marks into OSC 8. So widths
//! stay what they are, and a cell whose target changes is drawn anew like one whose colour does.
//!
//! Invariant: an address in here is ASCII without a control or a space, begins with a scheme of `SCHEMES`, and is no
//! longer than `ADDRESS_BYTES_MAX`: no imported text can command the terminal through it.

use std::{collections::BTreeMap, fmt::Write};

use ratatui::style::{Color, Style};

/// A longer address is text alone: each frame that draws the link sends it.
const ADDRESS_BYTES_MAX: usize = 1_024;
/// Nothing else is opened from a text that someone imported.
const SCHEMES: [&str; 4] = ["http", "https", "mailto", "file"];
/// Marks tried for an address whose own is taken by another.
const TRIES_MAX: u32 = 8;

/// Where the marks of a page lead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hyperlinks(BTreeMap<u32, String>);

impl Hyperlinks {
    /// The mark of a link to `target`; none when it is not one that is opened.
    pub fn mark(&mut self, target: &str) -> Option<Style> {
        let address = address(target)?;
        // By the address, not by its place: the same mark on another page leads to the same.
        let hash = blake3::hash(address.as_bytes());
        let [a, b, c, ..] = *hash.as_bytes();
        let first = u32::from_be_bytes([0, a, b, c]);
        let free = (first..first + TRIES_MAX)
            .map(|mark| mark & 0xff_ffff)
            .find(|mark| self.0.get(mark).is_none_or(|known| *known == address))?;
        self.0.insert(free, address);
        Some(Style { underline_color: Some(Color::from_u32(free)), ..Style::new() })
    }

    /// The address and the mark's own name, for a terminal that joins the parts of a link on several lines.
    pub fn leads(&self, mark: Color) -> Option<(u32, &str)> {
        let Color::Rgb(r, g, b) = mark else { return None };
        let mark = u32::from_be_bytes([0, r, g, b]);
        self.0.get(&mark).map(|address| (mark, address.as_str()))
    }
}

/// `target` as an address that may be sent; what is not printable ASCII is percent-encoded.
fn address(target: &str) -> Option<String> {
    let target = target.trim();
    let (scheme, rest) = target.split_once(':')?;
    let known = SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme));
    if !known || rest.is_empty() || target.chars().any(char::is_control) {
        return None;
    }
    let mut address = String::with_capacity(target.len());
    for byte in target.bytes() {
        match byte {
            b'!'..=b'~' => address.push(char::from(byte)),
            byte => write!(address, "%{byte:02X}").expect("a String takes everything"),
        }
    }
    (address.len() <= ADDRESS_BYTES_MAX).then_some(address)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(target: &str, sent: Option<&str>) {
        let mut links = Hyperlinks::default();
        let mark = links.mark(target).and_then(|style| style.underline_color);
        assert_eq!(mark.and_then(|mark| links.leads(mark)).map(|(_, address)| address), sent, "{target}");
    }

    #[test]
    fn only_known_schemes_lead_anywhere() {
        check("https://a.dev/x?y=1#z", Some("https://a.dev/x?y=1#z"));
        check("HTTP://a.dev", Some("HTTP://a.dev"));
        check("mailto:ada@a.dev", Some("mailto:ada@a.dev"));
        check("file:///srv/docs/a b.md", Some("file:///srv/docs/a%20b.md"));
        // No terminal knows who opens it.
        check("wheelhouse://memory/0192", None);
        for target in
            ["javascript:alert(1)", "data:text/html,x", "a.md", "#top", "", "https:", "ssh://a", "x y:z"]
        {
            check(target, None);
        }
    }

    #[test]
    fn no_address_commands_the_terminal() {
        check("https://a.dev/\u{1b}]0;x\u{7}", None);
        check("https://a.dev/\u{9b}31m", None);
        check("https://a.dev/\u{202e}fdp.exe", Some("https://a.dev/%E2%80%AEfdp.exe"));
        check("https://a.dev/漢", Some("https://a.dev/%E6%BC%A2"));
        check(&format!("https://{}", "y".repeat(2_000)), None);
    }

    #[test]
    fn a_mark_is_the_addresss_own() {
        let mut links = Hyperlinks::default();
        let (a, b) = (links.mark("https://a.dev"), links.mark("https://b.dev"));
        assert_ne!(a, b);
        assert_eq!(links.mark("https://a.dev"), a);
        assert_eq!(Hyperlinks::default().mark("https://a.dev"), a);
        assert_eq!(links.leads(Color::Reset), None);
    }

    proptest! {
        #[test]
        fn what_is_sent_is_printable_and_bounded(target in "(https?:|file://|mailto:)?(\\PC|[\u{0}-\u{20}]|\u{202e}){0,60}") {
            if let Some(address) = address(&target) {
                prop_assert!(address.bytes().all(|byte| (b'!'..=b'~').contains(&byte)));
                prop_assert!(address.len() <= ADDRESS_BYTES_MAX);
            }
        }
    }
}
