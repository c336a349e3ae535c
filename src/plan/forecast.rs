//! Requests and time.

use std::time::Duration;

use crate::domain::{Rate, Wire, WireForm};

/// What sending would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// Requests in the array form, where nothing has to be sent again; `None` where that form is ruled out.
    pub array: Option<u64>,
    /// Requests in the object form.
    pub object: Option<u64>,
    /// The time between two requests; `None` where that is not known.
    pub period: Option<Duration>,
}

impl Forecast {
    /// How long so many requests take, the first leaving at once.
    #[must_use]
    pub fn time(&self, requests: u64) -> Option<Duration> {
        let period = self.period?;
        Some(period.saturating_mul(u32::try_from(requests.saturating_sub(1)).unwrap_or(u32::MAX)))
    }

    /// The requests of the one form, where only one is left; of the array form else.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.array.or(self.object).unwrap_or(0)
    }
}

/// For so many users of each organization, of whom something is sent.
#[must_use]
pub fn forecast(users: &[u32], batch_size: u32, rate: Rate, wire: Wire, found: Option<WireForm>) -> Forecast {
    let array: u64 = users.iter().map(|users| u64::from(users.div_ceil(batch_size.max(1)))).sum();
    let object: u64 = users.iter().map(|users| u64::from(*users)).sum();
    let form = match wire {
        Wire::Array => Some(WireForm::Array),
        Wire::Object => Some(WireForm::Object),
        Wire::Auto => found,
    };
    Forecast {
        array: (form != Some(WireForm::Object)).then_some(array),
        object: (form != Some(WireForm::Array)).then_some(object),
        period: rate.period(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_told_until_one_is_known() {
        let rate: Rate = "5/s".parse().unwrap();
        let both = forecast(&[250, 1], 100, rate, Wire::Auto, None);
        assert_eq!((both.array, both.object), (Some(4), Some(251)));
        assert_eq!(both.time(251), Some(Duration::from_secs(50)));
        let object = forecast(&[250, 1], 100, rate, Wire::Auto, Some(WireForm::Object));
        assert_eq!((object.array, object.object, object.requests()), (None, Some(251), 251));
        let array = forecast(&[250, 1], 100, rate, Wire::Array, None);
        assert_eq!((array.array, array.object), (Some(4), None));
    }
}
