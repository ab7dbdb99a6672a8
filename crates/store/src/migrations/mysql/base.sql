CREATE TABLE IF NOT EXISTS api_key (
  valid_key varchar(40) NOT NULL,
  maxreq int(11) DEFAULT NULL,
  allow_fallback tinyint(1) DEFAULT NULL,
  allow_locate tinyint(1) DEFAULT NULL,
  shortname varchar(40) DEFAULT NULL,
  fallback_name varchar(40) DEFAULT NULL,
  fallback_url varchar(256) DEFAULT NULL,
  fallback_ratelimit int(11) DEFAULT NULL,
  fallback_ratelimit_interval int(11) DEFAULT NULL,
  fallback_cache_expire int(11) DEFAULT NULL,
  PRIMARY KEY (valid_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE IF NOT EXISTS export_config (
  name varchar(40) NOT NULL,
  batch int(11) DEFAULT NULL,
  `schema` varchar(32) DEFAULT NULL,
  url varchar(512) DEFAULT NULL,
  skip_keys varchar(1024) DEFAULT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE IF NOT EXISTS region_stat (
  region varchar(2) NOT NULL,
  gsm int(10) unsigned DEFAULT NULL,
  wcdma int(10) unsigned DEFAULT NULL,
  lte int(10) unsigned DEFAULT NULL,
  blue bigint(20) unsigned DEFAULT NULL,
  wifi bigint(20) unsigned DEFAULT NULL,
  PRIMARY KEY (region)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;

CREATE TABLE IF NOT EXISTS stat (
  `key` tinyint(4) NOT NULL,
  `time` date NOT NULL,
  `value` bigint(20) unsigned DEFAULT NULL,
  PRIMARY KEY (`key`, `time`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8;
