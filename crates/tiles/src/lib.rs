//! The pictures of the data map: points in, tiles of zoom 0 to 11 out.
//!
//! Floor 0: no input or output, no clock, no threads.
