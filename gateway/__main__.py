"""Runs a gateway: `python -m gateway`. With `openapi` it prints the OpenAPI document instead, to make types of."""

import json
import sys

from gateway.app import api, gateway
from gateway.settings import GatewaySettings
from kit import lifecycle, logs, settings


def main() -> int:
    """Returns the exit code."""
    gateway_settings = settings.load(GatewaySettings)
    if sys.argv[1:] == ["openapi"]:
        sys.stdout.write(json.dumps(api(gateway_settings).openapi(), indent=2) + "\n")
        return 0
    logs.setup(gateway_settings.log_level, gateway_settings.log_format, "gateway")
    return lifecycle.run(gateway(gateway_settings))


if __name__ == "__main__":
    sys.exit(main())
