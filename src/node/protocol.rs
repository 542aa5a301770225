//! A peer that breaks the protocol: what it is told, what the log says of it, and when it is let go. Follows
//! `setProtocolError` and what its callers say before.

use super::{ConnId, Level, Node, Outbox, Upstream};
use crate::wire::resp;

/// More than this of what came is not shown whole in the log (`PROTO_DUMP_LEN`).
const SHOWN: usize = 128;
/// So much of a message about it fits (`snprintf` into 256 bytes).
const MOST: usize = 255;

/// The master wrote a plain line; a blank one is a sign of life, and no error.
pub(super) const INLINE: &str = "Master using the inline protocol. Desync?";

/// The log has other words than the reply.
fn reason(error: &str) -> &str {
    let text = error.strip_prefix("Protocol error: ").unwrap_or(error);
    match text {
        "unbalanced quotes in request" => "unbalanced quotes in inline request",
        "invalid multibulk length" => "invalid mbulk count",
        "unauthenticated multibulk length" => "unauth mbulk count",
        "unauthenticated bulk length" => "unauth bulk length",
        _ if text.starts_with("expected '$'") => "expected $ but got something else",
        _ => text,
    }
}

/// The line of the log: why, who, and what was read, from the place that could not be understood.
fn line(error: &str, client: &str, rest: &[u8]) -> String {
    let until_nul = |bytes: &[u8]| {
        let text = bytes.split(|&b| b == 0).next().unwrap_or_default();
        let shown = text.iter().map(|&b| match b {
            b' '..=b'~' => char::from(b),
            _ => '.',
        });
        shown.collect::<String>()
    };
    let text = match rest.len().checked_sub(SHOWN) {
        None => format!("'{}'", until_nul(rest)),
        Some(more) => format!(
            "'{}' (... more {more} bytes ...) '{}'",
            until_nul(&rest[..SHOWN / 2]),
            until_nul(&rest[rest.len() - SHOWN / 2..])
        ),
    };
    let mut sample = format!("Query buffer during protocol error: {text}");
    sample.truncate(MOST);
    format!(
        "Protocol error ({}) from client: {client}. {sample}",
        reason(error)
    )
}

impl Node {
    /// A client gets an error, and is closed; a replica gets none.
    pub(super) fn client_broke(
        &mut self,
        conn: ConnId,
        error: &str,
        bytes: &[u8],
        out: &mut Outbox,
    ) {
        let begun = resp::begun(bytes, self.config.proto_max_bulk_len as u64);
        let rest = &bytes[bytes.len() - begun.rest..];
        let text = format!("ERR {error}");
        self.measures.error(&text);
        let mut reply = self.writer(conn);
        resp::error(&mut reply, text.as_bytes());
        self.silence(conn, &mut reply);
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        (client.args_count, client.args_bytes) = (begun.args, begun.args_bytes);
        client.unsent += reply.len() as u64;
        let is_replica = client.replica.is_some();
        self.set_current(Some(conn));
        let told = line(error, &self.client_line(conn), rest);
        self.set_current(None);
        if is_replica {
            self.deliver(conn, &reply, out);
            return out.log(Level::Verbose, told);
        }
        out.log(Level::Verbose, told);
        if !reply.is_empty() {
            out.send(conn, &reply);
        }
        self.close_client(conn, out);
    }

    /// Nothing more is read of this master, which is not continued from. It is let go when there is something to say to
    /// it, which is the next acknowledgement.
    pub(super) fn master_broke(&mut self, error: &str, out: &mut Outbox) {
        let Some(upstream) = self.upstream.as_mut() else {
            return;
        };
        upstream.broken = true;
        let Some(conn) = upstream.conn() else { return };
        if error == INLINE {
            out.log(
                Level::Warning,
                "WARNING: Receiving inline protocol from master, master stream corruption? Closing the master \
                 connection and discarding the cached master.",
            );
        } else {
            let text = format!("ERR {error}");
            self.measures.error(&text);
            let name = self.upstream.as_ref().and_then(Upstream::last_command);
            let name = name.unwrap_or("<unknown>");
            self.unexpected_error(["replica", "master"], &text, name, out);
        }
        let client = self.client_line(conn);
        let unread = self.upstream.as_ref().map_or(&[][..], Upstream::unread);
        let begun = resp::begun(unread, i64::MAX as u64);
        let rest = &unread[unread.len() - begun.rest..];
        out.log(Level::Warning, line(error, &client, rest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_shows_what_could_not_be_understood() {
        let whole = line("Protocol error: expected '$', got ':'", "me", b":3\r\n");
        assert_eq!(
            whole,
            "Protocol error (expected $ but got something else) from client: me. \
             Query buffer during protocol error: ':3..'"
        );
        let long = [b"\"".as_slice(), &[b'x'; 200], b"\n"].concat();
        let (head, tail) = ("x".repeat(63), "x".repeat(63));
        assert_eq!(
            line("Protocol error: unbalanced quotes in request", "me", &long),
            format!(
                "Protocol error (unbalanced quotes in inline request) from client: me. \
                 Query buffer during protocol error: '\"{head}' (... more 74 bytes ...) '{tail}.'"
            )
        );
    }
}
