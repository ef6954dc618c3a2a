"""What the client and the command line raise.

EndcapError
└── ConfigurationError   endcap.toml, an environment variable or an option that cannot be used

A search never raises these: what goes wrong there stands under `ext.endcap.reason`.
"""


class EndcapError(Exception):
    """The root: catch it to catch everything the client raises on purpose."""


class ConfigurationError(EndcapError):
    """endcap.toml, an environment variable or an option that cannot be used."""
