//! How a run is sent, as the journal keeps it: what is not given to `resume` stays as it was.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{FailureLimit, InDoubt, Partition, Rate, RatePer, Sequence, Snapshot, Wire};
use crate::engine;

/// The sending options of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunSettings {
    /// Where the API is.
    pub base_url: String,
    /// The organization of rows that name none.
    pub org_id: Option<String>,
    /// Assignments per batch.
    pub batch_size: NonZeroU32,
    /// What keeps requests apart.
    pub rate: Rate,
    /// Whose requests it keeps apart.
    pub rate_per: RatePer,
    /// Which part of the file's users it is about; the rate is this part's share.
    pub partition: Option<Partition>,
    /// What may leave before what.
    pub sequence: Sequence,
    /// Requests in flight.
    pub concurrency: NonZeroU32,
    /// The form of the body.
    pub wire: Wire,
    /// Who holds what is still to be asked before the first request, for `undo`.
    pub snapshot: Snapshot,
    /// It is kept who held what before.
    pub snapshot_taken: bool,
    /// Of so many operations on licenses the lists did not say then whether they were in effect.
    pub snapshot_unknown: u64,
    /// How many users go first.
    pub canary: Option<NonZeroU32>,
    /// How many failed operations pause the run.
    pub max_failures: Option<FailureLimit>,
    /// Attempts per batch.
    pub max_attempts: NonZeroU32,
    /// What to do with what is in doubt.
    pub in_doubt: InDoubt,
    /// Seconds a request may take.
    pub timeout_s: NonZeroU32,
    /// The longest `Retry-After` that is waited for, in seconds.
    pub max_wait_s: u32,
    /// Seconds that nothing may get through before the run pauses.
    pub give_up_after_s: Option<u32>,
    /// Where the failures CSV goes.
    #[serde(with = "super::path")]
    pub failures: PathBuf,
    /// The options that said how the file is to be taken, as words of a command line: its failures CSV means the same.
    pub taken_with: Vec<String>,
    /// The shared options that it was begun with and that are not kept above, as words of a command line: whoever goes on says
    /// them again.
    pub called_with: Vec<String>,
    /// Nothing has been accepted since the URL, the wire form or the organization changed.
    pub unproven: bool,
    /// The run has asked whether everything is right, and the user goes on.
    pub assured: bool,
    /// The run was given up since nothing got through, and the user goes on.
    pub last_try: bool,
    /// The run paused for a 403, and the user goes on.
    pub insisted: bool,
    /// Only assignments from this one on are sent, this time: those that were put back to be tried again.
    #[serde(skip)]
    pub only_from: Option<u32>,
}

const fn count(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            base_url: "https://webexapis.com/v1".to_owned(),
            org_id: None,
            batch_size: count(100),
            rate: Rate::default(),
            rate_per: RatePer::Run,
            partition: None,
            sequence: Sequence::Free,
            concurrency: count(8),
            wire: Wire::Auto,
            snapshot: Snapshot::Auto,
            snapshot_taken: false,
            snapshot_unknown: 0,
            canary: None,
            max_failures: None,
            max_attempts: count(8),
            in_doubt: InDoubt::Resend,
            timeout_s: count(60),
            max_wait_s: 3600,
            give_up_after_s: None,
            failures: PathBuf::from("failures.csv"),
            taken_with: Vec::new(),
            called_with: Vec::new(),
            unproven: false,
            assured: false,
            last_try: false,
            insisted: false,
            only_from: None,
        }
    }
}

/// How long nothing may get through: a night's run should outlast an outage that is being mended.
const GIVE_UP_AFTER: Duration = Duration::from_secs(600);

/// How long answers are awaited after a signal.
const STOP_GRACE: Duration = Duration::from_secs(10);

