//! One list of tests, run on both backend pairs.

/// Runs every listed test on SQLite with the embedded queue, and on MariaDB with Redis.
macro_rules! on_both_pairs {
    ($($module:ident :: $name:ident),* $(,)?) => {
        mod sqlite_and_embedded {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::$module::$name(ichnaea_testkit::Backend::Embedded).await;
                }
            )*
        }

        mod mariadb_and_redis {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::$module::$name(ichnaea_testkit::Backend::Server).await;
                }
            )*
        }
    };
}
