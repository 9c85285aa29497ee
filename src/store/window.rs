//! The moments in which a kill hurts most, told to the program's own log: a test waits for one and kills inside it.

/// Told when it begins and when it is over.
pub struct Window(&'static str);

impl Window {
    pub fn begin(name: &'static str) -> Window {
        tracing::trace!(target: "wheelhouse::store::window", window = name, "begins");
        Window(name)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        tracing::trace!(target: "wheelhouse::store::window", window = self.0, "is over");
    }
}
