//! One connection and one exchange on it: the request in one write, the answer in as few reads as it comes in.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::Instant;

use super::body::{self, Chunks};
use super::head::{self, Framing, Head, Parsed};
use super::stream::Stream;

/// A connection with its buffers, which live as long as it does.
pub(super) struct Connection {
    stream: Stream,
    /// Where the next request's head is written, kept to spare the allocation.
    pub(super) head: Vec<u8>,
    /// Bytes of the answer as they came.
    read: Vec<u8>,
    /// The body of a chunked answer.
    chunked: Vec<u8>,
    /// The head of the last answer, when whoever asked wants its fields.
    answer_head: Option<Vec<u8>>,
    /// When it was put back into the pool. The runtime's clock, because only spans of this process are compared.
    pub(super) idle_since: Instant,
    /// Whether it has carried a request before: then the target may have closed it meanwhile.
    pub(super) reused: bool,
}

/// What an exchange has come to so far. It outlives the exchange's future, so that a timeout knows it too.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Progress {
    /// Whether the network has taken a byte of the request: from then on there may be an effect.
    pub(super) sent: bool,
    /// Whether a byte of the answer has come.
    pub(super) received: bool,
    /// The answer's head, once it is whole.
    pub(super) head: Option<Head>,
}

/// Why no answer came.
#[derive(Debug)]
pub(super) enum Lost {
    /// The target closed the connection.
    Closed,
    /// The network failed.
    Failed(io::Error),
    /// What came is not an answer.
    Malformed(&'static str),
}

/// An answer whose head is whole.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) head: Head,
    /// The body as far as it came and was wanted.
    body: Kept,
    /// Whether all of the body came.
    pub(super) whole: bool,
    /// Whether the connection can carry the next request.
    pub(super) reusable: bool,
}

#[derive(Debug)]
enum Kept {
    InRead(usize, usize),
    Chunked,
}

