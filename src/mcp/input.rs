//! Standard input, and that it ended: what a client left open ends with it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::CancellationToken;

/// Reads on, and cancels the token when there is no more to come.
pub struct Input<R> {
    pub from: R,
    pub ended: CancellationToken,
}

impl<R: AsyncRead + Unpin> AsyncRead for Input<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.from).poll_read(context, buffer));
        if read.is_err() || buffer.filled().len() == before {
            self.ended.cancel();
        }
        Poll::Ready(read)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn the_end_is_told_once_all_was_read() {
        let mut input = Input { from: b"ab".as_slice(), ended: CancellationToken::new() };
        let mut two = [0; 2];
        input.read_exact(&mut two).await.unwrap();
        assert!(!input.ended.is_cancelled());
        assert_eq!(input.read(&mut two).await.unwrap(), 0);
        assert!(input.ended.is_cancelled());
    }
}
