//! Members of queued items.
//!
//! Queued items come from several versions of several programs. One odd value must not cost the
//! item it is part of, so everything reads as what it most plausibly means, or as missing: numbers
//! as text or with a fraction, whole numbers too large for their type, lists and objects where a
//! plain value belongs, and the other way round.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap};

use crate::station::Source;

/// Any value; objects are read as `T`.
enum Loose<T> {
    Missing,
    Flag(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    Object(T),
    List(Vec<T>),
}

/// A whole number; fractions are cut off. One too large for the type becomes the largest, which no
/// range of plausible values includes.
pub(crate) fn integer<'de, D: Deserializer<'de>>(input: D) -> Result<Option<i64>, D::Error> {
    Ok(match Loose::<IgnoredAny>::deserialize(input)? {
        Loose::Flag(flag) => Some(i64::from(flag)),
        Loose::Integer(value) => Some(value),
        Loose::Number(value) => whole(value),
        Loose::Text(text) => text.trim().parse().ok(),
        Loose::Missing | Loose::Object(_) | Loose::List(_) => None,
    })
}

/// A finite number.
pub(crate) fn number<'de, D: Deserializer<'de>>(input: D) -> Result<Option<f64>, D::Error> {
    let value = match Loose::<IgnoredAny>::deserialize(input)? {
        Loose::Flag(flag) => Some(f64::from(u8::from(flag))),
        Loose::Integer(value) => Some(value as f64),
        Loose::Number(value) => Some(value),
        Loose::Text(text) => text.trim().parse().ok(),
        Loose::Missing | Loose::Object(_) | Loose::List(_) => None,
    };
    Ok(value.filter(|value| value.is_finite()))
}

/// Text; anything else is missing.
pub(crate) fn text<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    let value = Loose::<IgnoredAny>::deserialize(input)?;
    Ok(if let Loose::Text(text) = value { Some(text) } else { None })
}

/// True or false; anything else is missing.
pub(crate) fn flag<'de, D: Deserializer<'de>>(input: D) -> Result<Option<bool>, D::Error> {
    let value = Loose::<IgnoredAny>::deserialize(input)?;
    Ok(if let Loose::Flag(flag) = value { Some(flag) } else { None })
}

/// A source of positions, by name or by code.
pub(crate) fn source<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Source>, D::Error> {
    Ok(match Loose::<IgnoredAny>::deserialize(input)? {
        Loose::Text(name) => Source::from_name(&name),
        Loose::Integer(code) => Source::from_code(code),
        _ => None,
    })
}

/// An object; anything else is missing.
pub(crate) fn object<'de, D, T>(input: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let value = Loose::deserialize(input)?;
    Ok(if let Loose::Object(object) = value { Some(object) } else { None })
}

/// The objects in a list; other members are left out, and anything but a list is an empty one.
pub(crate) fn list<'de, D, T>(input: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let value = Loose::deserialize(input)?;
    Ok(if let Loose::List(members) = value { members } else { Vec::new() })
}

/// Writes a member that is not missing.
pub(crate) fn entry<M: SerializeMap>(
    map: &mut M,
    name: &'static str,
    value: Option<impl Serialize>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(name, &value))
}

/// The whole part; `None` for what is no number.
#[expect(clippy::cast_possible_truncation, reason = "saturates, which is out of every range")]
pub(crate) fn whole(value: f64) -> Option<i64> {
    (!value.is_nan()).then_some(value as i64)
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(AnyValue(PhantomData))
    }
}

struct AnyValue<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AnyValue<T> {
    type Value = Loose<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Loose<T>, E> {
        Ok(Loose::Missing)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Loose<T>, E> {
        Ok(Loose::Flag(flag))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Loose<T>, E> {
        Ok(Loose::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Loose<T>, E> {
        Ok(Loose::Integer(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Loose<T>, E> {
        Ok(Loose::Number(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose<T>, E> {
        Ok(Loose::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Loose<T>, E> {
        Ok(Loose::Text(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Loose<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Loose::Object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Loose<T>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = list.next_element::<Loose<T>>()? {
            if let Loose::Object(object) = member {
                members.push(object);
            }
        }
        Ok(Loose::List(members))
    }
}
