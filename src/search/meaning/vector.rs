//! Vectors of meaning: 384 numbers of eight bits and a scale, of length 1.

pub const DIMENSIONS: usize = 384;

/// A text's place. The dot product of two is the cosine.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector {
    scale: f32,
    /// Each of eight bits, as they lie in a file.
    values: [u8; DIMENSIONS],
}

impl Vector {
    /// None where it has another width.
    pub fn of(values: &[f32]) -> Option<Vector> {
        let values: &[f32; DIMENSIONS] = values.try_into().ok()?;
        let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let scale = if largest > 0.0 { largest / f32::from(i8::MAX) } else { 1.0 };
        Some(Vector { scale, values: values.map(|value| ((value / scale).round() as i8).cast_unsigned()) })
    }

    pub(super) fn new(scale: f32, values: &[u8; DIMENSIONS]) -> Vector {
        Vector { scale, values: *values }
    }

    pub fn dot(&self, other: &Vector) -> f32 {
        self.dot_with(other.scale, &other.values)
    }

    /// With one that lies in a file: its scale and its values as bytes.
    #[inline]
    pub fn dot_with(&self, scale: f32, values: &[u8; DIMENSIONS]) -> f32 {
        dot(&self.values, values) as f32 * self.scale * scale
    }

    pub fn scale(&self) -> f32 {
        self.scale
    }

    pub fn bytes(&self) -> &[u8; DIMENSIONS] {
        &self.values
    }

    #[cfg(test)]
    pub fn values(&self) -> impl Iterator<Item = f32> + '_ {
        self.values.iter().map(|value| f32::from(value.cast_signed()) * self.scale)
    }
}

#[inline]
fn dot(a: &[u8; DIMENSIONS], b: &[u8; DIMENSIONS]) -> i32 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "calling what was compiled for a processor that this is")]
        // SAFETY: the processor was asked, and has AVX2.
        return unsafe { dot_avx2(a, b) };
    }
    dot_plain(a, b)
}

/// The same loop, compiled for processors that take sixteen numbers at a time.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn dot_avx2(a: &[u8; DIMENSIONS], b: &[u8; DIMENSIONS]) -> i32 {
    dot_plain(a, b)
}

// A plain loop over arrays of known width: the compiler makes vector code of it.
#[inline(always)]
fn dot_plain(a: &[u8; DIMENSIONS], b: &[u8; DIMENSIONS]) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(a.cast_signed()) * i32::from(b.cast_signed())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bits_keep_the_cosine() {
        let wave = |step: f32| -> Vec<f32> {
            let raw: Vec<f32> = (0..DIMENSIONS).map(|i| (i as f32 * step).sin()).collect();
            let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
            raw.into_iter().map(|x| x / length).collect()
        };
        let (a, b) = (wave(0.3), wave(0.31));
        let exact: f32 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
        let (a, b) = (Vector::of(&a).unwrap(), Vector::of(&b).unwrap());
        assert!((a.dot(&b) - exact).abs() < 2e-3, "{} {exact}", a.dot(&b));
        assert_eq!(Vector::of(&[0.0; 3]), None);
        assert_eq!(Vector::of(&[0.0; DIMENSIONS]).unwrap().dot(&a), 0.0);
    }
}