/// Room made for each read, and how much buffers keep between requests.
const READ_BYTES: usize = 8 * 1024;
const KEPT_BYTES: usize = 64 * 1024;

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            head: Vec::new(),
            read: Vec::with_capacity(READ_BYTES),
            chunked: Vec::new(),
            answer_head: None,
            idle_since: Instant::now(),
            reused: false,
        }
    }

    /// Whether nothing has happened on an idle connection: no end, no error, no stray bytes. Costs no system call when
    /// that is so, because the runtime knows from its last poll.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut byte = [0_u8; 1];
        let mut buf = ReadBuf::new(&mut byte);
        let mut cx = Context::from_waker(Waker::noop());
        Pin::new(&mut self.stream).poll_read(&mut cx, &mut buf).is_pending()
    }

    /// Sends a request and reads its answer; keeps at most `limit` bytes of the body. A body that is larger, or lost on
    /// the way, still leaves the status.
    pub(super) async fn exchange(
        &mut self,
        head: &[u8],
        body: &[u8],
        method: &str,
        limit: u64,
        progress: &mut Progress,
    ) -> Result<Answered, Lost> {
        self.read.clear();
        self.chunked.clear();
        let whole = match self.send(head, body, method, progress).await {
            Ok(whole) => whole,
            // The target may have answered before it hung up, for instance 413 to a large body.
            Err(error) if progress.sent => {
                let answered = self.receive(method, limit, progress).await;
                return answered.map(|answered| Answered { reusable: false, ..answered }).map_err(|lost| {
                    match lost {
                        Lost::Closed => Lost::Failed(error),
                        other => other,
                    }
                });
            }
            Err(error) => return Err(Lost::Failed(error)),
        };
        let mut answered = self.receive(method, limit, progress).await?;
        answered.reusable &= whole;
        Ok(answered)
    }

    /// Writes the request. Comes back early, with `false`, when the answer is there before all of it is written.
    async fn send(
        &mut self,
        head: &[u8],
        body: &[u8],
        method: &str,
        progress: &mut Progress,
    ) -> io::Result<bool> {
        let Self { stream, read, .. } = self;
        let mut written = 0;
        let whole = poll_fn(|cx| {
            loop {
                let left = [
                    IoSlice::new(head.get(written..).unwrap_or_default()),
                    IoSlice::new(body.get(written.saturating_sub(head.len())..).unwrap_or_default()),
                ];
                if left.iter().all(|slice| slice.is_empty()) {
                    return Poll::Ready(Ok(true));
                }
                let used = usize::from(left[0].is_empty());
                match Pin::new(&mut *stream).poll_write_vectored(cx, &left[used..]) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(Ok(n)) => {
                        progress.sent = true;
                        written += n;
                        continue;
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => {}
                }
                // Encrypted bytes may be on their way although the stream took none for now.
                progress.sent |= matches!(stream, Stream::Tls(_));
                match poll_fill(stream, read, cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                    Poll::Ready(Ok(_)) => {
                        progress.received = true;
                        if !matches!(head::parse(read, method), Parsed::Partial | Parsed::Interim(_)) {
                            return Poll::Ready(Ok(false));
                        }
                        if read.len() > head::MAX_HEAD_BYTES {
                            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
                        }
                    }
                }
            }
        })
        .await
        .inspect_err(|_| progress.sent |= matches!(stream, Stream::Tls(_)))?;
        stream.flush().await?;
        Ok(whole)
    }

    async fn receive(&mut self, method: &str, limit: u64, progress: &mut Progress) -> Result<Answered, Lost> {
        let mut interims = 0;
        let head = loop {
            match head::parse(&self.read, method) {
                Parsed::Final(head) => break head,
                Parsed::Malformed(why) => return Err(Lost::Malformed(why)),
                Parsed::Interim(_) if interims >= 16 => {
                    return Err(Lost::Malformed("it never gets to its answer"));
                }
                Parsed::Interim(len) => {
                    self.read.drain(..len);
                    interims += 1;
                    continue;
                }
                Parsed::Partial if self.read.is_empty() => {}
                Parsed::Partial => progress.received = true,
            }
            match self.fill().await {
                Ok(0) => return Err(Lost::Closed),
                Ok(_) => progress.received = true,
                Err(error) => return Err(Lost::Failed(error)),
            }
        };
        progress.received = true;
        progress.head = Some(head);
        if let Some(kept) = &mut self.answer_head {
            kept.clear();
            kept.extend_from_slice(self.read.get(..head.len).unwrap_or_default());
        }
        let (body, whole, clean) = match head.framing {
            Framing::Length(length) => self.sized(&head, length, limit).await,
            Framing::UntilClosed => self.until_closed(&head, limit).await,
            Framing::Chunked => self.chunks(&head, limit).await,
        };
        Ok(Answered { head, body, whole, reusable: whole && clean && head.keep_alive })
    }

    /// The body, whether it is whole, and whether nothing stands after it on the connection.
    async fn sized(&mut self, head: &Head, length: u64, limit: u64) -> (Kept, bool, bool) {
        let end = usize::try_from(length.min(limit)).unwrap_or(usize::MAX).saturating_add(head.len);
        if length > limit {
            return (Kept::InRead(head.len, self.read.len().min(end)), false, false);
        }
        while self.read.len() < end {
            if !matches!(self.fill().await, Ok(1..)) {
                return (Kept::InRead(head.len, self.read.len()), false, false);
            }
        }
        // Bytes after the answer belong to nothing that was asked.
        (Kept::InRead(head.len, end), true, self.read.len() == end)
    }

    async fn until_closed(&mut self, head: &Head, limit: u64) -> (Kept, bool, bool) {
        let most = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(head.len);
        let mut ended = false;
        while !ended && self.read.len() <= most {
            match self.fill().await {
                Ok(0) => ended = true,
                Ok(_) => {}
                Err(_) => break,
            }
        }
        let whole = ended && self.read.len() <= most;
        (Kept::InRead(head.len, self.read.len().min(most)), whole, false)
    }

    async fn chunks(&mut self, head: &Head, limit: u64) -> (Kept, bool, bool) {
        let mut chunks = Chunks::default();
        let mut used = head.len;
        loop {
            match chunks.decode(&self.read, &mut used, &mut self.chunked, limit) {
                body::Progress::Whole => return (Kept::Chunked, true, used == self.read.len()),
                body::Progress::TooLarge | body::Progress::Malformed => return (Kept::Chunked, false, false),
                body::Progress::More => {}
            }
            // What is decoded is not needed again, so a long answer takes no more room than its body.
            self.read.drain(..used);
            used = 0;
            if !matches!(self.fill().await, Ok(1..)) {
                return (Kept::Chunked, false, false);
            }
        }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        make_room(&mut self.read);
        self.stream.read_buf(&mut self.read).await
    }

    /// The body of an answer of this connection.
    pub(super) fn body(&self, answered: &Answered) -> &[u8] {
        match answered.body {
            Kept::InRead(start, end) => self.read.get(start..end).unwrap_or_default(),
            Kept::Chunked => &self.chunked,
        }
    }

    /// From now on the heads of answers are kept.
    pub(super) fn keep_heads(&mut self) {
        self.answer_head.get_or_insert_default();
    }

    /// The head of the last answer, after [`Connection::keep_heads`].
    pub(super) fn answer_head(&self) -> &[u8] {
        self.answer_head.as_deref().unwrap_or_default()
    }

    /// The certificate that the target showed, in DER.
    pub(super) fn certificate(&self) -> Option<&[u8]> {
        match &self.stream {
            Stream::Plain(_) => None,
            Stream::Tls(stream) => Some(stream.get_ref().1.peer_certificates()?.first()?),
        }
    }

    /// Gets ready for the pool: gives large buffers back.
    pub(super) fn rest(&mut self) {
        for buffer in [&mut self.read, &mut self.chunked] {
            buffer.clear();
            buffer.shrink_to(KEPT_BYTES);
        }
        self.reused = true;
        self.idle_since = Instant::now();
    }
}

/// Without the bytes: they may hold the login.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("reused", &self.reused).finish_non_exhaustive()
    }
}

fn make_room(read: &mut Vec<u8>) {
    if read.capacity() - read.len() < READ_BYTES / 8 {
        read.reserve(READ_BYTES);
    }
}

/// Reads what is there, for the time while a request is still being written.
fn poll_fill(stream: &mut Stream, read: &mut Vec<u8>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
    let mut block = [0_u8; 1024];
    let mut buf = ReadBuf::new(&mut block);
    match Pin::new(stream).poll_read(cx, &mut buf) {
        Poll::Pending => Poll::Pending,
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Ready(Ok(())) => {
            read.extend_from_slice(buf.filled());
            Poll::Ready(Ok(buf.filled().len()))
        }
    }
}
