//! What stands around every page.

use chrono::{Datelike as _, NaiveDateTime};

use super::{PAGES, Page, Site};
use crate::assets::address;
use crate::context::Context;
use crate::geoip::Maker;

/// What the template `frame.html` shows around the text of a page.
#[derive(Debug)]
pub struct Frame<'a> {
    /// Whose site it is.
    pub site: &'a Site,
    /// The page in the frame.
    pub page: &'static Page,
    /// The year of the last line.
    pub year: i32,
    /// Whose data is shown or used, beside what contributors sent.
    pub credits: &'a [Credit],
}

/// What a licence asks to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    /// Where the text begins.
    pub before: &'static str,
    /// What is linked.
    pub text: &'static str,
    /// Where to.
    pub link: &'static str,
    /// What follows.
    pub after: &'static str,
}

impl<'a> Frame<'a> {
    /// The frame of a page at this time, UTC.
    #[must_use]
    pub fn new(
        site: &'a Site,
        page: &'static Page,
        now: NaiveDateTime,
        credits: &'a [Credit],
    ) -> Self {
        Self { site, page, year: now.year(), credits }
    }

    /// The pages of the navigation and their names there.
    pub fn navigation(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        PAGES.iter().filter_map(|page| Some((page.path, page.label?)))
    }

    /// Addresses of style sheets, the base one first.
    #[must_use]
    pub fn styles(&self) -> Vec<String> {
        let own = self.page.extras.styles.iter().copied();
        std::iter::once("css/bundle-base.css").chain(own).map(address).collect()
    }

    /// Addresses of scripts, the base one first.
    #[must_use]
    pub fn scripts(&self) -> Vec<String> {
        let own = self.page.extras.scripts.iter().copied();
        std::iter::once("js/bundle-base.js").chain(own).map(address).collect()
    }

    /// The address of a file below `/static/`.
    #[must_use]
    pub fn asset(&self, name: &str) -> String {
        address(name)
    }
}

/// Region shapes are compiled in, so that every answer may owe something to them.
const REGIONS: Credit = Credit {
    before: "Region shapes: ",
    text: "© OpenStreetMap contributors",
    link: "https://www.openstreetmap.org/copyright",
    after: " (ODbL).",
};
const BASE_MAP: Credit = Credit {
    before: "Outlines of countries: ",
    text: "Natural Earth",
    link: "https://www.naturalearthdata.com/",
    after: " (public domain).",
};
const DB_IP: Credit = Credit {
    before: "",
    text: "IP Geolocation by DB-IP",
    link: "https://db-ip.com",
    after: " (CC BY 4.0).",
};
const GEOLITE: Credit = Credit {
    before: "This product includes GeoLite Data created by MaxMind, available from ",
    text: "maxmind.com",
    link: "https://www.maxmind.com",
    after: ".",
};

/// What the licences of data in use ask to be said.
#[must_use]
pub fn credits(ctx: &Context) -> Vec<Credit> {
    let mut credits = vec![REGIONS, BASE_MAP];
    match ctx.geoip.maker() {
        Some(Maker::DbIp) => credits.push(DB_IP),
        Some(Maker::GeoLite) => credits.push(GEOLITE),
        Some(Maker::Other) | None => {}
    }
    credits
}
