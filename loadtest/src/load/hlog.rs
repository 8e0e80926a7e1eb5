//! Histograms on disk: HdrHistogram's interval log, which the tools of other languages read too.
//!
//! One file holds all series of a tally, each as one interval, tagged `outcome|instance|clock`, and
//! the generator's lag, tagged `lag`. Nothing is lost: what is read is what was written.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, Tag,
};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};

use super::tally::{Latencies, Outcome, Tally};

const INTENDED: &str = "intended";
const SERVICE: &str = "service";
const LAG: &str = "lag";

/// Why a log is none of ours.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be written.
    #[error("cannot write the histogram log")]
    Write(#[source] io::Error),
    /// An entry that cannot be read.
    #[error("entry {0} of the histogram log is damaged")]
    Damaged(usize),
    /// An interval of something else.
    #[error("entry {0} of the histogram log has a tag or bounds that are not ours")]
    Foreign(usize),
}

/// Writes the histograms of a tally that was taken from `start` on for `length`.
pub fn write(
    tally: &Tally,
    start: SystemTime,
    length: Duration,
    mut to: impl Write,
) -> Result<(), Error> {
    let mut serializer = V2DeflateSerializer::new();
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment("latencies in nanoseconds, tagged outcome|instance|clock")
        .with_start_time(start)
        .with_base_time(start)
        .with_max_value_divisor(1e9)
        .begin_log_with(&mut to, &mut serializer)
        .map_err(Error::Write)?;
    let mut write = |tag: &str, histogram: &Latencies| {
        let tag = Tag::new(tag).ok_or_else(|| Error::Write(io::ErrorKind::InvalidInput.into()))?;
        log.write_histogram(histogram, Duration::ZERO, length, Some(tag))
            .map_err(|error| Error::Write(io::Error::other(format!("{error:?}"))))
    };
    write(LAG, &tally.lag)?;
    for series in &tally.series {
        let name = format!("{}|{}", series.outcome, plain(&series.instance));
        write(&format!("{name}|{INTENDED}"), &series.intended)?;
        write(&format!("{name}|{SERVICE}"), &series.service)?;
    }
    Ok(())
}

/// Reads the histograms into a tally whose counts are all 0. Intervals with one tag are added.
pub fn read(text: &[u8]) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    let mut deserializer = Deserializer::new();
    for (number, entry) in IntervalLogIterator::new(text).enumerate() {
        let LogEntry::Interval(interval) = entry.map_err(|_| Error::Damaged(number))? else {
            continue;
        };
        let bytes = STANDARD
            .decode(interval.encoded_histogram())
            .map_err(|_| Error::Damaged(number))?;
        let histogram: Latencies = deserializer
            .deserialize(&mut bytes.as_slice())
            .map_err(|_| Error::Damaged(number))?;
        let tag = interval.tag().map_or("", |tag| tag.as_str());
        let place = place(&mut tally, tag).ok_or(Error::Foreign(number))?;
        // With other bounds a sum would round.
        if (histogram.high(), histogram.sigfig()) != (place.high(), place.sigfig()) {
            return Err(Error::Foreign(number));
        }
        place.add(&histogram).map_err(|_| Error::Damaged(number))?;
    }
    Ok(tally)
}

/// The histogram of a tally that a tag names.
fn place<'a>(tally: &'a mut Tally, tag: &str) -> Option<&'a mut Latencies> {
    if tag == LAG {
        return Some(&mut tally.lag);
    }
    let (outcome, rest) = tag.split_once('|')?;
    let (instance, clock) = rest.rsplit_once('|')?;
    let outcome = Outcome::ALL
        .into_iter()
        .find(|known| known.to_string() == outcome)?;
    let series = tally.series(outcome, instance.as_bytes());
    match clock {
        INTENDED => Some(&mut series.intended),
        SERVICE => Some(&mut series.service),
        _ => None,
    }
}

/// An instance's name without what a tag cannot hold.
fn plain(instance: &str) -> String {
    instance.replace(
        |c: char| c == ',' || c == '|' || c.is_whitespace() || c.is_control(),
        "_",
    )
}
