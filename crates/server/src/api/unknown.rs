//! A bound on the unknown stations that one client may ask for.
//!
//! A device asks for what is around it, and most of that is known. Who goes through addresses of
//! access points to find out which are known, and where, asks for unknown ones above all. So these
//! are counted, each once in an hour, by address and by key, in the memory of this process: no
//! query waits for it. See `docs/adr/0033-mass-lookup.md`.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use ichnaea_domain::api_key::ApiKey;
use ichnaea_domain::station::StationKey;

use crate::clock::Clock;

/// The length of time that is counted over, milliseconds.
const HOUR_MS: i64 = 3_600_000;
/// Stations that are remembered for all addresses, and as many for all keys: some 40 MB each. One
/// beyond that is counted each time it is asked for.
const MAX_REMEMBERED: usize = 2_000_000;
/// Addresses that are counted in an hour, and as many keys; the ones after them are not.
const MAX_CLIENTS: usize = 200_000;

/// Which bound was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The one of an address.
    Address,
    /// The one of a key.
    Key,
}

impl Bound {
    /// The value of the tag.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Key => "key",
        }
    }
}

/// The unknown stations that clients have asked for in this hour.
pub struct Unknown {
    clock: Clock,
    limits: [usize; 2],
    counted: Mutex<Hour>,
    /// Nobody can tell which stations are taken for the same.
    hasher: RandomState,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The bits of the address that count.
    address: Option<u128>,
    key: Option<String>,
}

#[derive(Default)]
struct Hour {
    number: i64,
    addresses: Table<u128>,
    keys: Table<String>,
}

struct Table<K> {
    clients: HashMap<K, Stations>,
    remembered: usize,
}

#[derive(Default)]
struct Stations {
    seen: HashSet<u64>,
    /// Those for which there was no more room.
    beyond: usize,
}

impl Unknown {
    /// Counts against these bounds; 0: no bound.
    #[must_use]
    pub fn new(clock: Clock, by_address: usize, by_key: usize) -> Self {
        Self {
            clock,
            limits: [by_address, by_key],
            counted: Mutex::default(),
            hasher: RandomState::new(),
        }
    }

    /// Who asks, as far as there is a bound.
    #[must_use]
    pub fn asker(&self, key: &ApiKey, client: Option<IpAddr>) -> Option<Asker> {
        let [by_address, by_key] = self.limits;
        let address = client.filter(|_| by_address > 0).map(network);
        let key = key.name().filter(|_| by_key > 0).map(str::to_owned);
        (address.is_some() || key.is_some()).then_some(Asker { address, key })
    }

    /// The bound that this client has reached.
    #[must_use]
    pub fn reached(&self, asker: &Asker) -> Option<Bound> {
        let [by_address, by_key] = self.limits;
        self.with_hour(|hour| {
            let is_over = |count: usize, limit| limit > 0 && count >= limit;
            let of_address = asker.address.map_or(0, |address| hour.addresses.count(&address));
            let of_key = asker.key.as_ref().map_or(0, |key| hour.keys.count(key));
            is_over(of_address, by_address)
                .then_some(Bound::Address)
                .or_else(|| is_over(of_key, by_key).then_some(Bound::Key))
        })
    }

    /// Counts the unknown ones among the stations that this client asked for.
    pub fn note(&self, asker: Asker, stations: &[StationKey]) {
        if stations.is_empty() {
            return;
        }
        let marks: Vec<u64> = stations.iter().map(|key| self.hasher.hash_one(key)).collect();
        self.with_hour(|hour| {
            if let Some(address) = asker.address {
                hour.addresses.add(address, &marks);
            }
            if let Some(key) = asker.key {
                hour.keys.add(key, &marks);
            }
        });
    }

    fn with_hour<T>(&self, act: impl FnOnce(&mut Hour) -> T) -> T {
        let number = self.clock.now_ms().div_euclid(HOUR_MS);
        let mut hour = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if hour.number != number {
            *hour = Hour { number, ..Hour::default() };
        }
        act(&mut hour)
    }
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { clients: HashMap::new(), remembered: 0 }
    }
}

impl<K: Eq + std::hash::Hash> Table<K> {
    fn count(&self, client: &K) -> usize {
        self.clients.get(client).map_or(0, |stations| stations.seen.len() + stations.beyond)
    }

    fn add(&mut self, client: K, marks: &[u64]) {
        if self.clients.len() >= MAX_CLIENTS && !self.clients.contains_key(&client) {
            return;
        }
        let stations = self.clients.entry(client).or_default();
        for mark in marks {
            if self.remembered < MAX_REMEMBERED {
                self.remembered += usize::from(stations.seen.insert(*mark));
            } else if !stations.seen.contains(mark) {
                stations.beyond += 1;
            }
        }
    }
}

