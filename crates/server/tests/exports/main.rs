//! Buckets, folders and export targets, against real servers.

mod objects;