impl RunSettings {
    /// One request's time-out.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s.get().into())
    }

    /// The longest `Retry-After` that is waited for.
    #[must_use]
    pub fn max_wait(&self) -> Duration {
        Duration::from_secs(self.max_wait_s.into())
    }

    /// How long nothing may get through before the run pauses.
    #[must_use]
    pub fn give_up_after(&self) -> Duration {
        self.give_up_after_s.map_or(GIVE_UP_AFTER, |seconds| Duration::from_secs(seconds.into()))
    }

    /// What was found out about these settings holds no longer, where `before` differs in what every request
    /// depends on.
    pub fn compare(&mut self, before: &Self) {
        let same =
            (&self.base_url, &self.org_id, self.wire) == (&before.base_url, &before.org_id, before.wire);
        if !same {
            (self.unproven, self.assured) = (true, false);
        }
    }

    /// Keeps to this pace: a part of a file to its share, unless each organization has the pace for itself.
    pub fn keep_to(&mut self, rate: Rate) {
        let partition = self.partition.filter(|_| self.rate_per == RatePer::Run);
        self.rate = partition.map_or(rate, |partition| partition.share_of(rate));
    }

    /// As the run goes on after this ending, where something was `accepted` or not.
    pub(super) fn after(&self, ending: &engine::Ending, accepted: bool) -> Self {
        let mut next = self.clone();
        match ending {
            // Whoever goes on has looked at it.
            engine::Ending::Canary { .. } => next.canary = None,
            engine::Ending::ProbablyWrong { .. } => next.assured = true,
            _ => {}
        }
        next.insisted = matches!(ending, engine::Ending::Forbidden { .. })
            || (self.insisted && *ending == engine::Ending::Stopped);
        next.last_try = matches!(ending, engine::Ending::Unreachable(_))
            || (self.last_try && *ending == engine::Ending::Stopped);
        next.unproven &= !accepted;
        next
    }

    /// What the engine needs to know of it, for a run of so many operations.
    #[must_use]
    pub fn for_engine(&self, operations: u64) -> engine::Settings {
        engine::Settings {
            batch_size: self.batch_size.get(),
            concurrency: self.concurrency.get(),
            max_attempts: self.max_attempts.get(),
            wire: self.wire,
            rate: self.rate,
            rate_per: self.rate_per,
            sequence: self.sequence.clone(),
            max_wait: self.max_wait(),
            give_up_after: self.give_up_after(),
            in_doubt: self.in_doubt,
            canary: self.canary.map(NonZeroU32::get),
            max_failures: self.max_failures,
            stop_grace: STOP_GRACE,
            operations,
            assured: self.assured,
            last_try: self.last_try,
            insisted: self.insisted,
        }
    }

    /// As the journal keeps it.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Texts, numbers and paths, whatever their bytes: this cannot fail. An empty text would be refused by from_json.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As the journal kept it; what an older release did not know has its default.
    ///
    /// # Errors
    /// Where it is no JSON of ours.
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_from_the_journal() {
        let settings = RunSettings {
            rate: "5/s".parse().unwrap(),
            max_failures: Some("2%".parse().unwrap()),
            wire: Wire::Object,
            ..RunSettings::default()
        };
        assert_eq!(RunSettings::from_json(&settings.to_json()).unwrap(), settings);
        assert_eq!(RunSettings::from_json("{}").unwrap(), RunSettings::default());
    }

    #[test]
    fn seconds_are_durations() {
        let settings = RunSettings::default();
        let waits = [settings.timeout(), settings.max_wait(), settings.give_up_after()];
        assert_eq!(waits.map(|wait| wait.as_secs()), [60, 3600, 600]);
        let settings = RunSettings { give_up_after_s: Some(5), max_wait_s: 7, ..settings };
        assert_eq!([settings.give_up_after(), settings.max_wait()].map(|wait| wait.as_secs()), [5, 7]);
    }

    #[test]
    fn what_was_found_out_holds_as_long_as_requests_are_the_same() {
        let before = RunSettings { assured: true, ..RunSettings::default() };
        type Change = fn(&mut RunSettings);
        let changes: [(Change, bool); 5] = [
            (|_| {}, true),
            (|settings| settings.timeout_s = count(7), true),
            (|settings| settings.base_url = "http://127.0.0.1:1/v1".to_owned(), false),
            (|settings| settings.org_id = Some("O".to_owned()), false),
            (|settings| settings.wire = Wire::Object, false),
        ];
        for (change, holds) in changes {
            let mut after = before.clone();
            change(&mut after);
            after.compare(&before);
            assert_eq!((after.unproven, after.assured), (!holds, holds), "{after:?}");
        }
    }

    #[test]
    fn a_part_of_a_file_keeps_its_share_of_the_pace_unless_organizations_have_it_for_themselves() {
        let partition = Some("1/4".parse().unwrap());
        for (partition, rate_per, kept) in [
            (None, RatePer::Run, "200/s"),
            (partition, RatePer::Run, "50/s"),
            (partition, RatePer::Org, "200/s"),
        ] {
            let mut settings = RunSettings { partition, rate_per, ..RunSettings::default() };
            settings.keep_to("200/s".parse().unwrap());
            assert_eq!(settings.rate.period(), kept.parse::<Rate>().unwrap().period(), "{rate_per:?}");
        }
    }

    #[test]
    fn whoever_goes_on_after_an_ending_has_looked_at_it() {
        use engine::Ending;
        let forbidden = Ending::Forbidden { org: None, words: None, tracking_id: None };
        let unreachable = Ending::Unreachable(String::new());
        let begun = RunSettings { unproven: true, ..RunSettings::default() };
        let insisted = RunSettings { insisted: true, last_try: true, ..begun.clone() };
        for (before, ending, accepted, (is_insisted, is_last_try, unproven)) in [
            (&begun, &Ending::Finished, true, (false, false, false)),
            (&begun, &Ending::Stopped, false, (false, false, true)),
            (&begun, &forbidden, false, (true, false, true)),
            (&begun, &unreachable, true, (false, true, false)),
            // A stop in between changes nothing of that; anything else does.
            (&insisted, &Ending::Stopped, false, (true, true, true)),
            (&insisted, &Ending::Finished, true, (false, false, false)),
            (&insisted, &forbidden, false, (true, false, true)),
            (&insisted, &unreachable, false, (false, true, true)),
        ] {
            let after = before.after(ending, accepted);
            let found = (after.insisted, after.last_try, after.unproven);
            assert_eq!(found, (is_insisted, is_last_try, unproven), "{ending:?}, {before:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_no_text_comes_back() {
        use std::os::unix::ffi::OsStringExt as _;
        let failures = std::ffi::OsString::from_vec(b"/tmp/caf\xe9/f.csv".to_vec()).into();
        let settings = RunSettings { failures, ..RunSettings::default() };
        assert_eq!(RunSettings::from_json(&settings.to_json()).unwrap(), settings);
    }
}
