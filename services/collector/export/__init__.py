"""What leaves by itself: counters to Prometheus and its kin, minutes to InfluxDB."""
