//! Links to a session, and sessions from links.

use super::{Line, Player};
use crate::link::{Link, LinkError};

impl Player {
    /// A link to this session: all branches, this moment, and what the page shows (`view`, one line of its own making).
    ///
    /// # Errors
    /// The session is too big for a link; what to do stands in the error.
    pub fn link(&self, view: &str) -> Result<String, LinkError> {
        Link::of(&self.tape, view)?.encode()
    }

    /// The same, but who opens it begins at the beginning, with all of it before him.
    ///
    /// # Errors
    /// As [`Player::link`].
    pub fn link_from_start(&self, view: &str) -> Result<String, LinkError> {
        let link = Link::of(&self.tape, view)?;
        Link {
            event: 0,
            at_us: 0,
            ..link
        }
        .encode()
    }

    /// The session of a link, paused where the link points, and the view that was given with it.
    ///
    /// # Errors
    /// The link is damaged, too new, or too big; the error says what, where and what to do.
    pub fn open(link: &str) -> Result<(Self, String), LinkError> {
        let link = Link::decode(link)?;
        let mut heard = Vec::new();
        let tape = link.play(|tape, action, replies| {
            let place = (tape.branch(), tape.event());
            let said = super::console::heard(tape.world(), action, replies);
            heard.extend(said.into_iter().map(|line: Line| (place, line)));
        })?;
        let mut player = Self::of(tape);
        for ((branch, event), line) in heard {
            player.push_at(branch, event, line);
        }
        player.tell_late();
        player.playing = false;
        player.idle_since = None;
        player.note_idle();
        Ok((player, link.view))
    }

    /// The current branch up to here, as a scenario that does the same.
    ///
    /// # Errors
    /// As [`Player::link`].
    pub fn to_script(&self) -> Result<String, LinkError> {
        Ok(Link::of(&self.tape, "")?.to_script())
    }
}
