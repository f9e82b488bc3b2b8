"""The routes, one module for each part of the API. A route converts, asks the collector, and converts back."""
