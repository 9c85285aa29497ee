//! Lines of a body, read as the bytes come.

/// A memory of 1 MiB, escaped, with all its fields.
pub const LINE_BYTES_MAX: usize = 8 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line has more than {LINE_BYTES_MAX} bytes")]
pub struct TooLong;

#[derive(Debug, Default)]
pub struct Lines(Vec<u8>);

impl Lines {
    /// Takes the next bytes; the lines that they complete go to `out`, empty ones left away.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<Vec<u8>>) -> Result<(), TooLong> {
        let mut parts = bytes.split(|&byte| byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            self.0.extend_from_slice(part);
            if self.0.len() > LINE_BYTES_MAX {
                return Err(TooLong);
            }
            if parts.peek().is_some() && !self.0.is_empty() {
                out.push(std::mem::take(&mut self.0));
            }
        }
        Ok(())
    }

    /// Whether the body ended in the middle of a line.
    pub fn is_cut(&self) -> bool {
        !self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_split_gives_the_same_lines(text in "[ab\n]{0,40}", size in 1usize..7) {
            let mut lines = Lines::default();
            let mut out = Vec::new();
            for chunk in text.as_bytes().chunks(size) {
                lines.feed(chunk, &mut out).unwrap();
            }
            let whole: Vec<&str> = text.rsplit_once('\n').map_or("", |(whole, _)| whole)
                .split('\n').filter(|line| !line.is_empty()).collect();
            prop_assert_eq!(out, whole.iter().map(|line| line.as_bytes().to_vec()).collect::<Vec<_>>());
            prop_assert_eq!(lines.is_cut(), !text.is_empty() && !text.ends_with('\n'));
        }
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut lines = Lines::default();
        assert_eq!(lines.feed(&vec![b'x'; LINE_BYTES_MAX + 1], &mut Vec::new()), Err(TooLong));
    }
}
