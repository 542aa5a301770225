//! The story line: one sentence on what just happened, and the last PSYNC verdict in the server's own words.

use super::Shared;
use super::icons::{Icon, icon};
use super::sentence;
use super::text::Lang;
use crate::sim::snapshot::{FullCause, Outcome, Snapshot};
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub lang: Lang,
    pub snapshot: Shared<Snapshot>,
}

/// The smallest `repl-backlog-size` of a real server.
const REAL_MINIMUM: u64 = 16_384;

#[component]
pub fn StoryLine(props: &Props) -> Html {
    let t = props.lang.text();
    let s = &props.snapshot;
    let sentence = s
        .story
        .as_ref()
        .map(|story| sentence::story(props.lang, &story.what))
        .unwrap_or_default();
    let teaching = s
        .nodes
        .iter()
        .any(|n| n.backlog.active && n.backlog.size < REAL_MINIMUM);
    html! {
        <div class="story">
            <h2 role="status" data-testid="story">{ sentence }</h2>
            <div class="under">
                { verdict(props.lang, s) }
                if teaching { <p class="scale">{ t.scale }</p> }
            </div>
        </div>
    }
}

fn verdict(lang: Lang, s: &Snapshot) -> Html {
    let Some(v) = &s.verdict else {
        return html! { <p class="verdict muted" data-testid="verdict">{ lang.text().no_verdict }</p> };
    };
    let (word, outcome, bytes) = match &v.outcome {
        Outcome::Continue { bytes } => ("+CONTINUE", "continue", Some(bytes.to_string())),
        Outcome::Full { .. } => ("+FULLRESYNC", "full", None),
    };
    let good = bytes.is_some();
    html! {
        <p class="verdict" data-testid="verdict" title={v.log.clone()} data-outcome={outcome} data-bytes={bytes}
            data-asked={v.asked.to_string()} data-cause={cause(&v.outcome)} data-replica={v.replica.clone()}>
            <span class="since">{ lang.text().last_verdict }</span>
            <span class={classes!("chip", if good { "good" } else { "full" })} translate="no" lang="en">
                if good { { icon(Icon::Check) } } else { <span class="square" /> }
                { word }
            </span>
            { for sentence::verdict(lang, v).into_iter().enumerate().map(|(i, part)| html! { <span key={i}>{ part }</span> }) }
        </p>
    }
}

/// Why a partial resync was refused, as a short fixed word.
pub fn cause(outcome: &Outcome) -> Option<&'static str> {
    let Outcome::Full { cause } = outcome else {
        return None;
    };
    Some(match cause {
        FullCause::New => "new",
        FullCause::OtherHistory => "other-history",
        FullCause::BeyondSecond { .. } => "beyond-second",
        FullCause::TooOld { .. } => "too-old",
        FullCause::TooFar => "too-far",
        FullCause::NoBacklog => "no-backlog",
    })
}
