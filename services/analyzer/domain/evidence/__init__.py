"""What is normal for each series and metric, and the evidence that it no longer is: arrays over series, no object a series."""
