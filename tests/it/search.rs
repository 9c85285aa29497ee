//! Notes kept and found.