/// What is counted as one address: an IPv4 address, or the 64 bits of an IPv6 address that one
/// connection is given.
fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use ichnaea_domain::mac::Mac;

    use super::*;

    fn key(name: &str) -> ApiKey {
        ApiKey { valid_key: name.to_owned(), ..ApiKey::anonymous() }
    }

    fn wifi(numbers: std::ops::Range<u8>) -> Vec<StationKey> {
        let mac =
            |number| StationKey::Wifi(Mac::parse(&format!("5a00000000{number:02x}")).unwrap());
        numbers.map(mac).collect()
    }

    fn reached(unknown: &Unknown, name: &str, address: &str) -> Option<Bound> {
        let asker = unknown.asker(&key(name), address.parse().ok());
        asker.and_then(|asker| unknown.reached(&asker))
    }

    fn note(unknown: &Unknown, name: &str, address: &str, stations: &[StationKey]) {
        let asker = unknown.asker(&key(name), address.parse().ok());
        unknown.note(asker.unwrap(), stations);
    }

    #[test]
    fn each_station_counts_once_for_an_address_and_for_a_key() {
        let unknown = Unknown::new(Clock::System, 4, 6);
        for _ in 0..3 {
            note(&unknown, "a", "192.0.2.1", &wifi(0..3));
        }
        assert_eq!(reached(&unknown, "a", "192.0.2.1"), None);
        note(&unknown, "a", "192.0.2.1", &wifi(2..4));
        assert_eq!(reached(&unknown, "a", "192.0.2.1"), Some(Bound::Address));
        assert_eq!(reached(&unknown, "b", "192.0.2.1"), Some(Bound::Address));
        assert_eq!(reached(&unknown, "a", "192.0.2.2"), None);
        note(&unknown, "a", "192.0.2.2", &wifi(4..6));
        assert_eq!(reached(&unknown, "a", "192.0.2.3"), Some(Bound::Key));
        assert_eq!(reached(&unknown, "b", "192.0.2.3"), None);
    }

    #[test]
    fn addresses_of_one_connection_are_one() {
        let unknown = Unknown::new(Clock::System, 2, 0);
        note(&unknown, "", "2001:db8:0:1::1", &wifi(0..1));
        note(&unknown, "", "2001:db8:0:1:ffff::2", &wifi(1..2));
        assert_eq!(reached(&unknown, "", "2001:db8:0:1::3"), Some(Bound::Address));
        assert_eq!(reached(&unknown, "", "2001:db8:0:2::1"), None);
        note(&unknown, "", "::ffff:192.0.2.1", &wifi(0..2));
        assert_eq!(reached(&unknown, "", "192.0.2.1"), Some(Bound::Address));
    }

    #[test]
    fn the_next_hour_begins_with_nothing() {
        let now = Arc::new(AtomicI64::new(5 * HOUR_MS));
        let unknown = Unknown::new(Clock::Fixed(Arc::clone(&now)), 1, 0);
        note(&unknown, "", "192.0.2.1", &wifi(0..1));
        now.store(6 * HOUR_MS - 1, Ordering::Relaxed);
        assert_eq!(reached(&unknown, "", "192.0.2.1"), Some(Bound::Address));
        now.store(6 * HOUR_MS, Ordering::Relaxed);
        assert_eq!(reached(&unknown, "", "192.0.2.1"), None);
    }

    #[test]
    fn without_a_bound_nobody_is_watched() {
        let unknown = Unknown::new(Clock::System, 0, 0);
        assert_eq!(unknown.asker(&key("a"), "192.0.2.1".parse().ok()), None);
        let unknown = Unknown::new(Clock::System, 0, 1);
        assert_eq!(unknown.asker(&ApiKey::anonymous(), "192.0.2.1".parse().ok()), None);
    }

    #[test]
    fn what_is_remembered_has_a_bound_and_counting_goes_on_beyond_it() {
        let mut table = Table { clients: HashMap::new(), remembered: MAX_REMEMBERED - 1 };
        table.add(1, &[1, 2]);
        table.add(1, &[1, 2]);
        assert_eq!((table.count(&1), table.remembered), (3, MAX_REMEMBERED));
        table
            .clients
            .extend((2..).take(MAX_CLIENTS - 1).map(|client| (client, Stations::default())));
        table.add(0, &[1]);
        table.add(2, &[1]);
        assert_eq!((table.count(&0), table.count(&2)), (0, 1));
    }
}
