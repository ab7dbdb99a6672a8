cellid binary({key_len}) NOT NULL,
  radio tinyint(4) NOT NULL,
  mcc smallint(6) NOT NULL,
  mnc smallint(6) NOT NULL,
  lac {lac} NOT NULL,
  cid {cid} NOT NULL,
  psc smallint(6) DEFAULT NULL,
  PRIMARY KEY (cellid),
  UNIQUE KEY {table}_cellid_unique (radio, mcc, mnc, lac, cid)
