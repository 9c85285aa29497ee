//! Sparklines: one glyph a column, as high as its value by the highest.

use ratatui::text::Span;

use crate::console::{scene::Scene, theme::Role};

/// The newest `columns` values, the newest on the right. Where nothing was measured is the ground line.
pub fn spark(values: &[Option<f64>], columns: usize, role: Role, scene: &Scene) -> Vec<Span<'static>> {
    let from = values.len().saturating_sub(columns);
    marked(&values[from..], None, role, scene)
}

/// As they are, with one column marked.
pub fn marked(values: &[Option<f64>], mark: Option<usize>, role: Role, scene: &Scene) -> Vec<Span<'static>> {
    let (theme, bars) = (scene.theme, scene.theme.bars());
    let highest = values.iter().flatten().copied().fold(0.0, f64::max);
    let mut spans: Vec<Span<'static>> = Vec::new();
    for (at, value) in values.iter().enumerate() {
        let height = match value {
            Some(value) if *value > 0.0 && highest > 0.0 => {
                ((value / highest * (bars.len() - 1) as f64).ceil() as usize).clamp(1, bars.len() - 1)
            }
            _ => 0,
        };
        let style = theme.style(if height == 0 { Role::Rule } else { role });
        let style = if mark == Some(at) { theme.style(Role::TabActive) } else { style };
        let glyph = bars[height.max(1)];
        match spans.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push_str(glyph),
            _ => spans.push(Span::styled(glyph.to_owned(), style)),
        }
    }
    spans
}

/// So many columns of these values, each the highest of its part, so that no peak is lost.
pub fn peaks(values: &[Option<f64>], columns: usize) -> Vec<Option<f64>> {
    if values.len() <= columns || columns == 0 {
        return values.to_vec();
    }
    (0..columns)
        .map(|column| {
            let (from, to) = (column * values.len() / columns, (column + 1) * values.len() / columns);
            values[from..to].iter().flatten().copied().reduce(f64::max)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_seen_however_few_columns_there_are() {
        let mut values = vec![Some(1.0); 360];
        values[200] = Some(9.0);
        values[0] = None;
        for columns in [1, 7, 60, 359, 360, 400] {
            let peaks = peaks(&values, columns);
            assert_eq!(peaks.len(), columns.min(360));
            assert_eq!(peaks.iter().flatten().copied().fold(0.0, f64::max), 9.0, "{columns}");
        }
        assert_eq!(peaks(&[None, None], 1), [None]);
    }
}
