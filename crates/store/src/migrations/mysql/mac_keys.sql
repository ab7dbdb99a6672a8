mac binary(6) NOT NULL,
  PRIMARY KEY (mac)
