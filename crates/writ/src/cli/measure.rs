//! Spans, moments and shortened ids, as people type them.

use std::time::Duration;

use writ_model::Timestamp;

use crate::wire::now;

/// A span as `90d`, `12h`, `15m` or `30s`: at least a second, at most ten years.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no span of time; use a number and one of s, m, h, d, as `90d`");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..) {
        Some("s") => 1,
        Some("m") => 60,
        Some("h") => 3_600,
        Some("d") => 86_400,
        Some(_) | None => return Err(wrong()),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(unit))
        .filter(|seconds| (1..=3_650 * 86_400).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(wrong)
}

/// A moment, by RFC 3339, or as a span before now: `2h ago`.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    moment_seen_from(now(), text)
}

/// A moment that is not to come, but for the second that people round up to.
pub(super) fn past(text: &str) -> Result<Timestamp, String> {
    let now = now();
    past_seen_from(now, text)
}

fn moment_seen_from(now: Timestamp, text: &str) -> Result<Timestamp, String> {
    match text.strip_suffix("ago").map(str::trim) {
        Some(span) => {
            let span = duration(span)?;
            let millis = i64::try_from(span.as_millis()).map_err(|error| error.to_string())?;
            Ok(Timestamp::from_millis(now.as_millis().saturating_sub(millis)))
        }
        None => {
            text.parse().map_err(|error: writ_model::InvalidTimestamp| format!("{error}, or like `2h ago`"))
        }
    }
}

fn past_seen_from(now: Timestamp, text: &str) -> Result<Timestamp, String> {
    let moment = moment_seen_from(now, text)?;
    if moment > now.after(Duration::from_secs(1)) {
        return Err(format!("`{moment}` is still to come (it is `{now}` now); say a moment that has passed"));
    }
    Ok(moment)
}

/// The one item whose id is `wanted`, or begins or ends with it. Four characters after the prefix are the least.
pub(super) fn by_id<T>(
    items: Vec<T>,
    id: impl Fn(&T) -> String,
    prefix: &str,
    wanted: &str,
) -> Result<T, String> {
    let bare = wanted.strip_prefix(prefix).map_or(wanted, |rest| rest.trim_start_matches('_'));
    let bare = bare.trim_end_matches('…');
    if bare.len() < 4 || !bare.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!(
            "`{}` is no id; give at least four of its digits, the first or the last",
            wanted.escape_debug()
        ));
    }
    let mut fitting: Vec<T> = items
        .into_iter()
        .filter(|item| {
            let id = id(item);
            let digits = id.rsplit_once('_').map_or(id.as_str(), |(_, digits)| digits);
            digits.starts_with(bare) || digits.ends_with(bare)
        })
        .collect();
    match (fitting.pop(), fitting.len()) {
        (Some(item), 0) => Ok(item),
        (Some(_), more) => {
            Err(format!("`{wanted}` fits {} of them; the last digits tell them apart best", more + 1))
        }
        (None, _) => Err(format!("nothing is there under `{}`", wanted.escape_debug())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_unit() {
        for (text, seconds) in [("1s", 1), ("15m", 900), ("12h", 43_200), ("90d", 7_776_000)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "5", "d", "0s", "-1h", "1w", "1h30m", "99999999999999999999d", "3651d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_is_a_time_or_a_span_ago_and_the_past_has_passed() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let at = |text| moment_seen_from(now, text).map(|moment| moment.to_string());
        assert_eq!(at("2026-01-31T12:00:00Z"), Ok(now.to_string()));
        assert_eq!(at("2h ago"), Ok("2026-01-31T10:00:00.000Z".to_owned()));
        assert_eq!(at("90d ago"), at("2025-11-02T12:00:00Z"));
        for text in ["", "ago", "2 h ago", "2h", "yesterday", "2026-01-31"] {
            assert!(at(text).is_err(), "{text}");
        }
        assert_eq!(past_seen_from(now, "2026-01-31T12:00:00Z"), Ok(now));
        let later = past_seen_from(now, "2026-01-31T12:00:02Z").unwrap_err();
        assert!(later.contains("still to come"), "{later}");
    }

    #[test]
    fn an_id_can_be_shortened_while_it_is_clear() {
        let ids = ["apr_0190aaaa1111", "apr_0190aaaa2222", "apr_0190bbbb3333"];
        let find = |wanted: &str| by_id(ids.to_vec(), |id| (*id).to_owned(), "apr", wanted);
        assert_eq!(find("apr_0190aaaa1111"), Ok("apr_0190aaaa1111"));
        assert_eq!(find("2222"), Ok("apr_0190aaaa2222"));
        assert_eq!(find("apr_0190b"), Ok("apr_0190bbbb3333"));
        assert_eq!(find("0190b…"), Ok("apr_0190bbbb3333"));
        for wanted in ["0190aaaa", "apr_", "", "9999", "zzzz", "111"] {
            assert!(find(wanted).is_err(), "{wanted}");
        }
    }
}
