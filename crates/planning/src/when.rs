//! Times in records and answers are written as RFC 3339 and kept as milliseconds.

use lineshaft_model::{Millis, Moment};
use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(time: &Millis, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Millis, D::Error> {
    Ok(Moment::deserialize(deserializer)?.millis())
}

/// The same for a time that may be missing.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, Millis, Moment, Serializer};

    pub(crate) fn serialize<S: Serializer>(time: &Option<Millis>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => serializer.collect_str(time),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Millis>, D::Error> {
        Ok(Option::<Moment>::deserialize(deserializer)?.map(|moment| moment.millis()))
    }
}
