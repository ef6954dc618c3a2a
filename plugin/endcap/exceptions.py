"""What the client and the command line raise.

EndcapError
├── ConfigurationError   endcap.toml, an environment variable or an option that cannot be used
├── RequestError         `ext.endcap` of a search that cannot be read
├── ProfileError         an event that was not kept
├── ArtefactError        a tuning or a model that cannot be used
└── EvaluationError      judgments or events from which nothing can be measured
    └── TooFewEventsError

A search raises only RequestError: what goes wrong of ours there stands under `ext.endcap.reason`.
"""


class EndcapError(Exception):
    """The root: catch it to catch everything the client raises on purpose."""


class ConfigurationError(EndcapError):
    """endcap.toml, an environment variable or an option that cannot be used."""


class RequestError(EndcapError):
    """`ext.endcap` of a search that cannot be read: the message names the key and what to type."""


class ProfileError(EndcapError):
    """An event that was not kept, or a profile that cannot be read."""


class ArtefactError(EndcapError):
    """A tuning or a model that cannot be used."""


class EvaluationError(EndcapError):
    """Judgments or events from which nothing can be measured or tuned."""


class TooFewEventsError(EvaluationError):
    """Events in which no search can be found to tune on."""
