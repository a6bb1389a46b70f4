"""The panel of /settings: pages that one manager clicks through in private."""
