//! Requests and time.

use std::time::Duration;

use crate::domain::{Rate, RatePer, Wire, WireForm};

/// Users who follow each other, and of whom something is sent: no request is about users of two such parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The number of their organization.
    pub org: usize,
    /// How many.
    pub users: u32,
}

/// Requests of one form, where nothing has to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestCount {
    /// All of them.
    pub all: u64,
    /// Those that go one after the other: the most of one organization, where each has the pace for itself.
    pub in_a_row: u64,
}

/// What sending would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// In the array form; `None` where that form is ruled out.
    pub array: Option<RequestCount>,
    /// In the object form.
    pub object: Option<RequestCount>,
    /// The time between two requests; `None` where that is not known.
    pub period: Option<Duration>,
    /// Whether an earlier run has found it, and nobody gave it.
    pub is_found: bool,
}

impl Forecast {
    /// How long so many requests take, the first leaving at once.
    #[must_use]
    pub fn time(&self, requests: RequestCount) -> Option<Duration> {
        let period = self.period?;
        Some(period.saturating_mul(u32::try_from(requests.in_a_row.saturating_sub(1)).unwrap_or(u32::MAX)))
    }

    /// The requests of the one form, where only one is left; of the array form else.
    #[must_use]
    pub fn requests(&self) -> RequestCount {
        self.array.or(self.object).unwrap_or_default()
    }
}

/// How it is sent, as far as requests and time depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// Users per request, in the array form.
    pub batch_size: u32,
    /// The pace.
    pub rate: Rate,
    /// Whose pace that is.
    pub rate_per: RatePer,
    /// The time between two requests that an earlier run found the service to want, where the pace is to be found.
    pub found_period: Option<Duration>,
    /// The form that was asked for.
    pub wire: Wire,
    /// The form that the service was found to take.
    pub found: Option<WireForm>,
}

/// For users in these parts.
#[must_use]
pub fn forecast(parts: &[Stretch], manner: &Manner) -> Forecast {
    let count = |of: fn(u32, u32) -> u32| {
        let mut by_org: Vec<u64> = Vec::new();
        for part in parts {
            if by_org.len() <= part.org {
                by_org.resize(part.org + 1, 0);
            }
            let requests = u64::from(of(part.users, manner.batch_size.max(1)));
            by_org.get_mut(part.org).into_iter().for_each(|count| *count += requests);
        }
        let all = by_org.iter().sum();
        let most = by_org.iter().copied().max().unwrap_or(0);
        RequestCount { all, in_a_row: if manner.rate_per == RatePer::Org { most } else { all } }
    };
    let form = match manner.wire {
        Wire::Array => Some(WireForm::Array),
        Wire::Object => Some(WireForm::Object),
        Wire::Auto => manner.found,
    };
    let given = manner.rate.period();
    let is_slower = |found: &Duration| given.is_none_or(|given| *found > given);
    let found = manner.found_period.filter(is_slower);
    Forecast {
        array: (form != Some(WireForm::Object)).then(|| count(u32::div_ceil)),
        object: (form != Some(WireForm::Array)).then(|| count(|users, _| users)),
        period: found.or(given),
        is_found: found.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manner(wire: Wire, found: Option<WireForm>) -> Manner {
        let rate = "5/s".parse().unwrap();
        Manner { batch_size: 100, rate, rate_per: RatePer::Run, found_period: None, wire, found }
    }

    const PARTS: [Stretch; 2] = [Stretch { org: 0, users: 250 }, Stretch { org: 1, users: 1 }];

    fn all(requests: Option<RequestCount>) -> Option<u64> {
        requests.map(|requests| requests.all)
    }

    #[test]
    fn both_forms_are_told_until_one_is_known() {
        let both = forecast(&PARTS, &manner(Wire::Auto, None));
        assert_eq!((all(both.array), all(both.object)), (Some(4), Some(251)));
        assert_eq!(both.time(both.object.unwrap()), Some(Duration::from_secs(50)));
        let object = forecast(&PARTS, &manner(Wire::Auto, Some(WireForm::Object)));
        assert_eq!((all(object.array), all(object.object), object.requests().all), (None, Some(251), 251));
        let array = forecast(&PARTS, &manner(Wire::Array, None));
        assert_eq!((all(array.array), all(array.object)), (Some(4), None));
    }

    #[test]
    fn a_pace_that_was_found_counts_where_it_is_slower() {
        let with = |seconds: f64| {
            let found_period = Some(Duration::from_secs_f64(seconds));
            let forecast = forecast(&PARTS, &Manner { found_period, ..manner(Wire::Array, None) });
            (forecast.is_found, forecast.time(forecast.requests()).unwrap().as_millis())
        };
        assert_eq!((with(1.0), with(0.1)), ((true, 3_000), (false, 600)));
    }

    #[test]
    fn organizations_that_have_a_pace_each_go_side_by_side() {
        let side_by_side = Manner { rate_per: RatePer::Org, ..manner(Wire::Array, None) };
        let forecast = forecast(&PARTS, &side_by_side);
        assert_eq!(forecast.requests(), RequestCount { all: 4, in_a_row: 3 });
        assert_eq!(forecast.time(forecast.requests()), Some(Duration::from_millis(400)));
    }

    #[test]
    fn no_request_is_about_two_parts() {
        let waves = [Stretch { org: 0, users: 60 }, Stretch { org: 0, users: 60 }];
        assert_eq!(all(forecast(&waves, &manner(Wire::Array, None)).array), Some(2));
    }
}
