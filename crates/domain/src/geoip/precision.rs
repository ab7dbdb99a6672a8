//! How precise an address database is, by region and city.
//!
//! Providers hand out addresses over a whole region in some countries and street by street in
//! others. The figures were measured by the original against submitted positions.

/// How far a city can be trusted when the database names one: score, and the regions with it.
pub(super) const CITY_SCORES: [(f64, &[[u8; 2]]); 5] = [
    (0.9, &[*b"AE", *b"CR", *b"HK", *b"LU", *b"MT", *b"PR", *b"QA", *b"SG"]),
    (
        0.8,
        &[
            *b"BE", *b"CA", *b"CL", *b"CZ", *b"DE", *b"DK", *b"EC", *b"EE", *b"ES", *b"GB", *b"HU",
            *b"IS", *b"JP", *b"LV", *b"NL", *b"NO", *b"PE", *b"PK", *b"RU", *b"SI", *b"TH", *b"TW",
            *b"US", *b"UY",
        ],
    ),
    (
        0.7,
        &[
            *b"AR", *b"AT", *b"AU", *b"BG", *b"BR", *b"CH", *b"EG", *b"FR", *b"ID", *b"IL", *b"KR",
            *b"LT", *b"MY", *b"PT", *b"RO", *b"RS", *b"SA", *b"SE", *b"SK", *b"TR", *b"UA", *b"VN",
            *b"ZA",
        ],
    ),
    (0.6, &[*b"CN", *b"CO", *b"GR", *b"HR", *b"IN", *b"IT", *b"MX", *b"NZ", *b"PL", *b"VE"]),
    (0.5, &[*b"FI", *b"IE", *b"PH"]),
];

/// Radius of a first-level subdivision where it is not the usual one, metres; ascending by region.
pub(super) const SUBDIVISION_RADII_M: [([u8; 2], f64); 19] = [
    (*b"AU", 1_200_000.0),
    (*b"BR", 1_000_000.0),
    (*b"CA", 1_400_000.0),
    (*b"CD", 500_000.0),
    (*b"CL", 500_000.0),
    (*b"CN", 1_000_000.0),
    (*b"DZ", 600_000.0),
    (*b"EG", 500_000.0),
    (*b"GL", 1_600_000.0),
    (*b"ID", 550_000.0),
    (*b"KZ", 550_000.0),
    (*b"LY", 500_000.0),
    (*b"ML", 600_000.0),
    (*b"NE", 600_000.0),
    (*b"RU", 1_200_000.0),
    (*b"SA", 650_000.0),
    (*b"SD", 450_000.0),
    (*b"SO", 500_000.0),
    (*b"US", 1_200_000.0),
];

/// Radius of large cities by `GeoNames` id, metres; ascending by id.
pub(super) const CITY_RADII_M: [(u32, f64); 34] = [
    (98_182, 39_000.0),    // Baghdad
    (108_410, 30_000.0),   // Riyadh
    (112_931, 39_000.0),   // Tehran
    (323_786, 27_000.0),   // Ankara
    (360_630, 40_000.0),   // Cairo
    (524_901, 47_000.0),   // Moscow
    (745_044, 48_000.0),   // Istanbul
    (1_172_451, 36_000.0), // Lahore
    (1_185_241, 46_000.0), // Dhaka
    (1_275_339, 50_000.0), // Mumbai
    (1_277_333, 33_000.0), // Bengaluru
    (1_279_233, 28_000.0), // Ahmedabad
    (1_566_083, 27_000.0), // Ho Chi Minh City
    (1_609_350, 33_000.0), // Bangkok
    (1_642_911, 42_000.0), // Jakarta
    (1_668_341, 40_000.0), // Taipei
    (1_701_668, 47_000.0), // Manila
    (1_792_947, 48_000.0), // Tianjin
    (1_796_236, 68_000.0), // Shanghai
    (1_816_670, 49_000.0), // Beijing
    (1_835_848, 46_000.0), // Seoul
    (1_850_147, 42_000.0), // Tokyo
    (1_871_859, 26_000.0), // Pyongyang
    (2_314_302, 40_000.0), // Kinshasa
    (2_643_743, 40_000.0), // London
    (2_950_159, 27_000.0), // Berlin
    (3_117_735, 26_000.0), // Madrid
    (3_435_910, 50_000.0), // Buenos Aires
    (3_448_439, 46_000.0), // São Paulo
    (3_530_597, 50_000.0), // Mexico City
    (3_688_689, 40_000.0), // Bogotá
    (3_871_336, 32_000.0), // Santiago
    (3_936_456, 40_000.0), // Lima
    (5_128_581, 41_000.0), // New York
];
