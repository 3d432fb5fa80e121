//! Carries operating-system strings through JSON without losing bytes that are not UTF-8.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    Utf8(String),
    Raw(Vec<u8>),
}

/// For one string or path.
pub(super) fn serialize<T: AsRef<OsStr>, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    Text::of(value.as_ref()).serialize(to)
}

/// For one string or path.
pub(super) fn deserialize<'de, T: From<OsString>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Text::deserialize(from)?.into_os().into())
}

/// For a list of strings or paths.
pub(super) mod list {
    use super::{Deserializer, OsStr, OsString, Serialize, Serializer, Text, read};

    pub(in crate::plan) fn serialize<T: AsRef<OsStr>, S: Serializer>(
        values: &[T],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        values.iter().map(|value| Text::of(value.as_ref())).collect::<Vec<_>>().serialize(to)
    }

    pub(in crate::plan) fn deserialize<'de, T: From<OsString>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<T>, D::Error> {
        Ok(read::<Vec<Text>, D>(from)?.into_iter().map(|text| text.into_os().into()).collect())
    }
}

/// For a list of names with values.
pub(super) mod pairs {
    use super::{Deserializer, OsString, Serialize, Serializer, Text, read};

    pub(in crate::plan) fn serialize<S: Serializer>(
        values: &[(OsString, OsString)],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        values.iter().map(|(name, value)| (Text::of(name), Text::of(value))).collect::<Vec<_>>().serialize(to)
    }

    pub(in crate::plan) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<(OsString, OsString)>, D::Error> {
        let pairs = read::<Vec<(Text, Text)>, D>(from)?;
        Ok(pairs.into_iter().map(|(name, value)| (name.into_os(), value.into_os())).collect())
    }
}

fn read<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    T::deserialize(from)
}

// === impl Text ===

impl Text {
    fn of(value: &OsStr) -> Self {
        value
            .to_str()
            .map_or_else(|| Self::Raw(value.as_bytes().to_vec()), |utf8| Self::Utf8(utf8.to_owned()))
    }

    fn into_os(self) -> OsString {
        match self {
            Self::Utf8(text) => text.into(),
            Self::Raw(bytes) => OsString::from_vec(bytes),
        }
    }
}
